"""Options: those that every command has, before the command or after it."""

import getpass
import os
from collections.abc import Callable
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from stepcanary_cli.connecting import STACK, Connection, Place
from stepcanary_cli.showing import Screen

F = TypeVar("F", bound=Callable[..., Any])

KEPT = "stepcanary.options"
PATIENCE_SECONDS = 60.0


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """What is said last counts."""
    _require_said(context, parameter, value)
    if value is not None and parameter.name is not None:
        context.find_root().meta.setdefault(KEPT, {})[parameter.name] = value


def _option(*names: str, help: str, **more: Any) -> Callable[[F], F]:
    return click.option(*names, expose_value=False, callback=_keep, help=help, **more)


COMMON = (
    _option(
        "--stack",
        help=f"Stack to find the state machine by. It beats $STATE_MACHINE; default: {STACK}.",
    ),
    _option(
        "--state-machine",
        metavar="ARN",
        help="Its ARN, in place of a stack (default: $STATE_MACHINE).",
    ),
    _option(
        "--region",
        help="Where the stack is, if its ARN is not given (default: that of the AWS profile).",
    ),
    _option("--aws-profile", metavar="NAME", help="Of ~/.aws/config, with the credentials to use."),
    _option(
        "--by",
        metavar="NAME",
        help="Your name in the ledger, where it is marked as claimed (default: your login).",
    ),
    _option(
        "--json",
        "as_json",
        is_flag=True,
        default=None,
        help="One JSON document on standard output; everything else goes to standard error.",
    ),
    _option(
        "--patience",
        "patience",
        type=click.FloatRange(0),
        metavar="SECONDS",
        help=f"How long to try again where a connection is lost (default: {PATIENCE_SECONDS:g}).",
    ),
)


def common(command: F) -> F:
    """The command with these options."""
    for option in reversed(COMMON):
        command = option(command)
    return command


class Use:
    """What one use of the command works with."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.by = str(given.get("by") or _login())
        self.screen = Screen(as_json=bool(given.get("as_json")))
        place = Place(
            state_machine=given.get("state_machine", ""),
            stack=given.get("stack", ""),
            region=given.get("region", ""),
            aws_profile=given.get("aws_profile", ""),
            patience_seconds=given.get("patience", PATIENCE_SECONDS),
        )
        self.connection = Connection(place, self.screen.warn)


def given_in(context: click.Context) -> dict[str, Any]:
    found: dict[str, Any] = context.find_root().meta.get(KEPT, {})
    return found


def use() -> Use:
    """That of the command that runs."""
    context = click.get_current_context()
    for parameter in context.command.params:
        _require_said(context, parameter, context.params.get(parameter.name or ""))
    return Use(given_in(context))


MAY_BE_EMPTY = {"by", "reason", "after"}
"""Options with which empty means what leaving them out does, and no harm is in it."""


def _require_said(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """A script whose variable is not set means one release, and says any."""
    if parameter.name in MAY_BE_EMPTY or parameter.name is None:
        return
    is_given = context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    if is_given and (value == "" or (isinstance(value, tuple) and "" in value)):
        raise click.BadParameter(
            "is empty; is a variable not set? Say what is meant, or leave it out",
            context,
            parameter,
        )


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        # A container may have nobody in it.
        return os.environ.get("USER", "")
