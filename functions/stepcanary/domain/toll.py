"""Toll: what CloudWatch shows of the canary, and never less than the judge has compared of it.

Periods are named by the second at which they begin.
"""

from collections.abc import Iterable, Mapping

from stepcanary.domain.comparison import Row

Toll = tuple[int, int]
"""Requests of the canary, and how many of these had bad answers."""

NOTHING: Toll = 0, 0


def compared(rows: Iterable[Row], metric: str, length: int) -> dict[int, Toll]:
    """By periods of so many seconds; rows of shorter ones are part of these."""
    found: dict[int, Toll] = {}
    for row in rows:
        if (counts := row.counts.get(metric)) is not None:
            at = row.at // length * length
            requests, bad = found.get(at, NOTHING)
            found[at] = requests + counts[0], bad + counts[1]
    return found


def is_short(shown: Mapping[int, Toll], rows: Mapping[int, Toll]) -> bool:
    """Whether a period is shown with less than there was in it when the judge read it."""
    return any(
        shown.get(at, NOTHING)[number] < counts[number]
        for at, counts in rows.items()
        for number in (0, 1)
    )


def summed(shown: Mapping[int, Toll], rows: Mapping[int, Toll]) -> Toll:
    """Of each period the most that was read of it, by the judge or now."""
    periods = {*shown, *rows}
    requests, bad = (
        sum(max(shown.get(at, NOTHING)[number], rows.get(at, NOTHING)[number]) for at in periods)
        for number in (0, 1)
    )
    return requests, min(requests, bad)
