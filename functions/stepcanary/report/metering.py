"""Metering: the charts of one metric: both rates, the rate over time, and the evidence."""

import math
from collections.abc import Callable, Iterator
from xml.etree.ElementTree import Element

from stepcanary.domain.comparison import Row
from stepcanary.domain.evidence import MOST_TOLD, odds
from stepcanary.domain.judged import MetricSeen
from stepcanary.report import words
from stepcanary.report.axis import Axis, lasting
from stepcanary.report.charts import LETTER, box, fits, frame, path, stroke, table, text
from stepcanary.report.facts import Facts
from stepcanary.report.markup import element

LEFT, RIGHT = 58, 8
BAR = 22
HIGH = 84
"""Of the rate over time."""
MOST_POINTS = 120
LIMITS_AT = 1.6
"""How many times the larger limit the scale of evidence has at least."""
SECOND = 1_000

Counts = tuple[int, int, int, int]


def rates(metric: MetricSeen, width: int) -> Element:
    sides = [
        ("canary", metric.canary_bad, metric.canary),
        ("primary", metric.primary_bad, metric.primary),
    ]
    most = max((bad / all_ for _, bad, all_ in sides if all_), default=0.0) or 1.0
    longest = max(len(words.rate(bad, requests)) for _, bad, requests in sides)
    room = width - LEFT - RIGHT - 5 - longest * LETTER
    parts: list[Element] = []
    for number, (side, bad, requests) in enumerate(sides):
        y = number * BAR + 2
        share = words.rate(bad, requests)
        long = room * (bad / requests / most if requests else 0.0)
        parts.append(text(LEFT - 6, y + 14, side, anchor="end"))
        parts.append(box(LEFT, y, long, BAR - 5, f"bar-{side}", f"{side}: {share}"))
        parts.append(text(LEFT + long + 5, y + 13, share))
    label = f"{words.bad_answers(metric)}: " + "; ".join(
        f"{side} {words.rate(bad, requests)}" for side, bad, requests in sides
    )
    return frame(width, 2 * BAR + 2, label, *parts)


def over_time(facts: Facts, metric: MetricSeen, width: int) -> Element:
    """Each side's share of bad answers, period by period."""
    axis = axis_of(facts, width)
    points = summed(lasting(facts.rows), metric.metric)
    shares = [bad / n for _, c in points for n, bad in (c[:2], c[2:]) if n]
    most = _ceiling(max(shares, default=0.0))

    def y(share: float) -> float:
        return 8 + HIGH * (1 - share / most)

    parts: list[Element] = []
    for share in (0.0, most / 2, most):
        parts.append(stroke(axis.left, y(share), axis.right, y(share), "grid"))
        parts.append(text(axis.left - 6, y(share) + 4, f"{100 * share:.3g} %", anchor="end"))
    for side, first in (("primary", 2), ("canary", 0)):
        line = [(axis.at(at * SECOND), y(c[first + 1] / c[first])) for at, c in points if c[first]]
        if len(line) > 1:
            parts.append(element("path", d=path(line), class_=f"line-{side}"))
        parts += [element("circle", cx=x, cy=at, r=2.4, class_=f"dot-{side}") for x, at in line]
    for x, said in axis.ticks():
        room = len(said) * 3.2
        parts.append(
            text(min(max(x, room), axis.right - room + RIGHT), HIGH + 24, said, anchor="middle")
        )
    label = f"Share of {words.bad_answers(metric)} over time, of the canary and of the primary"
    return frame(width, HIGH + 30, label, *parts)


def axis_of(facts: Facts, width: int) -> Axis:
    """The release's, or that of the rows where they have a clock of their own."""
    axis = Axis.of(facts.picture, LEFT, width - RIGHT)
    rows = lasting(facts.rows)
    if axis.has(rows):
        return axis
    first, last = rows[0], rows[-1]
    end = (last.at + last.period) * SECOND
    return Axis(first.at * SECOND, end, [], LEFT, width - RIGHT)


