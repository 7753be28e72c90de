"""Charts: what they have in common: their frame, their texts, and two sizes of each.

A chart that is made smaller has letters that nobody can read, so that there is one for a narrow
screen, and the style shows the one that fits.
"""

from collections.abc import Callable
from xml.etree.ElementTree import Element

from stepcanary.report.markup import Part, element

WIDE, NARROW = 860, 312
LETTER = 6.2
"""How wide one is, at the size of a chart's texts."""

Draw = Callable[[int], Element]
"""A chart of a width."""


def both(draw: Draw) -> Element:
    wide, narrow = draw(WIDE), draw(NARROW)
    wide.set("class", "wide")
    narrow.set("class", "narrow")
    return element("div", wide, narrow, class_="chart")


def frame(width: int, height: float, label: str, *parts: Part) -> Element:
    """`label` is what it shows, for who cannot see it."""
    return element(
        "svg",
        *parts,
        viewBox=f"0 0 {width} {height:.0f}",
        width=width,
        height=int(height),
        role="img",
        aria_label=label,
    )


def text(
    x: float, y: float, said: str, *, anchor: str | None = None, class_: str | None = None
) -> Element:
    return element("text", said, x=float(x), y=float(y), text_anchor=anchor, class_=class_)


def box(
    x: float, y: float, width: float, height: float, class_: str, title: str | None = None
) -> Element:
    return element(
        "rect",
        element("title", title) if title else None,
        x=float(x),
        y=float(y),
        width=max(1.0, float(width)),
        height=max(1.0, float(height)),
        class_=class_,
    )


def stroke(x1: float, y1: float, x2: float, y2: float, class_: str) -> Element:
    return element("line", x1=float(x1), y1=float(y1), x2=float(x2), y2=float(y2), class_=class_)


def fits(said: str, room: float) -> bool:
    return len(said) * LETTER + 6 <= room


def path(points: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def table(caption: str, heads: list[str], rows: list[list[str]], *, fold: str = "") -> Element:
    """With `fold` it is behind these words. A column without a word is left out."""
    kept = [n for n in range(len(heads)) if any(row[n] for row in rows)]
    heads, rows = [heads[n] for n in kept], [[row[n] for n in kept] for row in rows]
    body = [
        element(
            "tr",
            *(element("td", cell, data_label=head) for head, cell in zip(heads, row, strict=True)),
        )
        for row in rows
    ]
    head = element("tr", *(element("th", each, scope="col") for each in heads))
    made = element(
        "table",
        element("caption", caption),
        element("thead", head),
        element("tbody", *body),
    )
    return element("details", element("summary", fold), made) if fold else made
