"""Timeline: weights, tasks, waits, verdicts and signals of a release on one axis of time."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from xml.etree.ElementTree import Element

from stepcanary.domain.comparison import Row
from stepcanary.domain.durations import duration
from stepcanary.domain.picture import Deployed, Picture, Wait, Weight
from stepcanary.report import words
from stepcanary.report.axis import PEOPLE, Axis, lasting
from stepcanary.report.charts import box, fits, frame, path, stroke, table, text
from stepcanary.report.facts import Facts
from stepcanary.report.markup import element

SECOND = 1_000
LEFT, RIGHT = 58, 8
TOP, HIGH = 12, 112
"""Of the weights."""
LANE, MARK = 22, 18
MOST_ROWS = 6
"""Of marks that would lie upon each other."""
MOST_DOTS = 150
TOPS = (10, 30, 60, 100)
"""Percents that the scale of weights may end at."""
MARKS = {
    "shift": "M-4 0H4M1 -3L4 0L1 3",
    "bake": "M-3 -3A4.2 4.2 0 1 0 3 -3M3 -6V-2.6H-0.4",
    "gate": "M-2 -4V4M2 -4V4",
    "promote": "M-4 0L-1 3L4 -3",
    "revert": "M-3 -3L3 3M3 -3L-3 3",
    "signal": "M-4 0H4M0 -4V4",
    "foreign": "M0 -4V1M0 3.4V4",
}
"""The shape of each, so that no colour has to be told from another."""


class Marked:
    """Something that happened at a moment: its mark, and what is said of it."""

    def __init__(self, at: int, kind: str, said: str) -> None:
        self.at, self.kind, self.said = at, kind, said


def timeline(facts: Facts, width: int) -> Element:
    picture = facts.picture
    axis = Axis.of(picture, LEFT, width - RIGHT)
    parts: list[Element] = []
    parts += _squeezed(axis)
    rows = lasting(facts.rows)
    parts += _weights(picture, rows if axis.has(rows) else [], axis)
    y: float = TOP + HIGH + 8
    for name, drawn in (("tasks", _deployed), ("waits", _waits)):
        parts += [text(LEFT - 6, y + 15, name, anchor="end"), *drawn(picture, axis, y)]
        y += LANE
    for name, marked in (("verdicts", verdicts(picture)), ("signals", signals(picture))):
        marks, high = _marks(marked, axis, y)
        parts += [text(LEFT - 6, y + 15, name, anchor="end"), *marks]
        y += high
    parts += _ticks(axis, y)
    label = f"Timeline of the release, from {words.moment(axis.begin)} to {words.moment(axis.end)}"
    return frame(width, y + 20, label, *parts)


def _squeezed(axis: Axis) -> Iterator[Element]:
    for begun, ended in axis.squeezed:
        left, right = axis.at(begun), axis.at(ended)
        took = duration((ended - begun) // SECOND)
        yield box(left, TOP, right - left, HIGH, "squeezed", f"{took}, drawn shorter")
        label = f"{took}, shortened"
        if not fits(label, right - left):
            label = took
        if fits(label, right - left):
            yield text((left + right) / 2, TOP + 12, label, anchor="middle", class_="soft")


def _weights(picture: Picture, rows: list[Row], axis: Axis) -> Iterator[Element]:
    planned = [each for each in picture.planned if each.at <= axis.end]
    most = max((each.weight for each in (*planned, *picture.weights)), default=100)
    top = next(each for each in TOPS if each >= most)

    def y(percent: float) -> float:
        return TOP + HIGH * (1 - min(1.0, percent / top))

    for percent in (0, top / 2, top):
        yield stroke(axis.left, y(percent), axis.right, y(percent), "grid")
        yield text(axis.left - 6, y(percent) + 4, f"{percent:g} %", anchor="end")
    if planned:
        points = _stairs(planned, min(picture.planned_until or axis.end, axis.end), axis, y)
        yield element("path", d=path(points), class_="planned")
    if picture.weights:
        points = _stairs(picture.weights, axis.end, axis, y)
        foot = [(points[0][0], y(0)), *points, (points[-1][0], y(0))]
        yield element("path", d=path(foot), class_="area")
        yield element("path", d=path(points), class_="real")
    every = -(-len(rows) // MOST_DOTS) if rows else 1
    for row in rows[::every]:
        if (share := share_of(row)) is not None:
            middle = axis.at((row.at + row.period / 2) * SECOND)
            yield element("circle", cx=middle, cy=y(100 * share), r=2.2, class_="dot")


def share_of(row: Row) -> float | None:
    """The canary's of the requests that both sides have counted."""
    for canary, _, primary, _ in row.counts.values():
        if canary + primary and (primary or row.weight == 100):
            return canary / (canary + primary)
    return None


def _stairs(
    weights: list[Weight], end: int, axis: Axis, y: Callable[[float], float]
) -> list[tuple[float, float]]:
    points = [(axis.at(weights[0].at), y(0)), (axis.at(weights[0].at), y(weights[0].weight))]
    for before, after in pairwise(weights):
        points += [(axis.at(after.at), y(before.weight)), (axis.at(after.at), y(after.weight))]
    return [*points, (axis.at(end), y(weights[-1].weight))]


