"""A run: one case, and what is kept from its beginning to its end."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from emulator.workflow import jitter
from tests.faults.invariants import Violation, Watch, Writer
from tests.faults.kinds import KINDS, TARGETS, Fault


@dataclass(frozen=True)
class Case:
    base: str
    faults: tuple[Fault, ...] = ()
    router: str = "appmesh"

    def __str__(self) -> str:
        return f"{self.router}, {self.base}: {', '.join(map(str, self.faults)) or 'no fault'}"

    @property
    def name(self) -> str:
        """The same for the same faults, in whichever order they were written down."""
        return str(replace(self, faults=tuple(sorted(set(self.faults)))))


LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
Trace = dict[str, list[str]]
"""In order: calls, invocations, states entered and events."""


@dataclass(frozen=True)
class Result:
    case: Case
    violations: tuple[Violation, ...]
    outcome: str
    trace: Trace


@dataclass
class Run:
    """What one case sets and sees while it is under way. Its retries depend on the case alone."""

    case: Case
    watch: Watch
    trace: Trace = field(default_factory=lambda: {target: [] for target in TARGETS})
    writers: list[Writer] = field(default_factory=list)
    """The invocations under way, the innermost last."""
    past: list[tuple[str, str]] = field(default_factory=list)
    """The machine's invocations so far, each a function and its event."""
    late: list[tuple[str, str, int]] = field(default_factory=list)
    """Those that come again, and before how many more invocations."""
    striking: set[str] = field(default_factory=set)
    """The kinds of fault that strike the call under way."""
    closing: bool = False
    over: bool = False
    """All faults have struck; in the minute that follows help sees the last of them."""
    excused: bool = False
    """Somebody moved the split when no help from outside looks at it any more."""
    stranded: int = 0
    left: int = 0
    unknown_until: datetime = LONG_AGO
    images: dict[str, str] = field(default_factory=dict)
    """By the release's name, in order."""

    def __post_init__(self) -> None:
        jitter.seed(self.case.name)

    @property
    def writer(self) -> Writer:
        return self.writers[-1] if self.writers else Writer("nobody")

    def struck(self, target: str, name: str) -> set[str]:
        """The kinds of fault that strike what happens now."""
        if self.over:
            return set()
        at = len(self.trace[target])
        self.trace[target].append(name)
        return {f.kind for f in self.case.faults if KINDS[f.kind] == target and f.at == at}
