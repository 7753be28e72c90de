"""Verdict: what the alarms say about the canary. Pure."""

from dataclasses import dataclass
from typing import Literal

Decision = Literal["advance", "hold", "revert"]


@dataclass(frozen=True, slots=True)
class Alarm:
    """A CloudWatch alarm as it stands: state OK, ALARM or INSUFFICIENT_DATA."""

    name: str
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    decision: Decision
    reason: str


def judge(asked: list[str], alarms: list[Alarm], holds_left: int) -> Verdict:
    """One doubt reverts. An alarm without data holds the step, and reverts when holds run out.

    No data is never a pass: a canary that gets no requests looks just like a healthy one.
    """
    found = {alarm.name: alarm for alarm in alarms}
    gone = [name for name in asked if name not in found]
    if gone:
        return Verdict("revert", f"alarm {', '.join(gone)} no longer exists")
    firing = [found[name] for name in asked if found[name].state == "ALARM"]
    if firing:
        told = "; ".join(f"{a.name} ({a.reason[:300]})" for a in firing)
        return Verdict("revert", f"alarm in ALARM: {told}")
    silent = [name for name in asked if found[name].state != "OK"]
    if silent and holds_left > 0:
        return Verdict("hold", f"alarm without data: {', '.join(silent)}")
    if silent:
        return Verdict(
            "revert",
            f"alarm still without data: {', '.join(silent)}. Bake longer, allow more holds, or"
            " set TreatMissingData to notBreaching where silence is healthy",
        )
    if not asked:
        return Verdict("advance", "no alarm judges this release; the bake is over")
    return Verdict("advance", f"all {len(asked)} alarms are OK")


def progress(verdict: Verdict, step: int, holds: int, steps: int) -> dict[str, object]:
    """The verdict with what follows: the step to shift to next, and whether none is left."""
    advanced = verdict.decision == "advance"
    return {
        "verdict": verdict.decision,
        "reason": verdict.reason,
        "step": step + 1 if advanced else step,
        "holds": 0 if advanced else holds + 1,
        "complete": advanced and step + 1 == steps,
    }
