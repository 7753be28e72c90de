"""Commands: what a person writes after `/canary`, or means with a button, as a request."""

from collections.abc import Callable
from typing import Literal

from pydantic import Field, ValidationError

from stepcanary.domain.request import (
    LONGEST_BY,
    LONGEST_REASON,
    ActionRequest,
    Request,
    explain,
    parse_action,
    parse_request,
)
from stepcanary.errors import RequestRejected

Head = dict[str, object]
"""What every request has: the action, the service and who it is by."""

USAGE = """\
`status SERVICE`
`release SERVICE CONTAINER=IMAGE …`
`promote|revert|retry|skip|pause|resume SERVICE [REASON]`
`withdraw SERVICE [REASON]` (a release that waits for its turn)
`rollback SERVICE [EXECUTION]` (an earlier release, whose version comes back)
`shift SERVICE WEIGHT` (percent that the canary gets, while nothing is released)"""


def parse_command(text: str, user: str) -> Request | ActionRequest:
    """A request of the state machine. Raises `RequestRejected` in words for whoever wrote it."""
    # Any white space: a command may have been pasted.
    action, service, arguments = (*text.split(None, 2), "", "", "")[:3]
    if action not in _PARSERS:
        raise RequestRejected(f"Write one of\n{USAGE}")
    if not service:
        raise RequestRejected(f"{action}: which service? Write one of\n{USAGE}")
    head: Head = {"action": action, "service": service, "by": user}
    return _PARSERS[action](head, arguments.strip())


def _release(head: Head, arguments: str) -> Request:
    images: dict[str, str] = {}
    for part in arguments.split():
        container, equals, image = part.partition("=")
        if not equals:
            raise RequestRejected(f"release: {part[:80]!r} is not CONTAINER=IMAGE")
        images[container] = image
    return parse_request({**head, "images": images})


def _rollback(head: Head, arguments: str) -> Request:
    return parse_request({**head, "to": arguments} if arguments else head)


def _status(head: Head, arguments: str) -> ActionRequest:
    _require_none(head, arguments)
    return parse_action(head)


def _require_none(head: Head, arguments: str) -> None:
    if arguments:
        raise RequestRejected(f"{head['action']}: a service is all it takes")


def _shift(head: Head, arguments: str) -> ActionRequest:
    if not (arguments.isascii() and arguments.isdecimal()):
        raise RequestRejected("shift: the weight is a whole number of percent, from 0 to 100")
    return parse_action({**head, "weight": int(arguments[:4])})


def _signal(head: Head, arguments: str) -> ActionRequest:
    return parse_action({**head, "reason": arguments[:LONGEST_REASON]})


_PARSERS: dict[str, Callable[[Head, str], Request | ActionRequest]] = {
    "status": _status,
    "release": _release,
    "rollback": _rollback,
    "shift": _shift,
    **dict.fromkeys(("promote", "revert", "retry", "skip", "pause", "resume", "withdraw"), _signal),
}


Button = Literal["promote", "resume", "retry", "revert"]


class Decision(ActionRequest):
    """What a button means: a signal for one wait of one release."""

    action: Button
    execution: str = Field(min_length=1, max_length=400)
    wait: int


def parse_decision(value: str, user: str) -> ActionRequest:
    """Raises `RequestRejected` for what no button of ours says."""
    try:
        decision = Decision.model_validate_json(value)
    except ValidationError as error:
        raise RequestRejected(explain(error, "button")) from error
    return decision.model_copy(update={"by": user})


def named(user_id: str, user_name: str) -> str:
    """Who it is by, as the ledger keeps it: the id is Slack's word, the name is theirs."""
    return f"{user_name} (Slack {user_id})"[:LONGEST_BY]
