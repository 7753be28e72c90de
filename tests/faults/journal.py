"""The journal: what the matrix has run on one state of the code, where the next session goes on."""

import fcntl
import hashlib
import json
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.faults.run import Result

FOLDER = Path("build/faults")
KEPT_STATES = 2
"""Of so many states of the code the journals are kept, the newest."""

CODE = (
    "functions",
    "statemachine",
    "template.yaml",
    "emulator",
    "tests/builders.py",
    "tests/conftest.py",
    "tests/fakes",
    "tests/faults",
    "tests/statemachine/runner.py",
    "requirements-dev.txt",
)
"""All that a result depends on."""


class JournalInUse(Exception):
    """Another process writes this journal."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One case, and what became of it. `case` names it; `place` says that it is a single fault."""

    case: str
    router: str
    kinds: tuple[str, ...]
    outcome: str
    violations: tuple[tuple[str, str], ...]
    """Each an invariant and a sentence."""
    place: bool

    @classmethod
    def of(cls, result: Result, *, place: bool) -> "Entry":
        return cls(
            result.case.name,
            result.case.router,
            tuple(sorted({fault.kind for fault in result.case.faults})),
            result.outcome,
            tuple((v.invariant, v.sentence) for v in result.violations),
            place,
        )


def fingerprint(root: Path = Path()) -> str:
    """The state of the code, without its tests."""
    digest = hashlib.sha256()
    for path in sorted(_files(root)):
        digest.update(f"{path.relative_to(root)}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _files(root: Path) -> Iterator[Path]:
    for name in CODE:
        path = root / name
        for file in path.rglob("*") if path.is_dir() else [path]:
            skipped = file.suffix == ".pyc" or file.name.startswith("test_")
            if file.is_file() and not skipped:
                yield file


class Journal:
    """A line of JSON for each task of cases; a line that was cut off is run again."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.entries: dict[str, Entry] = {}
        self.places: dict[str, int] = {}
        """By router, how many single faults there are."""
        self.cpu_seconds = 0.0
        self.seconds = 0.0
        self._read()

    def _read(self) -> None:
        self._file.seek(0)
        whole = 0
        for line in self._file:
            if not line.endswith(b"\n"):
                break
            try:
                self._add(json.loads(line))
            except ValueError:
                break
            whole += len(line)
        self._file.truncate(whole)
        self._file.seek(whole)

    def _add(self, task: dict[str, Any]) -> None:
        self.places |= task.get("places", {})
        self.cpu_seconds += task.get("cpu_seconds", 0.0)
        self.seconds += task.get("seconds", 0.0)
        for found in task.get("entries", []):
            kinds, violations = tuple(found["kinds"]), tuple(map(tuple, found["violations"]))
            entry = Entry(**{**found, "kinds": kinds, "violations": violations})
            self.entries[entry.case] = entry

    def plan(self, places: dict[str, int]) -> None:
        """The single faults of each router that is to be struck."""
        self._append({"places": places})

    def write(self, entries: Iterable[Entry], cpu_seconds: float, seconds: float) -> None:
        """A task is done. `seconds` have passed since the one before it, or the start."""
        written = [asdict(entry) for entry in entries]
        self._append({"entries": written, "cpu_seconds": cpu_seconds, "seconds": seconds})

    def _append(self, task: dict[str, Any]) -> None:
        line = json.dumps(task)
        self._file.write(line.encode() + b"\n")
        self._file.flush()
        self._add(json.loads(line))


@contextmanager
def opened(
    state: str, without: str | None, folder: Path = FOLDER, kinds: Collection[str] = ()
) -> Iterator[Journal]:
    """The journal of this state of the code, with a guard switched off or with none, of all kinds
    of fault or of some."""
    folder.mkdir(parents=True, exist_ok=True)
    more = [without] if without else []
    name = "-".join([state, *(each.replace(" ", "_") for each in [*more, *sorted(kinds)])])
    path = folder / f"{name}.jsonl"
    path.touch()
    _forget_old(folder)
    with path.open("r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise JournalInUse(f"another process writes {path}; wait for its end") from None
        yield Journal(file)


def _forget_old(folder: Path) -> None:
    newest: dict[str, float] = {}
    for path in folder.glob("*.jsonl"):
        state = path.stem.partition("-")[0]
        newest[state] = max(newest.get(state, 0.0), path.stat().st_mtime)
    for state in sorted(newest, key=lambda state: newest[state])[:-KEPT_STATES]:
        for path in folder.glob(f"{state}*.jsonl"):
            path.unlink()
