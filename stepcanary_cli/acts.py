"""Acts: what changes something. Each is an execution of the state machine."""

import time
from pathlib import Path
from typing import Any

import click

from stepcanary.domain.names import in_execution_name
from stepcanary_cli.failures import Failure, Misuse, Refused
from stepcanary_cli.options import Use, common, use
from stepcanary_cli.outcomes import Answer, Ended, Exit
from stepcanary_cli.requests import require_valid, version_named
from stepcanary_cli.showing import text_of_end
from stepcanary_cli.watching import Watch, until_over

watched = click.option("--detach", is_flag=True, help="Do not watch the release.")
lined = click.option(
    "--lines",
    is_flag=True,
    help="With --json: a document on a line for each change; the last one is the end.",
)
gated = click.option(
    "--until-gate", is_flag=True, help="Leave when it waits for a person, with exit code 4."
)


STARTED = {"release": "the release", "rollback": "the rollback"}


def version_options(command: Any) -> Any:
    """What to release."""
    for option in (
        click.option(
            "--profile",
            type=click.Path(path_type=Path),
            metavar="FILE",
            help="JSON, in place of the stored profile.",
        ),
        click.option(
            "--task-definitions",
            nargs=2,
            metavar="PRIMARY CANARY",
            help="Ready task definitions, one for each side.",
        ),
        click.option(
            "--image",
            "images",
            multiple=True,
            metavar="CONTAINER=IMAGE",
            help="New image of a container; once for each.",
        ),
    ):
        command = option(command)
    return command


def origin_options(command: Any) -> Any:
    """Where the version comes from, for people and for the lead time."""
    for option in (
        click.option(
            "--link", default="", metavar="URL", help="For people, as to the pull request."
        ),
        click.option(
            "--pushed-at", default="", metavar="TIME", help="When that was pushed, in ISO 8601."
        ),
        click.option("--commit", default="", help="Commit that the version was built from."),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("service")
@version_options
@origin_options
@watched
@gated
@lined
@common
def release(
    service: str,
    images: tuple[str, ...],
    task_definitions: tuple[str, str] | None,
    profile: Path | None,
    commit: str,
    pushed_at: str,
    link: str,
    **watching: bool,
) -> Exit:
    """Release a new version, and watch it."""
    request = version_named(images, task_definitions, profile)
    origin = {"commit": commit, "pushed_at": pushed_at, "link": link}
    request |= {name: value for name, value in origin.items() if value}
    if not {"images", "task_definitions"} & request.keys():
        raise Misuse(
            "nothing to release: name the new version with --image CONTAINER=IMAGE, or with"
            " --task-definitions PRIMARY CANARY"
        )
    return _release("release", service, request, **watching)


@click.command()
@click.argument("service")
@click.option(
    "--to", default="", metavar="EXECUTION", help="Earlier release whose version comes back."
)
@watched
@gated
@lined
@common
def rollback(service: str, to: str, **watching: bool) -> Exit:
    """Release the previous version again."""
    request: Answer = {"action": "rollback", **({"to": to} if to else {})}
    return _release("rollback", service, request, **watching)


def _release(
    command: str, service: str, request: Answer, *, detach: bool, until_gate: bool, lines: bool
) -> Exit:
    mine = use()
    view = mine.screen.view(lines=lines)
    execution = _start(mine, command, service, request)
    if detach:
        started = Ended(execution, "Started", "it goes on by itself")
        message = f"{STARTED[command]} of {service} goes on by itself: {execution}"
        mine.screen.answer(started.as_json(), message)
        return started.exit_code
    mine.screen.progress(f"{STARTED[command]} of {service} was started: {execution}")
    watch = Watch(mine.connection, execution, view)
    return finish(mine, service, watch.until_end(until_gate=until_gate))


def _start(mine: Use, command: str, service: str, request: Answer) -> str:
    whole = {"service": service, "by": mine.by, **request}
    require_valid(whole)
    name = f"{command}-{in_execution_name(service)[:40]}-{time.time_ns()}"
    return mine.connection.start(whole, name)


def finish(mine: Use, service: str, ended: Ended) -> Exit:
    """Say how it ended, and of a service that nobody knows which there are."""
    mine.screen.answer(ended.as_json(), text_of_end(ended))
    if ended.outcome == "Rejected":
        try:
            mine.connection.ask({"question": "status", "service": service})
        except Refused as unknown:
            mine.screen.warn(str(unknown))
        except Failure:
            # Who may not ask has the cause all the same.
            pass
    return ended.exit_code


def act(service: str, request: Answer) -> tuple[Use, Ended]:
    """Take an action, and wait until it is done or refused."""
    mine = use()
    execution = _start(mine, request["action"], service, request)
    return mine, until_over(mine.connection, execution)


@click.command()
@click.argument("service")
@click.argument("weight", type=click.IntRange(0, 100))
@common
def shift(service: str, weight: int) -> Exit:
    """Set the canary's weight in percent, while nothing is released."""
    mine, ended = act(service, {"action": "shift", "weight": weight})
    return finish(mine, service, ended)


@click.command()
@click.argument("release", metavar="SERVICE|EXECUTION_ARN")
@gated
@lined
@common
def watch(release: str, until_gate: bool, lines: bool) -> Exit:
    """Follow the release of a service, or an execution, until it ends."""
    mine = use()
    execution = release if release.startswith("arn:") else _running(mine, release)
    view = mine.screen.view(lines=lines)
    ended = Watch(mine.connection, execution, view).until_end(until_gate=until_gate)
    mine.screen.answer(ended.as_json(), text_of_end(ended))
    return ended.exit_code


def _running(mine: Use, service: str) -> str:
    status = mine.connection.ask({"question": "status", "service": service})
    for each in (*status["running"], *status["waiting"]):
        return str(each["execution"])
    raise Refused(
        f"no release of {service} is running or waits; `stepcanary history {service}` has those"
        " that are over"
    )
