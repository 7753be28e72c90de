"""Comparing: what CloudWatch has counted of both sides, for many releases in few calls."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from stepcanary import clock
from stepcanary.access import entered
from stepcanary.aws import metrics
from stepcanary.aws.metrics import Values
from stepcanary.domain import comparison
from stepcanary.domain.account import by_account
from stepcanary.domain.comparison import Bake, Compared, Row, doubt, is_missing, judge_of
from stepcanary.domain.judging import Metric
from stepcanary.domain.lease import Lease
from stepcanary.domain.measures import Measure, Series
from stepcanary.domain.release import Release
from stepcanary.domain.router_metrics import errors_of, slow_of
from stepcanary.domain.split import SideName
from stepcanary.domain.stage import promoting
from stepcanary.domain.verdict import NO_HOLD, Verdict
from stepcanary.errors import AwsRefused, AwsUnavailable
from stepcanary.observability import logger
from stepcanary.release import telling
from stepcanary.release.windows import Window, returned_at, window_of
from stepcanary.store import batches, evidence

NO_ANSWER = "Release again once CloudWatch answers"
LATE_SECONDS = 600
"""How late a period may be published, at most."""
MISSING_SECONDS = 120
"""How long a period waits for counts of one side that have to come."""
TRIES = 4
"""To note that a bake is over; others look each 10 s at most."""
MOST_LOOKS = 4
"""So many of them read what nobody has looked at for a while."""
SIDES: tuple[SideName, SideName] = ("canary", "primary")


def is_compared(lease: Lease, release: Release) -> bool:
    """Whether it waits with a weight, and a revert would end that; or its primary is replaced for
    the first time, and the canary has all the weight, as in its last step."""
    if release.judge is None or not lease.weight:
        return False
    if lease.stage == promoting(0):
        return lease.weight == lease.target == 100
    # The token of the wait before is still there while a shift is tried again.
    return lease.weight == lease.target and lease.waits_for("revert")


def look_at(
    waiting: Iterable[tuple[Lease, Release]], *, baked: bool = False, tries: int = TRIES
) -> dict[str, Compared]:
    """Compare what has been published since the last look; where each release stands now, by
    execution. `baked` says that a bake is over, and the weight has not changed yet: what is
    published of it later still is of this step.

    A look that finds nothing new, or that another one was ahead of, changes nothing; but that a
    bake is over has to be noted, so it looks again. Raises `AwsUnavailable` and `AwsRefused`.
    """
    judged = [(lease, release) for lease, release in waiting if release.judge is not None]
    windows = [
        window_of(lease, release, period)
        for lease, release in judged
        for period in (release.judge.periods if release.judge else ())
    ]
    stood = {(each.release.execution, each.period): each.before for each in windows}
    due = [window for window in windows if window.seconds or window.closes or baked]
    overtaken = False
    for some in _read_together(due):
        with entered(some[0].release.access):
            read = list(_read(some))
        for window, rows in read:
            key = execution, period = window.release.execution, window.period
            after = _after(window, rows, baked=baked)
            if evidence.write(execution, window.before, rows, after, period):
                stood[key] = after
                for row in rows:
                    telling.counted(window.release, row.at, row.counts)
            else:
                stood[key] = evidence.read(*key)
                overtaken = True
    if overtaken and baked and tries > 1:
        return look_at(judged, baked=True, tries=tries - 1)
    return {
        release.execution: _with_log(
            release,
            Compared.together(
                compared
                for (execution, _), compared in stood.items()
                if execution == release.execution
            ),
        )
        for _, release in judged
    }


def doubted_by_log(release: Release) -> str | None:
    """Why it should not end, by what its log has counted so far."""
    judging = release.judge
    if judging is None or not judging.logged:
        return None
    judge = judge_of(judging, len(release.steps))
    return doubt(judging, judge, _with_log(release, Compared()))


def last_doubt(release: Release, lease: Lease) -> str | None:
    """Why a promoted release should not end: by what is published since of the time in which its
    canary had all the weight, and by what its log has counted of the primary's new tasks."""
    if release.judge is None:
        return None
    compared = _with_log(release, _last_minutes(release, lease))
    return doubt(release.judge, judge_of(release.judge, len(release.steps)), compared)


def _last_minutes(release: Release, lease: Lease) -> Compared:
    """Nothing where they cannot be seen: every verdict was made while they could."""
    if returned_at(lease) is None:
        return Compared()
    try:
        *_, compared = _looks(release, lease)
    except (AwsRefused, AwsUnavailable):
        logger.exception("the canary's last minutes could not be compared")
        return Compared()
    return compared


def _looks(release: Release, lease: Lease, *, baked: bool = False) -> Iterator[Compared]:
    """Several of them: nobody may have looked for a while."""
    for _ in range(MOST_LOOKS):
        yield look_at([(lease, release)], baked=baked)[release.execution]


def standing(release: Release) -> Compared:
    """Where it stands by what was compared so far, without another look."""
    periods = release.judge.periods if release.judge else []
    kept = [evidence.read(release.execution, period) for period in periods]
    return _with_log(release, Compared.together(kept))


def _with_log(release: Release, compared: Compared) -> Compared:
    """With what the canary's log has counted, which is kept apart: nobody has to look for it."""
    judging = release.judge
    if judging is None or not judging.logged:
        return compared
    logged = batches.read(release.execution, judging).tallies(judging)
    return compared.model_copy(update={"tallies": {**compared.tallies, **logged}})


