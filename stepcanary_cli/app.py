"""App: the commands, and what each failure means as an exit code."""

import json
import os
import sys
from typing import Any

import click
from click.shell_completion import shell_complete

from stepcanary.version import VERSION
from stepcanary_cli import acts, proposing, questions, replaying, signals
from stepcanary_cli.failures import Failure, explained
from stepcanary_cli.options import common, given_in
from stepcanary_cli.outcomes import Exit
from stepcanary_cli.patience import FAILURES


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(VERSION, message="stepcanary %(version)s")
@common
def cli() -> None:
    """Canary releases of Amazon ECS services: release, watch, promote, revert, and see how it is.

    Acts are executions of the stack's state machine; questions are answered by its one function
    that only reads. The exit code tells outcomes apart; see docs/command-line.md.
    """


for command in (
    acts.release,
    acts.rollback,
    *signals.commands,
    acts.shift,
    acts.watch,
    questions.status,
    questions.history,
    questions.show,
    questions.check,
    questions.preview,
    replaying.replay,
    questions.version,
    proposing.init,
):
    cli.add_command(command)


def run(words: list[str]) -> int:
    """The exit code."""
    try:
        with cli.make_context("stepcanary", words) as context:
            return _invoked(context)
    except click.exceptions.Exit as ended:
        return int(ended.exit_code)
    except click.ClickException as misuse:
        misuse.show()
        return Exit.MISUSE


def _invoked(context: click.Context) -> int:
    try:
        return int(cli.invoke(context) or Exit.DONE)
    except Failure as failure:
        return _failed(context, failure)
    except FAILURES as error:
        return _failed(context, explained(error))
    except (KeyboardInterrupt, click.Abort):
        click.echo(
            "stepcanary: what was started goes on; `stepcanary watch SERVICE` shows it", err=True
        )
        return Exit.INTERRUPTED


def _failed(context: click.Context, failure: Failure) -> int:
    click.echo(f"stepcanary: {failure}", err=True)
    if given_in(context).get("as_json"):
        document: dict[str, Any] = {"error": str(failure), "exit_code": int(failure.exit_code)}
        click.echo(json.dumps(document, indent=2))
    return failure.exit_code


COMPLETE = "_STEPCANARY_COMPLETE"
"""Set by a shell that completes a command line, or wants click's script for that."""


def main() -> int:
    if wanted := os.environ.get(COMPLETE):
        return shell_complete(cli, {}, "stepcanary", COMPLETE, wanted)
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read it has enough. What the interpreter flushes at its end has to go somewhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.CLOSED_PIPE
    return code
