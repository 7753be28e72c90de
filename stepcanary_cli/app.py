"""App: the commands, and what each failure means as an exit code."""

import io
import json
import os
import sys
from contextlib import suppress
from typing import Any

import click
from click.shell_completion import shell_complete

from stepcanary.version import VERSION
from stepcanary_cli import acts, proposing, questions, replaying, reporting, signals
from stepcanary_cli.failures import Failure, Interrupted, Misuse, explained, fault
from stepcanary_cli.options import common
from stepcanary_cli.outcomes import Exit
from stepcanary_cli.patience import FAILURES
from stepcanary_cli.showing import Screen


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
    reporting.report,
    questions.check,
    questions.preview,
    replaying.replay,
    questions.version,
    proposing.init,
):
    cli.add_command(command)


def run(words: list[str]) -> int:
    """The exit code."""
    as_json = "--json" in words
    try:
        with cli.make_context("stepcanary", words) as context:
            return int(cli.invoke(context) or Exit.DONE)
    except click.exceptions.Exit as ended:
        return int(ended.exit_code)
    except click.ClickException as misuse:
        misuse.show()
        failure: Failure = Misuse(misuse.format_message())
    except OSError:
        # Of the output: what the SDK could not read has become a failure.
        raise
    except (Exception, KeyboardInterrupt) as error:
        failure = _failure_of(error)
        Screen(as_json=as_json).warn(str(failure))
    if as_json:
        document: dict[str, Any] = {"error": str(failure), "exit_code": int(failure.exit_code)}
        click.echo(json.dumps(document, indent=None if "--lines" in words else 2))
    return failure.exit_code


def _failure_of(error: BaseException) -> Failure:
    """Whatever it is, since Python's own exit code would say that nothing was changed."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, FAILURES):
        return explained(error)
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        return Interrupted("what was started goes on; `stepcanary status` shows it")
    return fault(error)


COMPLETE = "_STEPCANARY_COMPLETE"
"""Set by a shell that completes a command line, or wants click's script for that."""


def main() -> int:
    if wanted := os.environ.get(COMPLETE):
        return shell_complete(cli, {}, "stepcanary", COMPLETE, wanted)
    _open_streams()
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read it has enough.
        _drop_output()
        return Exit.CLOSED_PIPE
    except OSError as error:
        with suppress(OSError):
            Screen(as_json=True).warn(
                f"the output cannot be written: {error}. What was started goes on; when there is"
                " room again, `stepcanary history SERVICE` shows how it ended"
            )
        _drop_output()
        return Exit.FAULT
    return code


def _open_streams() -> None:
    """A shell's `>&-` leaves none, and an encoding may not have every character."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _drop_output() -> None:
    """What the interpreter flushes at its end has to go somewhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())
