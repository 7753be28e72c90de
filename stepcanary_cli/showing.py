"""Showing: answers as text for people, or as one JSON document."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

import click
from rich.console import Console, RenderableType
from rich.table import Table

from stepcanary.domain.durations import duration
from stepcanary.domain.visible import in_lines, line, visible
from stepcanary_cli.outcomes import Answer, Ended
from stepcanary_cli.times import ago, clock, moment, now
from stepcanary_cli.views import JsonLines, Lines, Terminal, View

WIDE = 4_000
"""Where the output is no terminal: a row is one line."""


class Screen:
    """Where one use of the command says what it has to say."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._view: View | None = None
        self._one_line = False

    def view(self, *, lines: bool = False) -> View:
        """For a release that goes on; with `lines` each change is a document of its own."""
        if self._as_json and lines:
            view: View = JsonLines()
            self._one_line = True
        elif sys.stdout.isatty() and not self._as_json:
            view = Terminal(_console(None))
        else:
            view = Lines(self.progress, self._tell)
        self._view = view
        return view

    def progress(self, text: str) -> None:
        """What goes on. It is no answer."""
        click.echo(visible(text), err=self._as_json)
        (sys.stderr if self._as_json else sys.stdout).flush()

    def warn(self, text: str) -> None:
        if self._view is not None and not self._view.is_over:
            self._view.note(text)
        else:
            self._tell(text)

    def _tell(self, text: str) -> None:
        click.echo(f"stepcanary: {visible(text)}", err=True)

    def show(
        self, found: Answer, text_of: Callable[[Answer], str | Table], *, below: str = ""
    ) -> None:
        """What the stack has answered, with a line `below` it. In its texts are people's own
        words."""
        self.answer(found, text_of(in_lines(found)))
        if below and not self._as_json:
            click.echo(visible(below))

    def answer(self, document: Answer, text: str | Table) -> None:
        if self._as_json:
            self._put(document)
        elif isinstance(text, str):
            click.echo(visible(text))
        else:
            self._table(text)

    def picture(self, document: Answer, drawn: Callable[[int], RenderableType]) -> None:
        """As the watch shows it, for a width; what is drawn has no character that is obeyed."""
        if self._as_json:
            self._put(document)
            return
        console = _console(None if sys.stdout.isatty() else WIDE)
        with console.capture() as captured:
            console.print(drawn(console.width))
        for row in captured.get().splitlines():
            click.echo(row.rstrip())

    def _put(self, document: Answer) -> None:
        click.echo(json.dumps(document, indent=None if self._one_line else 2))

    def _table(self, table: Table) -> None:
        """Not by rich itself, which ends the process where nobody reads on."""
        wide, screen = _console(WIDE), _console(None)
        is_on_screen = sys.stdout.isatty()
        fits = not is_on_screen or wide.measure(table).maximum <= screen.width
        console = wide if fits else screen
        with console.capture() as captured:
            for part in [table] if fits else _records(table):
                console.print(part)
        for row in captured.get().splitlines():
            click.echo(row.rstrip())


def _console(width: int | None) -> Console:
    """What AWS and people say has brackets of its own."""
    return Console(width=width, markup=False, emoji=False, highlight=False)


def text_of_end(ended: Ended) -> str:
    """On one line: in the cause are people's own words."""
    return line(f"{ended.outcome}: {ended.cause}")


def name_of(execution: str) -> str:
    return execution.rpartition(":")[2]


