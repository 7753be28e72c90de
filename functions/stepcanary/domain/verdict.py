"""Verdict: what follows from the alarms of the canary."""

from dataclasses import dataclass
from typing import Literal

from stepcanary.domain.model import Model
from stepcanary.errors import LONGEST_MESSAGE

Decision = Literal["advance", "hold", "revert"]
LONGEST_REASON = 300
"""Characters of what CloudWatch says of one alarm."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """A CloudWatch alarm as it stands: state OK, ALARM or INSUFFICIENT_DATA.

    `fired` is true for an alarm in ALARM, and for one that was since the release began. `blind`
    says why the alarm cannot see, whatever its state: CloudWatch keeps the last one.
    """

    name: str
    state: str
    reason: str = ""
    fired: bool = False
    blind: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """With `gated` an advance waits for a person first."""

    decision: Decision
    reason: str
    gated: bool = False


class Progress(Model):
    """What follows a verdict: `shift` to `step`, `bake` again, `gate` to wait for a person,
    `promote` or `revert`. `holds` counts how often the bake of the step was repeated."""

    next: Literal["shift", "bake", "gate", "promote", "revert"]
    reason: str
    step: int
    holds: int


NO_HOLD = ", and no hold is left. "
MEND = "Mend what the alarm says about itself in CloudWatch"
NO_DATA = (
    "Bake longer, allow more holds, or set TreatMissingData to notBreaching where silence is"
    " healthy"
)


def fired_of(alarms: list[Alarm]) -> str | None:
    """Which of these have fired, in a sentence."""
    sentences = [f"alarm {a.name} fired ({a.reason[:LONGEST_REASON]})" for a in alarms if a.fired]
    return "; ".join(sentences) or None


def gone_of(names: list[str], alarms: list[Alarm]) -> str | None:
    """Which of the names are not among these alarms, in a sentence."""
    found = {alarm.name for alarm in alarms}
    gone = ", ".join(name for name in names if name not in found)
    return f"alarm {gone} no longer exists" if gone else None


def alarming_of(names: list[str], alarms: list[Alarm]) -> str | None:
    """Which of the names have fired or are gone, in a sentence: that reverts wherever it is seen.

    One that is blind, or without data, has until its verdict.
    """
    sentences = (gone_of(names, alarms), fired_of(alarms))
    return "; ".join(filter(None, sentences)) or None


def unseen_of(names: list[str], alarms: list[Alarm]) -> str | None:
    """Which of the names cannot see, or are not there to, in a sentence."""
    sentences = (gone_of(names, alarms), blind_of(alarms))
    return "; ".join(filter(None, sentences)) or None


def blind_of(alarms: list[Alarm]) -> str | None:
    """Which of these cannot see, in a sentence."""
    blind = [(a.name, a.blind[:LONGEST_REASON]) for a in alarms if a.blind]
    sentences = [f"alarm {name} cannot see ({why})" for name, why in blind]
    return "; ".join(sentences) or None


def silent_of(alarms: list[Alarm]) -> str | None:
    """Which of these see, and have no data to say OK about, in a sentence."""
    silent = [alarm.name for alarm in alarms if alarm.state != "OK" and not alarm.blind]
    return f"alarm without data: {', '.join(silent)}" if silent else None


def judge(
    names: list[str], alarms: list[Alarm], holds_left: int, *, promoted: bool = False
) -> Verdict:
    """One doubt reverts. An alarm that is blind or without data holds the step, and reverts when
    holds run out.

    Neither is ever a pass: a canary that gets no requests looks just like a healthy one. Only a
    person's `promoted` goes on over it; it does not go on over an alarm that fired or is gone.
    """
    if alarming := alarming_of(names, alarms):
        return Verdict("revert", alarming)
    if promoted:
        return Verdict("advance", "it was promoted, and no alarm fires")
    blind, silent = blind_of(alarms), silent_of(alarms)
    if doubt := "; ".join(filter(None, (blind, silent))):
        if holds_left > 0:
            return Verdict("hold", doubt)
        return Verdict("revert", doubt + NO_HOLD + (MEND if blind else NO_DATA))
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
