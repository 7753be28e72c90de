"""Saved: a report that was written down earlier, from its page or its JSON."""

import json
from html.parser import HTMLParser
from pathlib import Path

import click
from pydantic import ValidationError

from stepcanary.report.facts import SHAPE, Facts
from stepcanary_cli.failures import Misuse
from stepcanary_cli.outcomes import Answer

MOST_BYTES = 64 * 1024 * 1024
"""Far more than a year of minutes is."""
WANTED = "give a page that `stepcanary report --html` wrote, or what its --json printed"


class Saved:
    """The facts of a report. `holds` says whether its hash is that of its evidence."""

    def __init__(self, document: Answer) -> None:
        self.facts = Facts.of(document)
        self.sha256 = str(document["sha256"])
        self.holds = self.facts.sha256 == self.sha256


def require_one(named: str | None, source: Path | None, what: str) -> None:
    """Either the stack is asked, or a file. Raises click's `UsageError`."""
    if named is None and source is None:
        raise click.UsageError(f"name {what}, or give --from FILE")
    if named is not None and source is not None:
        raise click.UsageError(f"both {named} and --from {source} are given; give one of them")


def saved(path: Path) -> Saved:
    """Raises `Misuse` for a file that has no report."""
    document = _document(path, _text(path))
    if not isinstance(document, dict) or not {"shape", "sha256", "evidence"} <= document.keys():
        raise Misuse(f"--from {path} is no report; {WANTED}")
    if document["shape"] != SHAPE:
        raise Misuse(
            f"--from {path} is a report of shape {document['shape']}, and this command knows"
            f" {SHAPE}; take the version of the command that wrote it"
        )
    try:
        return Saved(document)
    except ValueError as error:
        raise Misuse(
            f"--from {path} has a report that this command cannot read: it was changed, or written"
            f" by another version ({_first(error)})"
        ) from error


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        found = error.errors()[0]
        return f"{'.'.join(map(str, found['loc']))}: {found['msg']}"
    return str(error)


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Misuse(f"--from {path} is too large for a report; {WANTED}")
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise Misuse(f"--from {path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise Misuse(f"--from {path} is no text; {WANTED}") from error


def _document(path: Path, text: str) -> object:
    if text.lstrip().startswith("<"):
        script = _Script()
        script.feed(text)
        if script.found is None:
            raise Misuse(f"--from {path} is a page without a report's data; {WANTED}")
        text = script.found
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Misuse(f"--from {path} is no report, or was cut off: {error}; {WANTED}") from error


class _Script(HTMLParser):
    """What is in the page's script with the id `report`."""

    def __init__(self) -> None:
        super().__init__()
        self.found: str | None = None
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag == "script" and ("id", "report") in attrs

    def handle_endtag(self, _tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.found = (self.found or "") + data
