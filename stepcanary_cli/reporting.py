"""Reporting: one release as a page, as JSON or as five lines of Markdown."""

from pathlib import Path

import click

from stepcanary.report.facts import Facts
from stepcanary.report.markdown import markdown as written
from stepcanary.report.page import page
from stepcanary_cli.failures import Misuse
from stepcanary_cli.options import common, given_in, use
from stepcanary_cli.outcomes import Exit
from stepcanary_cli.stories import of_this_version


@click.command()
@click.argument("release", metavar="EXECUTION|SERVICE")
@click.option(
    "--html",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the page there: one file, which loads nothing.",
)
@click.option("--markdown", is_flag=True, help="Print five lines (default without --html).")
@common
def report(release: str, file: Path | None, markdown: bool) -> Exit:
    """Write down one release: of a service the last one."""
    is_json = bool(given_in(click.get_current_context()).get("as_json"))
    if markdown and is_json:
        raise click.UsageError("--markdown and --json are two answers; ask for one")
    mine = use()
    with of_this_version():
        facts = Facts.gathered(mine.connection.ask, release)
    if file is not None:
        try:
            file.write_text(page(facts), encoding="utf-8")
        except OSError as error:
            raise Misuse(f"--html {file} cannot be written: {error}") from error
        mine.screen.progress(f"the report is in {file}")
    if markdown or is_json or file is None:
        mine.screen.answer(facts.document, written(facts))
    return Exit.DONE
