"""Bars: the last releases of a service, the newest at the right."""

import math
from xml.etree.ElementTree import Element

from stepcanary.domain.durations import duration
from stepcanary.domain.model import Document
from stepcanary.report import words
from stepcanary.report.charts import box, frame, stroke, table, text
from stepcanary.report.facts import PAST_RELEASES, Facts
from stepcanary.report.markup import element

HIGH = 64
SIGNS = {"Released": "✓", "Reverted": "✕", "Running": "…"}
OTHER = "!"
SECOND = 1_000


def bars(facts: Facts, width: int) -> Element:
    """As high as the square root of how long each took."""
    room = width / PAST_RELEASES
    longest = max((each["seconds"] or 0 for each in facts.history), default=0) or 1
    parts: list[Element] = []
    shown = list(reversed(facts.history))
    left = width - room * len(shown)
    for number, past in enumerate(shown):
        x = left + number * room
        high = max(4.0, HIGH * math.sqrt((past["seconds"] or 0) / longest))
        sign = SIGNS.get(past["outcome"], OTHER)
        kind = {"✓": "released", "✕": "reverted", "…": "running"}.get(sign, "failed")
        is_this = past["execution"] == facts.picture.execution
        parts.append(text(x + room / 2, 12 + HIGH - high, sign, anchor="middle"))
        parts.append(
            box(x + 2, 18 + HIGH - high, min(room - 4, 26), high, f"past-{kind}", _told(past))
            if room < 30
            else box(x + room / 2 - 13, 18 + HIGH - high, 26, high, f"past-{kind}", _told(past))
        )
        if is_this:
            parts.append(element("path", d=_arrow(x + room / 2, HIGH + 21), class_="this"))
    parts.append(stroke(0, HIGH + 18, width, HIGH + 18, "axis"))
    label = f"The last {len(shown)} releases: " + ", ".join(past["outcome"] for past in shown)
    return frame(width, HIGH + 30, label, *parts)


def _arrow(x: float, y: float) -> str:
    return f"M{x:.1f} {y:.1f}l5 7h-10z"


def _told(past: Document) -> str:
    began = words.moment(past["started_at"] * SECOND)
    return f"{past['outcome']}, {began}, {duration(past['seconds']) or 'not over'}"


def behind(facts: Facts) -> Element:
    rows = [
        [
            past["execution"].rpartition(":")[2],
            past["outcome"],
            words.moment(past["started_at"] * SECOND),
            duration(past["seconds"]) or "not over",
            past["by"],
        ]
        for past in facts.history
    ]
    return table(
        "The last releases, the newest first",
        ["release", "outcome", "began", "took", "by"],
        rows,
        fold="These releases as a table",
    )
