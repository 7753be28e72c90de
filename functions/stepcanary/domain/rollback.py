"""Rollback: which version it may bring back, and with how many tasks.

It is a release without judges, so it goes nowhere that somebody has not been before.
"""

from dataclasses import dataclass

from stepcanary.domain.outcome import Outcome
from stepcanary.domain.release import Release

MOST_GOOD = 5
"""So many releases are named to whoever has to choose one."""
NAME_ONE = 'name the one whose version is to come back: "to", an execution of the history'


@dataclass(frozen=True, slots=True)
class Good:
    """A release that ended Released, and what it released, for people."""

    execution: str
    version: str

    def __str__(self) -> str:
        return f"{self.execution.rpartition(':')[2]} ({self.version})"


def remembered(good: list[Good], newest: Good) -> list[Good]:
    """The last good releases, the newest first."""
    others = [each for each in good if each.execution != newest.execution]
    return [newest, *others][:MOST_GOOD]


def known(good: list[Good]) -> str:
    """Those that can be named, in a sentence."""
    if not good:
        return "no release of the service was Released"
    return "the last that were Released: " + ", ".join(str(each) for each in good)


def why_unnamed(last: Release, good: list[Good]) -> str | None:
    """Why a rollback after this release has to name where it goes; None where it need not."""
    if last.fled is None:
        return None
    return (
        f"rollback: {last.execution} was a rollback itself, from {last.fled.version} to"
        f" {last.version}, and to go back from it would bring {last.fled.version} again; {NAME_ONE}"
        f" ({known(good)})"
    )


def why_not_to(
    to: str, service: str, target: Release | None, outcome: Outcome | None, good: list[Good]
) -> str | None:
    """Why a rollback cannot go to this execution, whose release and outcome these are; None where
    it can."""
    if target is None:
        problem = f"the ledger has no release {to}"
    elif target.service != service:
        problem = f"{to} is a release of {target.service}"
    elif target.manual:
        problem = f"{to} shifted weights by hand and released no version"
    elif outcome != "Released":
        problem = f"{to} is {outcome or 'not begun'}, so nobody knows whether its version is good"
    else:
        return None
    return f"rollback: to: {problem}; {known(good)}"


def canary_tasks(wanted: int | None, desired: int, running: int) -> int:
    """As many as the primary has, for the canary gets all of its traffic at once; more where the
    profile says so."""
    return max(wanted or 1, desired, running)
