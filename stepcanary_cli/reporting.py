"""Reporting: one release as a page, as JSON or as five lines of Markdown."""

from pathlib import Path

import click

from stepcanary.report.facts import Facts
from stepcanary.report.markdown import markdown as written
from stepcanary.report.page import page
from stepcanary_cli.failures import Failure, Misuse
from stepcanary_cli.options import Use, common, given_in, use
from stepcanary_cli.outcomes import Exit
from stepcanary_cli.saved import require_one, saved
from stepcanary_cli.stories import of_this_version


@click.command()
@click.argument("release", metavar="EXECUTION|SERVICE", required=False)
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Make it again from a report's page or JSON, in place of asking the stack.",
)
@click.option(
    "--html",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the page there: one file, which loads nothing.",
)
@click.option("--markdown", is_flag=True, help="Print five lines (default without --html).")
@common
def report(release: str | None, source: Path | None, file: Path | None, markdown: bool) -> Exit:
    """Write down one release: of a service the last one."""
    is_json = bool(given_in(click.get_current_context()).get("as_json"))
    if markdown and is_json:
        raise click.UsageError("--markdown and --json are two answers; ask for one")
    mine = use()
    facts = _facts(mine, release, source)
    if file is not None:
        try:
            file.write_text(page(facts), encoding="utf-8")
        except OSError as error:
            raise Misuse(f"--html {file} cannot be written: {error}") from error
        mine.screen.progress(f"the report is in {file}")
    if markdown or is_json or file is None:
        mine.screen.answer(facts.document, written(facts))
    return Exit.DONE


def _facts(mine: Use, release: str | None, source: Path | None) -> Facts:
    require_one(release, source, "a service or an execution")
    if release is not None:
        with of_this_version():
            return Facts.gathered(mine.connection.ask, release)
    assert source is not None
    found = saved(source)
    if not found.holds:
        raise Failure(
            f"--from {source} was changed since it was written: its hash is not that of its data."
            " No report is made of it; `stepcanary replay --from` says what its data come to"
        )
    return found.facts