def verdict(release: Release, lease: Lease, bake: Bake, *, promoted: bool) -> Verdict:
    """On a step whose bake is over. A person's promote stands in for all but a doubt.

    That CloudWatch fails says nothing of the canary: it is held as without data. Raises
    `AwsRefused`.
    """
    judging = release.judge
    assert judging is not None
    compared = Compared()
    try:
        for compared in _looks(release, lease, baked=True):
            if compared.step >= bake.step:
                break
            # That was the end of the step before, or a part of it.
    except AwsUnavailable as unavailable:
        unseen = f"the sides cannot be compared: {unavailable}"
        return bake.held(unseen, Verdict("revert", f"{unseen}{NO_HOLD}{NO_ANSWER}"))
    judge = judge_of(judging, len(release.steps))
    if promoted:
        reason = doubt(judging, judge, compared)
        return Verdict("revert", reason) if reason else Verdict("advance", "it was promoted")
    approvals = release.promotion.approval or any(step.approval for step in release.steps)
    return comparison.verdict(judging, judge, compared, bake, approvals=approvals)


def _read_together(windows: Sequence[Window]) -> Iterator[list[Window]]:
    """Those of one account whose periods are as long."""
    for period in sorted({window.period for window in windows}):
        by_execution = {w.release.execution: w for w in windows if w.period == period}
        for releases in by_account(w.release for w in by_execution.values()).values():
            yield [by_execution[release.execution] for release in releases]


def measures_of(release: Release, metric: Metric, side: SideName) -> Measure:
    """What counts a side of the release."""
    assert release.judge is not None
    own = metric.canary if side == "canary" else metric.primary
    if own is not None:
        return own
    mesh = release.judge.mesh
    if metric.kind == "latency" and metric.slower_than_ms is not None:
        return slow_of(release.traffic, side, metric.slower_than_ms, mesh)
    return errors_of(release.traffic, side, mesh)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A place in the answer: which number of which side of which metric these series add to."""

    metric: Metric
    number: int
    series: list[Series]


Answer = tuple[_Asked, list[Values]]


def _asked(window: Window) -> Iterator[_Asked]:
    for metric in window.metrics:
        for place, side in enumerate(SIDES):
            measure = measures_of(window.release, metric, side)
            yield _Asked(metric, 2 * place, measure.requests)
            yield _Asked(metric, 2 * place + 1, measure.bad)


def _read(windows: list[Window]) -> Iterator[tuple[Window, list[Row]]]:
    """All series of all releases at once, whose periods are as long."""
    wanted = [(window, each) for window in windows if window.seconds for each in _asked(window)]
    found: list[Values] = []
    if wanted:
        read = [window for window in windows if window.seconds]
        start, end = min(w.start for w in read), max(w.end for w in read)
        series = [one for _, each in wanted for one in each.series]
        found = metrics.read(series, start, end, read[0].length)
    values = iter(found)
    answers: dict[str, list[Answer]] = {}
    for window, each in wanted:
        counted = [next(values) for _ in each.series]
        answers.setdefault(window.release.execution, []).append((each, counted))
    for window in windows:
        rows = list(_rows(window, answers.get(window.release.execution, [])))
        yield window, _settled(window, rows)


def _rows(window: Window, answers: list[Answer]) -> Iterator[Row]:
    """A period without any request is none."""
    for at in window.seconds:
        moving = window.is_moving(at)
        counts: dict[str, list[int]] = {}
        for asked, found in answers:
            if moving and asked.metric.kind == "latency":
                # Tasks that get their first requests are slow, whatever their version.
                continue
            numbers = counts.setdefault(asked.metric.named, [0, 0, 0, 0])
            numbers[asked.number] = round(sum(values.get(at, 0.0) for values in found))
        counted = {
            metric: (n_c, min(x_c, n_c), n_p, min(x_p, n_p))
            for metric, (n_c, x_c, n_p, x_p) in counts.items()
            if n_c or n_p
        }
        if counted:
            yield Row(
                at=at,
                period=window.period,
                step=window.step,
                weight=window.weight,
                moving=moving,
                counts=counted,
                incomplete=[m for m in counted if _lacks(window, answers, m, at)],
            )


def _lacks(window: Window, answers: list[Answer], metric: str, at: int) -> bool:
    """Whether requests of one side are missing on a route where the other side had some, and chance
    does not explain it; by a limit alone the sides are not compared."""
    requests = {
        asked.number: [values.get(at, 0.0) for values in found]
        for asked, found in answers
        if asked.metric.named == metric and asked.metric.worse.ratio and asked.number in (0, 2)
    }
    if not requests:
        return False
    canary, primary = requests[0], requests[2]
    if len(canary) != len(primary):
        # Series of its own may be divided otherwise.
        canary, primary = [sum(canary)], [sum(primary)]
    return any(
        is_missing(*each, window.weight, moving=window.is_moving(at))
        for each in zip(canary, primary, strict=True)
    )


def _settled(window: Window, rows: list[Row]) -> list[Row]:
    """Without the newest periods of which counts are missing that may come yet."""
    due = window.published - MISSING_SECONDS
    waits = (n for n, row in enumerate(rows) if row.incomplete and row.at + window.length > due)
    return rows if window.closes else rows[: next(waits, len(rows))]


def _after(window: Window, rows: list[Row], *, baked: bool) -> Compared:
    judging = window.release.judge
    assert judging is not None
    judge = judge_of(judging, len(window.release.steps))
    compared = window.before
    for row in rows:
        compared = compared.after(row, judge)
    last, late = compared.last, window.published - LATE_SECONDS
    if window.closes:
        last = window.end - window.length
    elif not rows:
        # A period that is empty may only be late, unless a later one is not or it is long over.
        last = max(last, min(window.end - window.length, late))
    until = compared.until
    if baked and not window.is_old:
        until = clock.epoch_seconds() // window.length * window.length
    return compared.model_copy(update={"last": last, "until": until})
