"""Verdict notes: a verdict goes into the ledger, with the numbers that it saw."""

from contextlib import suppress

from stepcanary.domain.judged import judged, seen
from stepcanary.domain.release import Release
from stepcanary.domain.verdict import Alarm, Progress
from stepcanary.errors import AwsRefused, AwsUnavailable
from stepcanary.release.comparing import standing
from stepcanary.store import ledger


def note_verdict(
    release: Release,
    moment: int,
    following: Progress,
    *,
    step: int,
    holds: int,
    alarms: list[Alarm],
    returning: bool = False,
) -> None:
    """`moment`, in epoch milliseconds, is when it was begun: a second delivery says the same. What
    was decided stays so where it cannot be kept."""
    steps = release.return_steps if returning else release.steps
    metrics = []
    with suppress(AwsRefused, AwsUnavailable):
        if release.judge is not None:
            compared = standing(release)
            metrics = seen(release.judge, len(release.steps), compared, step)
    given = judged(
        moment,
        following,
        step=step,
        weight=steps[step].weight,
        holds=holds,
        alarms=alarms,
        metrics=metrics,
        returning=returning,
    )
    ledger.note_verdict(release.execution, given)
