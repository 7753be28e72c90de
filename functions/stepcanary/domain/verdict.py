"""Verdict: what follows from the alarms of the canary."""

from dataclasses import dataclass
from typing import Literal

from stepcanary.domain.model import Model
from stepcanary.errors import LONGEST_MESSAGE

Decision = Literal["advance", "hold", "revert"]


@dataclass(frozen=True, slots=True)
class Alarm:
    """A CloudWatch alarm as it stands: state OK, ALARM or INSUFFICIENT_DATA.

    `fired` is true for an alarm in ALARM, and for one that was since the release began.
    """

    name: str
    state: str
    reason: str = ""
    fired: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    decision: Decision
    reason: str


class Progress(Model):
    """What follows a verdict: `shift` to `step`, `bake` again, `gate` to wait for a person,
    `promote` or `revert`. `holds` counts how often the bake of the step was repeated."""

    next: Literal["shift", "bake", "gate", "promote", "revert"]
    reason: str
    step: int
    holds: int


NO_DATA = (
    ", and no hold is left. Bake longer, allow more holds, or set TreatMissingData to notBreaching"
    " where silence is healthy"
)


def judge(
    names: list[str], alarms: list[Alarm], holds_left: int, *, promoted: bool = False
) -> Verdict:
    """One doubt reverts. An alarm without data holds the step, and reverts when holds run out.

    No data is never a pass: a canary that gets no requests looks just like a healthy one. Only a
    person's `promoted` goes on without data; it does not go on over an alarm that fired.
    """
    found = {alarm.name: alarm for alarm in alarms}
    gone = [name for name in names if name not in found]
    if gone:
        return Verdict("revert", f"alarm {', '.join(gone)} no longer exists")
    firing = [found[name] for name in names if found[name].fired]
    if firing:
        reasons = "; ".join(f"{a.name} ({a.reason[:300]})" for a in firing)
        return Verdict("revert", f"alarm fired: {reasons}")
    if promoted:
        return Verdict("advance", "it was promoted, and no alarm fires")
    silent = [name for name in names if found[name].state != "OK"]
    if silent:
        reason = f"alarm without data: {', '.join(silent)}"
        return Verdict("hold", reason) if holds_left > 0 else Verdict("revert", reason + NO_DATA)
    if not names:
        return Verdict("advance", "no alarm judges this release; the bake is over")
    all_ok = "the alarm is OK" if len(names) == 1 else f"all {len(names)} alarms are OK"
    return Verdict("advance", all_ok)


FOLLOWING: dict[Decision, Literal["shift", "bake", "revert"]] = {
    "advance": "shift",
    "hold": "bake",
    "revert": "revert",
}


def progress(
    verdict: Verdict, step: int, holds: int, *, last: bool, gated: bool = False
) -> Progress:
    """What follows the verdict on this step; after the `last` one there is none to shift to."""
    advanced = verdict.decision == "advance"
    reason = verdict.reason[:LONGEST_MESSAGE]
    if advanced and (last or gated):
        return Progress(next="gate" if gated else "promote", reason=reason, step=step, holds=0)
    return Progress(
        next=FOLLOWING[verdict.decision],
        reason=reason,
        step=step + 1 if advanced else step,
        holds=0 if advanced else holds + 1,
    )