def _deployed(picture: Picture, axis: Axis, y: float) -> Iterator[Element]:
    for each in picture.deployed:
        left = axis.at(each.at)
        right = axis.at(each.steady_at or each.replaced_at or axis.end)
        title = f"{each.side}: {each.revision}, from {words.clock(each.at)}, {_came(each)}"
        top = y + (3 if each.side == "canary" else 12)
        yield box(left, top, right - left, 7, f"tasks-{each.side}", title)


def _came(deployed: Deployed) -> str:
    """What became of it."""
    if deployed.steady_at is not None:
        return f"complete {words.clock(deployed.steady_at)}"
    if deployed.replaced_at is not None:
        return f"replaced {words.clock(deployed.replaced_at)}, not seen complete before"
    return "not seen complete"


def _waits(picture: Picture, axis: Axis, y: float) -> Iterator[Element]:
    for wait, is_held in named_waits(picture):
        left, right = axis.at(wait.at), axis.at(wait.ended_at or axis.end)
        kind = "person" if wait.kind in PEOPLE else "held" if is_held else wait.kind
        name = words.wait_name(wait, held=is_held)
        title = (
            f"{name}, {_took(wait, axis.end)}{f', ended by {b}' if (b := wait.ended_by) else ''}"
        )
        yield box(left, y + 3, right - left, LANE - 6, f"wait-{kind}", title)
        if kind != "settle" and fits(name, right - left):
            yield text((left + right) / 2, y + 15, name, anchor="middle", class_=f"on-{kind}")


def named_waits(picture: Picture) -> Iterator[tuple[Wait, bool]]:
    """With whether it is a bake that is repeated because its verdict held it, in the order of time.
    One that follows a pause is not."""
    found = [(wait, False) for wait in picture.waits]
    for step in (*picture.steps, *picture.return_steps):
        before = ["", *(wait.kind for wait in step.waits)]
        found += [
            (wait, wait.kind == kind == "bake")
            for kind, wait in zip(before, step.waits, strict=False)
        ]
    yield from sorted(found, key=lambda each: each[0].at)


def _took(wait: Wait, end: int) -> str:
    return duration(max(0, (wait.ended_at or end) - wait.at) // SECOND)


def verdicts(picture: Picture) -> list[Marked]:
    found = [
        Marked(verdict.at, verdict.next, f"{words.NEXTS[verdict.next]}: {verdict.reason}")
        for step in (*picture.steps, *picture.return_steps)
        for verdict in step.verdicts
    ]
    return sorted(found, key=lambda each: each.at)


def signals(picture: Picture) -> list[Marked]:
    found = [
        Marked(s.at * SECOND, s.kind if s.kind == "revert" else "signal", str(s))
        for s in picture.signals
    ]
    found += [
        Marked(said.at, "revert", f"the promotion failed: {said.reason}")
        for said in picture.failures
    ]
    found += [Marked(said.at, "foreign", said.reason) for said in picture.foreign]
    return sorted(found, key=lambda each: each.at)


def _marks(marked: list[Marked], axis: Axis, y: float) -> tuple[list[Element], float]:
    """Those that would lie upon each other are one below the other, as long as there is room; then
    each goes where the last one is furthest away."""
    ends: list[float] = []
    made = []
    for each in marked:
        x = max(axis.at(each.at), axis.left + 3)
        row = next((n for n, end in enumerate(ends) if x - end >= MARK), len(ends))
        if row == MOST_ROWS:
            row = ends.index(min(ends))
        ends[row : row + 1] = [x]
        made.append(
            element(
                "g",
                element("title", f"{words.clock(each.at)} {each.said}"),
                element("circle", r=8),
                element("path", d=MARKS[each.kind]),
                transform=f"translate({x:.1f} {y + 11 + MARK * row:.1f})",
                class_=f"mark mark-{each.kind}",
            )
        )
    return made, LANE + MARK * max(0, len(ends) - 1)


def _ticks(axis: Axis, y: float) -> Iterator[Element]:
    yield stroke(axis.left, y, axis.right, y, "axis")
    for x, said in axis.ticks():
        yield stroke(x, y, x, y + 4, "axis")
        room = len(said) * 3.2
        yield text(min(max(x, room), axis.right - room + RIGHT), y + 16, said, anchor="middle")


def behind(facts: Facts) -> Element:
    """All of it as a table."""
    picture = facts.picture
    found = [(each.at, "weight", f"read back: canary {each.weight} %") for each in picture.weights]
    found += [(each.at, "planned", f"canary {each.weight} %") for each in picture.planned]
    found += [
        (each.at, "tasks", f"the {each.side} gets {each.revision}") for each in picture.deployed
    ]
    found += [
        (each.steady_at, "tasks", f"the {each.side} runs {each.revision}")
        for each in picture.deployed
        if each.steady_at is not None
    ]
    for wait, is_held in named_waits(picture):
        by = f", ended by {wait.ended_by}" if wait.ended_by else ""
        now = wait.ended_at or picture.drawn_at
        took = f"{words.wait_name(wait, held=is_held)}, {_took(wait, now)}{by}"
        found.append((wait.at, "wait", took))
    found += [(each.at, "verdict", each.said) for each in verdicts(picture)]
    found += [(each.at, "signal", each.said) for each in signals(picture)]
    rows = [[words.moment(at), kind, said] for at, kind, said in sorted(found)]
    return table("The timeline", ["time", "what", "how"], rows, fold="The timeline as a table")
