"""Signals: what people tell a release that runs, or one that waits."""

from collections.abc import Callable

import click

from stepcanary_cli.acts import act, finish
from stepcanary_cli.options import Use, common
from stepcanary_cli.outcomes import Ended, Exit
from stepcanary_cli.showing import text_of_end
from stepcanary_cli.watching import Watch

SIGNALS = {
    "promote": "End the bake or the gate; an alarm that has fired still reverts.",
    "revert": "Send all traffic back to the primary now.",
    "retry": "Try a failed promotion again.",
    "skip": "End this bake now.",
    "pause": "Keep the canary's weight until the release is resumed.",
    "resume": "Continue after a pause, or at the gate of a step.",
}
WITHDRAW = "Take back a release that waits for its turn."


def _command(name: str, meaning: str) -> Callable[[Callable[..., Exit]], click.Command]:
    def made(signal: Callable[..., Exit]) -> click.Command:
        for option in (
            common,
            click.option("--execution", default="", metavar="NAME|ARN", help="Only this release."),
            click.option("--reason", default="", help="Kept in the ledger."),
            click.argument("service"),
        ):
            signal = option(signal)
        return click.command(name, help=meaning)(signal)

    return made


def _signal(name: str, meaning: str) -> click.Command:
    @_command(name, meaning)
    @click.option(
        "--wait", is_flag=True, help="Wait for the release to end, and fail when it does."
    )
    def signal(service: str, reason: str, execution: str, wait: bool) -> Exit:
        mine, ended = act(service, _request(name, reason, execution))
        reached = (ended.answer or {}).get("executions")
        if not wait or not reached:
            return finish(mine, service, ended)
        mine.screen.progress(text_of_end(ended))
        *others, worst = sorted(_watched(mine, reached), key=lambda each: each.exit_code)
        for each in others:
            mine.screen.progress(text_of_end(each))
        return finish(mine, service, worst)

    return signal


def _request(action: str, reason: str, execution: str) -> dict[str, str]:
    fields = {"action": action, "reason": reason, "execution": execution}
    return {key: text for key, text in fields.items() if text}


def _watched(mine: Use, executions: list[str]) -> list[Ended]:
    return [Watch(mine.connection, each, mine.screen.view()).until_end() for each in executions]


@_command("withdraw", WITHDRAW)
def withdraw(service: str, reason: str, execution: str) -> Exit:
    mine, ended = act(service, _request("withdraw", reason, execution))
    return finish(mine, service, ended)


commands = [*(_signal(name, meaning) for name, meaning in SIGNALS.items()), withdraw]
