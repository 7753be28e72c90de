"""Windows: which periods of a release are to be compared at a look.

The two sides' counts of a period are published a while after its end, and those of a step that is
over are compared after it. What has been compared is never compared again.
"""

from dataclasses import dataclass

from stepcanary import clock
from stepcanary.domain import moments
from stepcanary.domain.comparison import Compared
from stepcanary.domain.judging import Metric
from stepcanary.domain.lease import Lease
from stepcanary.domain.moments import wait_kind
from stepcanary.domain.periods import LENGTHS, final_seconds
from stepcanary.domain.release import Release
from stepcanary.store import evidence

PERIOD_SECONDS: dict[int, int] = {length: length for length in LENGTHS}
"""How long a period is, by what a metric calls it."""
FINAL_SECONDS: dict[int, int] = {length: final_seconds(length) for length in LENGTHS}
MOST_PERIODS = 90
"""At one look: a transaction writes a hundred items. The next look goes on from there."""


@dataclass(frozen=True, slots=True)
class Window:
    """The periods of one release that are to be compared, of the metrics that have them so long:
    from one second on, before another. What ends by `published` is final, and `is_old` is what is
    left of the step before. The weights may have `returned`, after the last step."""

    release: Release
    before: Compared
    period: int
    step: int
    weight: int
    start: int
    end: int
    published: int
    is_old: bool
    returned: int | None

    @property
    def closes(self) -> bool:
        """Whether no more of its step will come."""
        return self.is_old and self.end == self.before.until

    @property
    def length(self) -> int:
        return PERIOD_SECONDS[self.period]

    @property
    def seconds(self) -> range:
        return range(self.start, self.end, self.length)

    @property
    def metrics(self) -> list[Metric]:
        assert self.release.judge is not None
        return [each for each in self.release.judge.counted if each.period == self.period]

    def is_moving(self, at: int) -> bool:
        """Whether the weight may have moved in this period."""
        if self.returned is not None and at + self.length > self.returned:
            return True
        return self.before.settled is None or at < self.before.settled


def returned_at(lease: Lease) -> int | None:
    """Until when a promoted canary had all weight, in epoch seconds, once that is over; see
    `stepcanary.domain.moments.whole_until`. Nothing is compared after it."""
    until = None if lease.weight else moments.whole_until(moments.read(lease.moments))
    return None if until is None else until // 1_000


def window_of(lease: Lease, release: Release, period: int) -> Window:
    returned = returned_at(lease)
    weight = lease.weight if returned is None else release.steps[-1].weight
    step, length = release.step_of(weight), PERIOD_SECONDS[period]
    published = (clock.epoch_seconds() - FINAL_SECONDS[period]) // length * length
    if returned is not None:
        published = min(published, -(-returned // length) * length)
    before = evidence.read(release.execution, period)
    # The end of the step before was not published at its verdict.
    is_old = before.step not in (-1, step) and _start(before, length) < before.until
    if is_old:
        step, weight = before.step, release.steps[before.step].weight
    else:
        before = before.at_step(step, *_moving(lease, before, length))
    start = _start(before, length)
    end = min(published, start + MOST_PERIODS * length)
    end = min(end, before.until) if is_old else end
    return Window(release, before, period, step, weight, start, end, published, is_old, returned)


def _moving(lease: Lease, before: Compared, length: int) -> tuple[int, int | None]:
    """From when on the weight of a new step may have moved, and until when, if that is over."""
    shifts = (moment.at for moment in moments.read(lease.moments) if moment.kind == "weight")
    # The wait of a bake begins when the weight has settled, and is named after its millisecond.
    settled = -(-lease.wait // 1_000 // length) * length
    moved = before.until or next(shifts, lease.wait) // 1_000 // length * length
    settles = lease.ends_on is not None and wait_kind(lease.ends_on, paused=False) == "settle"
    # The canary's requests of a period may be those of the release before.
    own = -(-lease.freed_at // length) * length
    return max(own, min(moved, settled)), None if settles else settled


def _start(before: Compared, length: int) -> int:
    return max(before.since, before.last + length if before.last else 0)
