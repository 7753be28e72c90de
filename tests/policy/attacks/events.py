"""Events: forged, from elsewhere, or for a second time."""

import json
from typing import Any

from emulator import template
from emulator.events import event_of
from sandbox.slack import Document
from tests.fakes.accounts import ELSEWHERE
from tests.policy.attacks.kinds import NEIGHBOUR, PUBLISHER, Attack, Event, arn

MACHINE_NAME = template.machine_name()


def occurred(file: str, **changed: Any) -> Document:
    """The example event with its changes."""
    event: Document = json.loads((template.ROOT / f"events/{file}.json").read_text())
    return {**event, **changed}


def told(detail_type: str, **detail: Any) -> Document:
    """One of the stack's own kinds."""
    detail = {
        "service": "checkout",
        "execution": arn("states", f"execution:{MACHINE_NAME}:release-1"),
        "by": "jane",
        **detail,
    }
    return event_of("stepcanary", detail_type, detail)


FROM_AWS = {
    "a push": "start_on_image",
    "a pipeline's success": "promote_on_pipeline",
    "an alarm": "relay_alarm",
}

BY_EVENT = [
    *(
        Attack(
            f"{signal}, by whoever may publish",
            "bus",
            Event(told("Release Signal", signal=signal), PUBLISHER),
        )
        for signal in ("promote", "revert", "retry")
    ),
    Attack(
        "a message with buttons, by whoever may publish",
        "bus",
        Event(told("Release Waiting", wait=1), PUBLISHER),
    ),
    Attack(
        "an end of a release, by whoever may publish",
        "bus",
        Event(told("Release Ended", outcome="Released"), PUBLISHER),
    ),
    Attack(
        "a count of a release, by whoever may publish",
        "bus",
        Event(told("Release Counted"), PUBLISHER),
    ),
    Attack(
        "a signal, by another account",
        "bus",
        Event(told("Release Signal", signal="promote"), NEIGHBOUR),
    ),
    *(
        Attack(f"{what}, forged by whoever may publish", "bus", Event(occurred(file), PUBLISHER))
        for what, file in FROM_AWS.items()
    ),
    *(
        Attack(f"{what} of another {where}", "pattern", Event(occurred(file, **changed)))
        for what, file in FROM_AWS.items()
        for where, changed in (
            ("account", {"account": ELSEWHERE}),
            ("Region", {"region": "eu-west-1"}),
        )
    ),
    *(
        Attack(f"{what}, replayed", "pattern", Event(occurred(file, **{"replay-name": "incident"})))
        for what, file in {**FROM_AWS, "a signal": "release_signal"}.items()
    ),
    Attack(
        "the end of somebody else's execution",
        "pattern",
        Event(
            occurred(
                "execution_ended",
                detail={
                    "stateMachineArn": arn("states", "stateMachine:payments-refund"),
                    "executionArn": arn("states", "execution:payments-refund:1"),
                    "status": "FAILED",
                },
            )
        ),
    ),
    Attack(
        "a push that failed",
        "pattern",
        Event(
            occurred(
                "start_on_image",
                detail={
                    **occurred("start_on_image")["detail"],
                    "result": "FAILURE",
                },
            )
        ),
    ),
    Attack(
        "a source whose name begins like ours",
        "pattern",
        Event(
            event_of(
                "stepcanary.evil", "Release Signal", {"service": "checkout", "signal": "promote"}
            ),
            PUBLISHER,
        ),
    ),
]
