"""Comparing: what CloudWatch has counted of both sides, for many releases in few calls."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from stepcanary import clock
from stepcanary.access import entered
from stepcanary.aws import metrics
from stepcanary.aws.metrics import Values
from stepcanary.domain import comparison
from stepcanary.domain.account import by_account
from stepcanary.domain.comparison import Bake, Compared, Row, doubt, judge_of
from stepcanary.domain.judging import Metric
from stepcanary.domain.lease import Lease
from stepcanary.domain.measures import Measure, Series
from stepcanary.domain.release import Release
from stepcanary.domain.router_metrics import errors_of, slow_of
from stepcanary.domain.split import SideName
from stepcanary.domain.verdict import NO_HOLD, Verdict
from stepcanary.errors import AwsUnavailable
from stepcanary.release import telling
from stepcanary.store import evidence

NO_ANSWER = "Release again once CloudWatch answers"
PERIOD_SECONDS = 60
FINAL_SECONDS = 60
"""How old a period is when it is read. Both sides are read at one age, and a primary's bad answers
that come later would be evidence against the canary."""
LATE_SECONDS = 600
"""How late a period may be published, at most."""
MOST_PERIODS = 90
"""At one look: a transaction writes a hundred items. The next look goes on from there."""
SIDES: tuple[SideName, SideName] = ("canary", "primary")


@dataclass(frozen=True, slots=True)
class Window:
    """The periods of one release that are to be compared: from one second on, before another."""

    lease: Lease
    release: Release
    before: Compared
    step: int
    start: int
    end: int

    @property
    def seconds(self) -> range:
        return range(self.start, self.end, PERIOD_SECONDS)


def is_compared(lease: Lease, release: Release) -> bool:
    """Whether it waits with a weight that has settled, and that a promote would end."""
    return release.judge is not None and lease.weight > 0 and lease.waits_for("promote")


def step_of(release: Release, weight: int) -> int:
    """The step with this weight; they rise."""
    return next(n for n, step in enumerate(release.steps) if step.weight >= weight)


def look_at(waiting: Iterable[tuple[Lease, Release]]) -> dict[str, Compared]:
    """Compare what has been published since the last look; where each release stands now, by
    execution.

    A look that finds nothing new, or that another one was ahead of, changes nothing. Raises
    `AwsUnavailable` and `AwsRefused`.
    """
    windows = [_window(lease, release) for lease, release in waiting]
    tallies = {window.release.execution: window.before for window in windows}
    due = [window for window in windows if window.seconds]
    for some in _by_account(due):
        with entered(some[0].release.access):
            read = list(_read(some))
        for window, rows in read:
            after = _after(window, rows)
            if evidence.write(window.release.execution, window.before, rows, after):
                tallies[window.release.execution] = after
                for row in rows:
                    telling.counted(window.release, row.at, row.counts)
            else:
                execution = window.release.execution
                tallies[execution] = evidence.read(execution)
    return tallies


def verdict(release: Release, lease: Lease, bake: Bake, *, promoted: bool) -> Verdict:
    """On a step whose bake is over. A person's promote stands in for all but a doubt.

    That CloudWatch fails says nothing of the canary: it is held as without data. Raises
    `AwsRefused`.
    """
    judging = release.judge
    assert judging is not None
    try:
        compared = look_at([(lease, release)])[release.execution]
    except AwsUnavailable as unavailable:
        unseen = f"the sides cannot be compared: {unavailable}"
        return bake.held(unseen, Verdict("revert", f"{unseen}{NO_HOLD}{NO_ANSWER}"))
    judge = judge_of(judging, len(release.steps))
    if promoted:
        reason = doubt(judging, judge, compared)
        return Verdict("revert", reason) if reason else Verdict("advance", "it was promoted")
    approvals = release.promotion.approval or any(step.approval for step in release.steps)
    return comparison.verdict(judging, judge, compared, bake, approvals=approvals)


def _by_account(windows: Sequence[Window]) -> Iterator[list[Window]]:
    by_execution = {window.release.execution: window for window in windows}
    for releases in by_account(window.release for window in windows).values():
        yield [by_execution[release.execution] for release in releases]


def _window(lease: Lease, release: Release) -> Window:
    step = step_of(release, lease.weight)
    # The wait of a bake begins when the weight has settled, and is named after its millisecond.
    since = -(-lease.wait // 1_000 // PERIOD_SECONDS) * PERIOD_SECONDS
    before = evidence.read(release.execution).at_step(step, since)
    start = max(before.since, before.last + PERIOD_SECONDS if before.last else 0)
    end = (clock.epoch_seconds() - FINAL_SECONDS) // PERIOD_SECONDS * PERIOD_SECONDS
    end = min(end, start + MOST_PERIODS * PERIOD_SECONDS)
    return Window(lease, release, before, step, start, end)


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

    metric: str
    number: int
    series: list[Series]


def _asked(release: Release) -> Iterator[_Asked]:
    assert release.judge is not None
    for metric in release.judge.metrics:
        for place, side in enumerate(SIDES):
            measure = measures_of(release, metric, side)
            yield _Asked(metric.named, 2 * place, measure.requests)
            yield _Asked(metric.named, 2 * place + 1, measure.bad)


def _read(windows: list[Window]) -> Iterator[tuple[Window, list[Row]]]:
    """All series of all releases at once."""
    asked = [(window, each) for window in windows for each in _asked(window.release)]
    series = [one for _, each in asked for one in each.series]
    start, end = min(w.start for w in windows), max(w.end for w in windows)
    values = iter(metrics.read(series, start, end, PERIOD_SECONDS))
    answers: dict[str, list[tuple[_Asked, list[Values]]]] = {}
    for window, each in asked:
        found = [next(values) for _ in each.series]
        answers.setdefault(window.release.execution, []).append((each, found))
    for window in windows:
        yield window, list(_rows(window, answers[window.release.execution]))


def _rows(window: Window, answers: list[tuple[_Asked, list[Values]]]) -> Iterator[Row]:
    """A period without any request is none."""
    for at in window.seconds:
        counts: dict[str, list[int]] = {}
        for asked, found in answers:
            numbers = counts.setdefault(asked.metric, [0, 0, 0, 0])
            numbers[asked.number] = round(sum(values.get(at, 0.0) for values in found))
        counted = {
            metric: (n_c, min(x_c, n_c), n_p, min(x_p, n_p))
            for metric, (n_c, x_c, n_p, x_p) in counts.items()
            if n_c or n_p
        }
        if counted:
            yield Row(at=at, step=window.step, weight=window.lease.weight, counts=counted)


def _after(window: Window, rows: list[Row]) -> Compared:
    judging = window.release.judge
    assert judging is not None
    judge = judge_of(judging, len(window.release.steps))
    compared = window.before
    for row in rows:
        compared = compared.after(row, judge)
    # A period that is empty may only be late, unless a later one is not or it is long over.
    last = rows[-1].at if rows else max(compared.last, window.end - LATE_SECONDS)
    return compared.model_copy(update={"last": last})