def table(*columns: str) -> Table:
    made = Table(box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    return made


def _records(wide: Table) -> Iterator[Table]:
    """The rows of a table that is wider than the screen, one below the other: a name that is cut in
    two can be neither read nor copied."""
    heads = [str(column.header) for column in wide.columns]
    for cells in zip(*(column.cells for column in wide.columns), strict=True):
        made = Table(box=None, pad_edge=False, show_header=False)
        made.add_column(no_wrap=True)
        made.add_column(overflow="fold")
        for head, cell in zip(heads, cells, strict=True):
            if cell:
                made.add_row(head, cell)
        made.add_row()
        yield made


def columns(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table within a longer text, as lines."""
    lines = [head, *rows]
    widths = [max(len(line[n]) for line in lines) for n in range(len(head))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def service_status(found: Answer) -> str:
    lines = [f"{found['service']}: {found['summary']}"]
    lines += [line for release in found["running"] for line in _running(release)]
    lines += [
        f"  waits for its turn: {name_of(place['execution'])}, since {_since(place['since'])}"
        for place in found["waiting"]
    ]
    lines += [f"  {route}: {weights}" for route, weights in found["splits"].items()]
    if last := found.get("last"):
        ended = f"{last['outcome']} {ago(last['at'], now())}"
        lines.append(f"  last: {name_of(last['execution'])}, {ended}: {last['cause']}")
    return "\n".join(lines)


def _since(seconds: int | None) -> str:
    return "" if seconds is None else f"{clock(seconds, now())} ({ago(seconds, now())})"


def _running(release: Answer) -> list[str]:
    weight = "" if release.get("weight") is None else f", canary {release['weight']} %"
    by = f", by {release['by']}" if release.get("by") else ""
    since = f", since {_since(release.get('since'))}" if release.get("since") else ""
    lines = [f"  {name_of(release['execution'])}: {release['stage']}{weight}{by}{since}"]
    if release.get("needs"):
        lines.append(f"  {release['needs']}")
    elif release.get("ends_on"):
        lines.append(
            f"  it waits for its time to pass, or for one of: {', '.join(release['ends_on'])}"
        )
    if release.get("signal"):
        lines.append(f"  its last signal: {release['signal']}")
    lines += [f"  {route}: {weights}" for route, weights in release.get("splits", {}).items()]
    return lines + [f"  warning: {warning}" for warning in release.get("warnings", [])]


def stack_status(found: Answer) -> str | Table:
    if not any(found[kind] for kind in ("running", "waiting", "stranded", "moved")):
        return "everything is at rest"
    made = table("service", "execution", "how", "canary", "by", "since", "what it needs")
    for kind in ("stranded", "running"):
        for holder in found[kind]:
            made.add_row(
                holder["service"],
                name_of(holder["execution"]),
                kind if kind == "stranded" else holder["stage"],
                f"{holder['weight']} %",
                holder["by"],
                _since(holder["since"]),
                holder["needs"],
            )
    for waiter in found["waiting"]:
        execution, since = name_of(waiter["execution"]), _since(waiter["since"])
        made.add_row(waiter["service"], execution, "waits", "", "", since, "")
    for split in found["moved"]:
        made.add_row("", "", "moved", "", "", "", f"{split} is not at rest: find out who moved it")
    return made


def history(found: Answer, since: str = "") -> str | Table:
    if not found["releases"]:
        service = found["service"]
        when = f"since {since}" if since else "yet" if service else "in the last seven days"
        return f"{service or 'all services'}: no release has begun {when}"
    services = [] if found["service"] else ["service"]
    made = table(*services, "release", "outcome", "started", "took", "by", "cause")
    for past in found["releases"]:
        made.add_row(
            *(past["service"] for _ in services),
            name_of(past["execution"]),
            past["outcome"],
            f"{moment(past['started_at'])}, {ago(past['started_at'], now())}",
            duration(past["seconds"]),
            past["by"],
            past["cause"],
        )
    return made


def checked(found: Answer) -> str:
    seen = seen_by(found) if found["releasable"] else []
    return "\n".join(inspected(found, *seen))


def inspected(found: Answer, *more: str) -> list[str]:
    """What a check has found, with more of it before the last line, which is the verdict."""
    lines = [f"refused: {finding}" for finding in found["findings"]]
    lines += [f"warning: {warning}" for warning in found["warnings"]]
    lines += [found["cost"]] if found["cost"] else []
    verdict = "can be released" if found["releasable"] else "cannot be released as it stands"
    return [*lines, *more, f"{found['service']} {verdict}"]


def seen_by(found: Answer) -> list[str]:
    """A stack of an older version does not say."""
    return [
        f"An outage is seen by {source['source']} within {source['seconds']} s"
        for source in found.get("sources", [])
    ]
