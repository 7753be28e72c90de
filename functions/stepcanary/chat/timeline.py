"""Timeline: the course of a release as a few lines of text, for a font in which all are as wide."""

from collections.abc import Sequence

WIDTH = 20
FULL, EMPTY = "█", "░"
MOST_LINES = 40
"""What came in between is left out."""


def timeline(moments: Sequence[tuple[int, str, int | None]]) -> str:
    """A line for each moment: a second, what happened, and which percent the canary has from then
    on, where that is new. They are told in the order in which they were, which events need not keep
    on their way."""
    if not moments:
        return ""
    in_order = sorted(moments, key=lambda moment: moment[0])
    begin = in_order[0][0]
    lines = []
    weight = 0
    for at, what, percent in in_order:
        weight = weight if percent is None else percent
        lines.append(f"{_clock(at - begin):>8} {_bar(weight)} {weight:>3} %  {what}")
    if len(lines) > MOST_LINES:
        half = MOST_LINES // 2
        lines = [*lines[:half], f"{'…':>8}", *lines[-half:]]
    return "\n".join(lines)


def _bar(percent: int) -> str:
    # A little weight shows, and only all of it fills the bar.
    full = 0 if percent <= 0 else min(max(1, percent * WIDTH // 100), WIDTH)
    return FULL * full + EMPTY * (WIDTH - full)


def _clock(seconds: int) -> str:
    hours, rest = divmod(max(0, seconds), 3_600)
    minutes, seconds = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
