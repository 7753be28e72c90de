"""Views: a release as it goes on: live on a terminal, as lines elsewhere, or as JSON."""

import json
import sys
from collections.abc import Callable
from typing import Protocol

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from stepcanary.domain.picture import Picture
from stepcanary.domain.visible import line
from stepcanary_cli import times
from stepcanary_cli.outcomes import Answer
from stepcanary_cli.scene import Hanging, Queued, Shown, scene
from stepcanary_cli.telling import SECOND, told


class View(Protocol):
    is_over: bool
    """Whether it shows nothing any more."""

    def show(self, shown: Shown) -> None:
        """What was seen of the release just now."""

    def tick(self) -> None:
        """Time has passed, and nothing was seen."""

    def note(self, text: str) -> None:
        """What is about the watching itself."""

    def end(self) -> None: ...


class Lines:
    """What has happened, each once; `say` puts a line where it belongs."""

    def __init__(self, say: Callable[[str], None], warn: Callable[[str], None]) -> None:
        self._say, self._warn = say, warn
        self._said: set[tuple[int, str]] = set()
        self.is_over = False

    def show(self, shown: Shown) -> None:
        for at, text in _lines_of(shown):
            if (at, text) in self._said:
                continue
            self._said.add((at, text))
            clock = times.clock(at / SECOND, _now_of(shown)) if at else ""
            self._say(f"{clock:<8}  {text}")

    def tick(self) -> None:
        pass

    def note(self, text: str) -> None:
        self._warn(text)

    def end(self) -> None:
        self.is_over = True


def _now_of(shown: Shown) -> float:
    """By the stack's clock."""
    return shown.drawn_at / SECOND if isinstance(shown, Picture) else times.now()


def _lines_of(shown: Shown) -> list[tuple[int, str]]:
    """With the epoch milliseconds of what has a time, and 0 of what has none. Until when a wait
    lasts is said as of its begin: after midnight it would be another text."""
    if isinstance(shown, Queued):
        begun = shown.since if shown.since is not None else _now_of(shown)
        until = f", until {times.clock(shown.until, begun)}" if shown.until else ""
        command = _commands(shown.commands, shown.service)
        return [(0, f"{line(shown.why)}{until}; {command}".rstrip("; "))]
    lines = [(each.at, each.text) for each in told(shown)]
    waiting = shown.waiting
    if waiting is not None and waiting.is_for_a_person:
        until = times.clock(waiting.until / SECOND, waiting.since / SECOND)
        command = _commands(waiting.ends_on, shown.service)
        lines.append((waiting.since, f"it waits for a person until {until}: {command}"))
    if not shown.alive and shown.phase != "over":
        lines.append((0, "its execution has ended; Reconcile returns the traffic"))
    return lines


def _commands(kinds: tuple[str, ...] | list[str], service: str) -> str:
    return f"stepcanary {'|'.join(kinds)} {line(service)}" if kinds else ""


class JsonLines:
    """A document on a line for each look that has seen something new: what has happened since the
    one before, and the picture."""

    def __init__(self) -> None:
        self._seen: set[tuple[int, str, str]] = set()
        self._before: Answer = {}
        self.is_over = False

    def show(self, shown: Shown) -> None:
        if isinstance(shown, Queued):
            document: Answer = {"queued": {"execution": shown.execution, "why": shown.why}}
            if shown.until is not None:
                document["queued"] |= {"since": shown.since, "until": shown.until}
            if document != self._before:
                self._put(document)
            self._before = document
            return
        new = [each for each in told(shown) if (each.at, each.kind, each.text) not in self._seen]
        picture = shown.model_dump(mode="json")
        # The clock is no news.
        standing = {k: v for k, v in picture.items() if k not in ("drawn_at", "left_seconds")}
        if new or standing != self._before:
            self._put({"events": [each.as_json() for each in new], "picture": picture})
        self._seen |= {(each.at, each.kind, each.text) for each in new}
        self._before = standing

    def _put(self, document: Answer) -> None:
        click.echo(json.dumps(document))
        sys.stdout.flush()

    def tick(self) -> None:
        pass

    def note(self, text: str) -> None:
        self._put({"note": text})

    def end(self) -> None:
        self.is_over = True


class Terminal:
    """One picture that changes in its place. What it was at the end stays on the screen."""

    def __init__(self, console: Console, *, footer: Callable[[], str] | None = None) -> None:
        self._console, self._footer = console, footer
        self._live: Live | None = None
        self._shown: Shown | None = None
        self._seen_at = 0.0
        self._note = ""
        self.is_over = False

    def show(self, shown: Shown) -> None:
        self._shown, self._seen_at = shown, times.now()
        self.tick()

    def note(self, text: str) -> None:
        self._note = text
        self.tick()

    def tick(self) -> None:
        if self._live is None:
            # No signal of a window that was resized is needed: each picture asks for the width.
            self._live = Live(
                console=self._console, auto_refresh=False, vertical_overflow="ellipsis"
            )
            self._live.start()
        self._live.update(self._drawn(), refresh=True)

    def _drawn(self) -> RenderableType:
        parts: list[RenderableType] = []
        if self._shown is not None:
            parts.append(scene(self._shown, now=self._now(), width=self._console.width))
        if self._footer is not None:
            parts.append(Hanging(Text(line(self._footer()))))
        if self._note:
            parts.append(Hanging(Text(line(self._note), style="yellow")))
        return Group(*parts)

    def _now(self) -> float:
        """By the stack's clock, which goes on between two looks: ours may be wrong."""
        if isinstance(self._shown, Picture):
            return self._shown.drawn_at / SECOND + times.now() - self._seen_at
        return times.now()

    def end(self) -> None:
        """The last picture in full, however high it is."""
        self.is_over = True
        if self._live is None:
            return
        self._live.transient = True
        self._live.stop()
        self._live = None
        self._console.print(self._drawn())
