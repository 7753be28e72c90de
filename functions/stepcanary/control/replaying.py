"""Replaying: what a replay of the judge needs of the past; whoever asks judges it."""

from stepcanary import clock
from stepcanary.access import entered
from stepcanary.contracts.questions import (
    CountsQuestion,
    PrimaryCounts,
    ReleaseRows,
    RowsQuestion,
)
from stepcanary.control.checking import execution_of, resolved
from stepcanary.control.past import named
from stepcanary.domain.judging import Judging
from stepcanary.domain.periods import MINUTE, final_seconds
from stepcanary.domain.release import Release
from stepcanary.domain.replay import Minutes
from stepcanary.errors import DocumentUnreadable, RequestRejected
from stepcanary.release import counted
from stepcanary.release.estimates import estimated
from stepcanary.release.foreseen import sketch
from stepcanary.store import evidence, ledger

DAY_SECONDS = 86_400
NO_LOGS = "what logs would have counted is not known of the past, so they are left out"
NO_JUDGE = "the profile has no judge; this is what the one of {} would say"


def counts(question: CountsQuestion) -> PrimaryCounts:
    """Raises `RequestRejected` as a check does, and `AwsRefused` where no metric may be read."""
    service, profile, _ = resolved(question.request)
    execution = execution_of(service)
    now = (clock.epoch_seconds() - final_seconds(MINUTE)) // MINUTE * MINUTE
    end = now if question.before is None else min(now, question.before)
    start = end - DAY_SECONDS
    notes = [] if profile.judge else [NO_JUDGE]
    with entered(profile.access(execution)):
        release = sketch(execution, service, profile)
        judging = question.judge
        if judging is None:
            found = estimated(release, profile.judge or Judging())
            judging, notes = found.judging, [*notes, *found.warnings]
        if judging.logged:
            judging, notes = _without_logs(judging), [*notes, NO_LOGS]
        release = release.model_copy(update={"judge": judging})
        whole = counted.minutes(release, start, end)
        zones = counted.by_zone(release, start, end)
    return PrimaryCounts(
        service=service,
        judge=judging,
        steps=profile.all_steps,
        settle_seconds=profile.settle_seconds,
        minutes=_told(whole),
        zones={zone: _told(by_metric) for zone, by_metric in zones.items()},
        before=start,
        notes=notes,
    )


def _without_logs(judging: Judging) -> Judging:
    if not judging.counted:
        raise RequestRejected(
            "judge: it counts logs alone, and of these there is no past to replay"
        )
    return judging.model_copy(update={"metrics": judging.counted})


def _told(by_metric: dict[str, Minutes]) -> dict[str, list[tuple[int, int, int]]]:
    return {
        metric: [(at, *minute) for at, minute in minutes.items()]
        for metric, minutes in by_metric.items()
    }


def rows(question: RowsQuestion) -> ReleaseRows:
    """Raises `RequestRejected` where the ledger has no such release."""
    execution = named(question.release)
    try:
        release: Release = ledger.release_of(execution)
    except DocumentUnreadable as unreadable:
        raise RequestRejected(f"release: {unreadable}") from unreadable
    page = evidence.page(execution, question.after)
    return ReleaseRows(
        execution=release.execution,
        steps=len(release.steps),
        rows=page.rows,
        logged=[metric.named for metric in release.judge.logged] if release.judge else [],
        after=page.after,
    )
