"""Questions: what only looks. The stack's function answers them, without an execution."""

from functools import partial
from pathlib import Path

import click

from stepcanary.version import VERSION
from stepcanary_cli import showing, stories
from stepcanary_cli.acts import version_options
from stepcanary_cli.options import common, use
from stepcanary_cli.outcomes import Answer, Exit
from stepcanary_cli.previews import previewed
from stepcanary_cli.requests import version_named


@click.command()
@click.argument("service", required=False)
@common
def status(service: str | None) -> Exit:
    """Show how a service stands; without one, all that is not at rest."""
    mine = use()
    of_whom = {"service": service} if service else {}
    found = mine.connection.ask({"question": "status", **of_whom})
    mine.screen.show(found, showing.service_status if service else showing.stack_status)
    return Exit.DONE


@click.command()
@click.argument("service", required=False)
@click.option("--since", metavar="DAY", help="Only those that began on this day, by UTC, or later.")
@click.option("--after", default="", help="Go on with the page after this, as the last one said.")
@common
def history(service: str | None, since: str | None, after: str) -> Exit:
    """List the last releases of a service, or of all since a day."""
    mine = use()
    options = {"service": service, "since": since, "after": after}
    given = {name: value for name, value in options.items() if value}
    found = mine.connection.ask({"question": "history", **given})
    listed = partial(showing.history, since=since or "")
    mine.screen.show(found, listed, below=found.get("summary", ""))
    if found.get("after"):
        mine.screen.warn(f"there are more: --after '{found['after']}'")
    return Exit.DONE


@click.command()
@click.argument("release", metavar="EXECUTION|SERVICE")
@common
def show(release: str) -> Exit:
    """Show one release as its watch ends: of a service the last one."""
    mine = use()
    found = mine.connection.ask({"question": "show", "release": release})
    mine.screen.picture(found, lambda width: stories.story(found, width))
    return Exit.DONE


@click.command()
@click.argument("service")
@version_options
@common
def check(
    service: str,
    images: tuple[str, ...],
    task_definitions: tuple[str, str] | None,
    profile: Path | None,
) -> Exit:
    """Say what a release would be refused for, without starting one."""
    request = {"service": service, **version_named(images, task_definitions, profile)}
    mine = use()
    found = mine.connection.ask({"question": "check", "request": request})
    mine.screen.show(found, showing.checked)
    return Exit.DONE if found["releasable"] else Exit.REJECTED


@click.command()
@click.argument("service")
@version_options
@click.option(
    "--budget",
    type=click.IntRange(1, 10_000_000_000),
    metavar="REQUESTS",
    help="Propose the ramp over which an outage fails no more requests than that.",
)
@common
def preview(
    service: str,
    images: tuple[str, ...],
    task_definitions: tuple[str, str] | None,
    profile: Path | None,
    budget: int | None,
) -> Exit:
    """Say what a release would be like, and what an outage costs."""
    request = {"service": service, **version_named(images, task_definitions, profile)}
    mine = use()
    options = {"budget": budget} if budget else {}
    found = mine.connection.ask({"question": "preview", "request": request, **options})
    mine.screen.show(found, previewed)
    return Exit.DONE if found["releasable"] else Exit.REJECTED


@click.command()
@common
def version() -> Exit:
    """Show the version of this command and that of the stack."""
    mine = use()
    theirs = mine.connection.ask({"question": "version"})["version"]
    found: Answer = {"command": VERSION, "stack": theirs}
    mine.screen.answer(found, f"command {VERSION}, stack {theirs}")
    return Exit.DONE