def summed(rows: list[Row], metric: str) -> list[tuple[float, Counts]]:
    """By the middle of the periods in epoch seconds; of a long release several are one point."""
    mine = [(row, row.counts[metric]) for row in rows if metric in row.counts]
    every = -(-len(mine) // MOST_POINTS) if mine else 1
    found = []
    for start in range(0, len(mine), every):
        part = mine[start : start + every]
        middle = (part[0][0].at + part[-1][0].at + part[-1][0].period) / 2
        canary, canary_bad, primary, primary_bad = (
            sum(counts[n] for _, counts in part) for n in range(4)
        )
        found.append((middle, (canary, canary_bad, primary, primary_bad)))
    return found


def _ceiling(share: float) -> float:
    """A round number that is not below."""
    if share <= 0:
        return 0.01
    unit = 10.0 ** math.floor(math.log10(share))
    return min(1.0, next(unit * step for step in (1, 2, 5, 10) if share <= unit * step * 1.0001))


def evidence(metric: MetricSeen, width: int) -> Element:
    """On a scale on which each line is ten times as much as the one before."""
    limits = LIMITS_AT * max(metric.needed_worse, metric.needed_good, math.log(10))
    end = max(limits, min(max(metric.worse, metric.good), math.log(MOST_TOLD)))
    left, right = LEFT, width - RIGHT

    def x(log: float) -> float:
        return left + (right - left) * min(1.0, max(0.0, log / end))

    rows = (
        ("worse", metric.worse, metric.needed_worse, "reverts at"),
        ("good", metric.good, metric.needed_good, "enough at"),
    )
    bottom = 2 * 38
    parts = list(_powers(x, end, bottom))
    for number, (name, had, needed, limit) in enumerate(rows):
        y = number * 38
        parts.append(text(left - 6, y + 26, name, anchor="end"))
        is_over = had >= needed > 0
        title = f"{name}: {odds(had)}, {limit} {odds(needed)}"
        parts.append(box(left, y + 16, x(had) - left, 14, f"had-{name}", title))
        parts.append(stroke(x(needed), y + 12, x(needed), y + 34, "limit"))
        label = f"{limit} {odds(needed)}"
        edge = min(x(needed), right - len(label) * LETTER / 2)
        parts.append(text(max(edge, left + len(label) * LETTER / 2), y + 9, label, anchor="middle"))
        inside = f"{odds(had)}{' ✓' if is_over and name == 'good' else ''}"
        inside += " ✕" if is_over and name == "worse" else ""
        inside += " →" if had > end else ""
        is_inside = fits(inside, x(had) - left)
        at = (left if is_inside else x(had)) + 5
        beyond = x(needed) + 5
        crosses = at < x(needed) < at + len(inside) * LETTER
        if crosses and (not is_inside or fits(inside, x(had) - beyond)):
            at = beyond
        parts.append(text(at, y + 27, inside, class_=f"in-{name}" if is_inside else "halo"))
    label = f"Evidence of {metric.metric}: {words.evidence(metric)}"
    return frame(width, bottom + 18, label, *parts)


def _powers(x: Callable[[float], float], end: float, bottom: float) -> Iterator[Element]:
    last = -1_000.0
    power = 0
    while power * math.log(10) <= end:
        at = x(power * math.log(10))
        if at - last >= 52:
            last = at
            yield stroke(at, 12, at, bottom, "grid")
            label = f"{10**power:,}" if power < 5 else f"10^{power}"
            yield text(at, bottom + 13, label, anchor="middle" if power else "start")
        power += 1


def behind(facts: Facts, metric: MetricSeen) -> Element:
    rows = [
        [
            words.moment(row.at * SECOND),
            f"{row.weight} %",
            words.rate(counts[1], counts[0]),
            words.rate(counts[3], counts[2]),
        ]
        for row in facts.rows
        if (counts := row.counts.get(metric.metric)) is not None
    ]
    total = [
        "all",
        "",
        words.rate(metric.canary_bad, metric.canary),
        words.rate(metric.primary_bad, metric.primary),
    ]
    title = f"{metric.metric}: {words.bad_answers(metric)} by period"
    return table(
        "; ".join(filter(None, (title, words.evidence(metric), words.unread(metric)))),
        ["period from", "weight", "canary", "primary"],
        [*rows, total],
        fold="These numbers as a table",
    )
