"""Axis: of a release's time. A wait for a person is squeezed where it would leave no room for what
the release did."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import UTC, datetime

from stepcanary.domain.comparison import Row
from stepcanary.domain.picture import Picture, Wait

SECOND, DAY = 1_000, 86_400
STEPS = (
    1,
    2,
    5,
    10,
    30,
    60,
    120,
    300,
    600,
    900,
    1_800,
    3_600,
    7_200,
    10_800,
    21_600,
    43_200,
    DAY,
    2 * DAY,
)
"""Between two ticks, in seconds."""
ROOM = 78
"""That a tick's label takes."""
PEOPLE = ("pause", "gate", "failed")
LONG, SQUEEZED = 0.6, 0.3
"""How much of all other time a wait is that is squeezed, and to how much."""
AFTER = 0.02
"""Of the time, that is left free behind the end."""


class Axis:
    """Between two moments in epoch milliseconds, on these pixels, with waits for people."""

    def __init__(
        self, begin: int, end: int, people: list[tuple[int, int]], left: float, right: float
    ) -> None:
        self.begin, self.end = begin, max(begin + SECOND, end)
        people = _apart(people)
        rest = max(60 * SECOND, self.end - self.begin - sum(b - a for a, b in people))
        self.squeezed = [(a, b) for a, b in people if b - a > LONG * rest]
        self._times = [self.begin]
        lengths = [0.0]
        for begun, ended in self.squeezed:
            self._times += [begun, ended]
            lengths += [lengths[-1] + begun - self._times[-3]]
            lengths += [lengths[-1] + SQUEEZED * rest]
        lengths.append(lengths[-1] + self.end - self._times[-1])
        self._times.append(self.end)
        scale = (right - left) / (max(1.0, lengths[-1]) * (1 + AFTER))
        self._pixels = [left + scale * length for length in lengths]
        self.left, self.right = left, right

    @classmethod
    def of(cls, picture: Picture, left: float, right: float) -> "Axis":
        begin = picture.started_at
        end = picture.ended_at if picture.ended_at is not None else picture.drawn_at
        people = [
            (max(begin, wait.at), min(end, wait.ended_at or end))
            for wait in waits_of(picture)
            if wait.kind in PEOPLE
        ]
        return cls(begin, end, people, left, right)

    def has(self, rows: list[Row]) -> bool:
        """Whether these were counted within its time: a sandbox's metrics have their own clock."""
        return all(
            self.begin <= row.at * SECOND + row.period * SECOND / 2 <= self.end for row in rows
        )

    def at(self, moment: float) -> float:
        """Of what is outside, the nearer end."""
        kept = min(max(moment, self.begin), self.end)
        n = min(max(1, bisect_right(self._times, kept)), len(self._times) - 1)
        begun, ended = self._times[n - 1], self._times[n]
        part = (kept - begun) / (ended - begun) if ended > begun else 0.0
        return self._pixels[n - 1] + part * (self._pixels[n] - self._pixels[n - 1])

    def ticks(self) -> Iterator[tuple[float, str]]:
        """None in what is squeezed."""
        squeezed = sum(ended - begun for begun, ended in self.squeezed)
        seconds = (self.end - self.begin - squeezed) / SECOND
        most = max(2, int((self.right - self.left) / ROOM))
        step = next((s for s in STEPS if seconds / s <= most), -(-int(seconds / most) // DAY) * DAY)
        last = self.left - ROOM
        for second in range(-(-self.begin // SECOND // step) * step, self.end // SECOND + 1, step):
            at = second * SECOND
            pixel = self.at(at)
            is_squeezed = any(begun < at < ended for begun, ended in self.squeezed)
            if at >= self.begin and not is_squeezed and pixel - last >= ROOM * 0.6:
                last = pixel
                yield pixel, _label(second, step, days=self.end - self.begin > DAY * SECOND)


def _apart(waits: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """In their order, and those that overlap as one."""
    found: list[tuple[int, int]] = []
    for begun, ended in sorted(waits):
        if found and begun <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], ended)
        else:
            found.append((begun, ended))
    return found


def _label(second: int, step: int, *, days: bool) -> str:
    at = datetime.fromtimestamp(second, UTC)
    if days:
        return f"{at:%m-%d %H:%M}"
    return f"{at:%H:%M}" if step >= 60 else f"{at:%H:%M:%S}"


def lasting(rows: list[Row]) -> list[Row]:
    """With no longer a period than until the next one: the sandbox's minutes are seconds."""
    found: dict[frozenset[str], int] = {}
    before: dict[frozenset[str], int] = {}
    for row in rows:
        metrics = frozenset(row.counts)
        gap = row.at - before.get(metrics, row.at)
        found[metrics] = min(found.get(metrics, row.period), row.period, gap or row.period)
        before[metrics] = row.at
    return [row.model_copy(update={"period": found[frozenset(row.counts)]}) for row in rows]


def waits_of(picture: Picture) -> list[Wait]:
    steps = (*picture.steps, *picture.return_steps)
    return [*(wait for step in steps for wait in step.waits), *picture.waits]
