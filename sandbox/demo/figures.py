"""Figures: what a release's report says of its requests, held against what their client counted.

What a source cannot know of what a client sees follows from the source, and nothing else is let
pass. A request that was sent before its period was read and answered after that may be in either of
two periods. How long an answer took is written down a moment later, so it may be in the period
after. Of a period that was published late a part was missing when it was read. A line of a log
counts where it was delivered while the release had its filter; of the primary those of its new
tasks do, once it has weight.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

from sandbox.client import Answered
from sandbox.demo.checks import Report
from sandbox.metrics import Reading
from stepcanary.domain.comparison import Row
from stepcanary.domain.judged import MetricSeen
from stepcanary.domain.picture import Picture
from stepcanary.report.facts import Facts

SECOND = 1_000
WHOLE = 100
Count = tuple[int, int]
"""Requests, and how many of these were bad."""
NOTHING: Count = (0, 0)


@dataclass(frozen=True, slots=True)
class Shift:
    """The canary's weight as it was read from outside: it was another one `before`, and this one
    `after`, in epoch seconds."""

    before: float
    after: float
    weight: int


@dataclass(frozen=True, slots=True)
class Seen:
    """A release as its client saw it, and the names of both sides' services."""

    answers: Sequence[Answered]
    shifts: Sequence[Shift]
    canary: str
    primary: str


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of what counts. `late` is the age in seconds over which a period is published
    too late to be whole when it is read, and one in `missing` of its samples is not there then;
    `delivered` is how old a line of a log is at most when it is delivered."""

    readings: Sequence[Reading]
    period: int
    late: float
    missing: int
    delivered: float


@dataclass(frozen=True, slots=True)
class Figure:
    """What the report has, and between what it has to be."""

    report: Count
    least: Count
    most: Count

    @property
    def is_explained(self) -> bool:
        figures = zip(self.least, self.report, self.most, strict=True)
        return all(least <= figure <= most for least, figure, most in figures)


def compared(facts: Facts, seen: Seen, source: Source) -> tuple[Report, list[str]]:
    """What both have, and in sentences where they differ by more than the source explains."""
    seen = replace(seen, shifts=_of_release(facts.picture, seen.shifts))
    figures = dict(_figures(facts, seen, source))
    weights, astray = _weights(facts.picture, seen.shifts)
    wrong = [
        f"the report has {figure.report} of {what}, its client between {figure.least} and"
        f" {figure.most}"
        for what, figure in figures.items()
        if not figure.is_explained
    ]
    found = {what: asdict(figure) for what, figure in figures.items()}
    return {"counts": found, "weights": weights}, wrong + astray


def _of_release(picture: Picture, shifts: Sequence[Shift]) -> list[Shift]:
    """Without those of releases before it and after it, which the same client saw."""
    begin = picture.started_at / SECOND
    end = (picture.ended_at or picture.drawn_at) / SECOND
    return [shift for shift in shifts if begin <= shift.after and shift.before <= end]


def _figures(facts: Facts, seen: Seen, source: Source) -> Iterator[tuple[str, Figure]]:
    picture = facts.picture
    for metric in picture.metrics:
        canary, primary = (
            (metric.canary, metric.canary_bad),
            (metric.primary, metric.primary_bad),
        )
        if metric.kind == "logs":
            yield f"{metric.metric}, canary", Figure(canary, *_by_log(picture, seen, source))
            new = _new_by_log(picture, seen, source)
            yield f"{metric.metric}, primary", Figure(primary, *new)
            continue
        rows = [row for row in facts.rows if metric.metric in row.counts]
        for side, service, counted in (
            ("canary", seen.canary, canary),
            ("primary", seen.primary, primary),
        ):
            between = _by_periods(rows, metric, seen.answers, service, source)
            yield f"{metric.metric}, {side}", Figure(counted, *between)
    cost = picture.exposure
    if cost is not None:
        kinds = {metric.metric: metric.kind for metric in picture.metrics}
        whole = _by_log if kinds[cost.metric] == "logs" else _while_weight
        between = whole(picture, seen, source)
        yield "the exposure", Figure((cost.requests, cost.failed), *between)


def _count(answers: Sequence[Answered], service: str, begin: float, end: float) -> Count:
    """Those of a service that were sent and answered between the two moments."""
    kept = [a for a in answers if a.service == service and begin <= a.sent and a.at <= end]
    return len(kept), sum(each.bad for each in kept)


def _touching(answers: Sequence[Answered], service: str, begin: float, end: float) -> Count:
    """Those that may have been counted between them, also where no task has answered."""
    kept = [a for a in answers if a.service in (service, "") and begin <= a.at and a.sent <= end]
    return len(kept), sum(each.bad for each in kept)


def _while_weight(picture: Picture, seen: Seen, source: Source) -> tuple[Count, Count]:
    """All of the canary, from its first weight to its last; a period may reach beyond the end."""
    if not seen.shifts:
        return NOTHING, NOTHING
    begin, end = seen.shifts[0].before, seen.shifts[-1].after
    last = max(end, (picture.ended_at or 0) / SECOND) + 2 * source.period
    least = _count(seen.answers, seen.canary, begin, end)
    return least, _touching(seen.answers, seen.canary, begin - source.period, last)


def _by_log(picture: Picture, seen: Seen, source: Source) -> tuple[Count, Count]:
    """Lines count from just before the weight is written, and it is read back after that."""
    begin = min((each.at for each in picture.weights if each.weight), default=0) / SECOND
    sooner = min((shift.before for shift in seen.shifts), default=begin)
    end = (picture.ended_at or 0) / SECOND
    least = _count(seen.answers, seen.canary, begin, end - source.delivered)
    return least, _touching(seen.answers, seen.canary, min(begin, sooner), end)


def _new_by_log(picture: Picture, seen: Seen, source: Source) -> tuple[Count, Count]:
    """Of the primary those lines count that its new tasks write once it was read back with weight,
    after the canary had all of it, until the old version has replaced them."""
    whole = max((n for n, each in enumerate(picture.weights) if each.weight == WHOLE), default=None)
    if whole is None or whole + 1 == len(picture.weights):
        return NOTHING, NOTHING
    begin, end = picture.weights[whole + 1].at / SECOND, (picture.ended_at or 0) / SECOND
    version = picture.version.rpartition(":")[2]
    new = [each for each in seen.answers if each.version in (version, "")]
    least = _count(new, seen.primary, begin, end - source.delivered)
    return least, _touching(new, seen.primary, begin, end)


def _by_periods(
    rows: Sequence[Row],
    metric: MetricSeen,
    answers: Sequence[Answered],
    service: str,
    source: Source,
) -> tuple[Count, Count]:
    """Periods that follow each other are one, so that it is sharp but at its edges."""
    least = most = NOTHING
    edge = 1 if metric.kind == "latency" else 0
    for first, last in _together(rows, source.readings):
        begin, end = source.readings[first - 1], source.readings[last]
        sooner = source.readings[max(0, first - 1 - edge)]
        inside = _count(answers, service, begin.ended, source.readings[last - edge].began)
        touching = _touching(answers, service, sooner.began, end.ended)
        lost = [
            _touching(answers, service, source.readings[n - 1].began, source.readings[n].ended)
            for n in range(first, last + 1)
            if source.readings[n].put > source.readings[n].second + source.period + source.late
        ]
        gone = [sum(-(-each[k] // source.missing) for each in lost) for k in (0, 1)]
        least = (least[0] + inside[0] - gone[0], least[1] + inside[1] - gone[1])
        most = (most[0] + touching[0], most[1] + touching[1])
    if metric.kind == "latency":
        # How long the targets took is nothing that a client knows.
        return (least[0], 0), (most[0], most[0])
    return least, most


def _together(rows: Sequence[Row], readings: Sequence[Reading]) -> Iterator[tuple[int, int]]:
    """The first and the last reading of the periods that follow each other."""
    seconds = [each.second for each in readings]
    numbers = [bisect_left(seconds, row.at) for row in rows]
    first = 0
    for n, number in enumerate(numbers):
        if n + 1 == len(numbers) or numbers[n + 1] != number + 1:
            yield numbers[first], number
            first = n + 1


def _weights(picture: Picture, shifts: Sequence[Shift]) -> tuple[list[Report], list[str]]:
    """Each weight that was seen has been read back by the release since it was seen to be another
    one, and before the next one was seen."""
    ends = [shift.after for shift in shifts[1:]]
    ends.append((picture.ended_at or picture.drawn_at) / SECOND + 1)
    found: list[Report] = []
    wrong = []
    for shift, end in zip(shifts, ends, strict=True):
        at = [
            each.at / SECOND
            for each in picture.weights
            if each.weight == shift.weight and shift.before <= each.at / SECOND <= end
        ]
        if not at:
            wrong.append(f"the report does not have the canary's weight of {shift.weight} %")
        found.append(
            {
                "weight": shift.weight,
                "seconds_after_seen": round(at[0] - shift.after, 2) if at else None,
            }
        )
    return found, wrong
