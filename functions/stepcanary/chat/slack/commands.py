"""Command: what a person writes after `/canary`, or says with a button, as a request. Pure."""

from collections.abc import Callable

from pydantic import Field, ValidationError

from stepcanary.domain.model import Model
from stepcanary.domain.request import LONGEST_BY, explain, parse_action, parse_request
from stepcanary.errors import RequestRejected

Document = dict[str, object]

USAGE = """\
`status SERVICE`
`release SERVICE CONTAINER=IMAGE …`
`promote|revert|retry|skip|pause|resume SERVICE [REASON]`
`rollback SERVICE`
`shift SERVICE WEIGHT` (percent that the canary gets, while nothing is released)"""


def parse_command(text: str, user: str) -> Document:
    """A request of the state machine. Raises `RequestRejected` in words for whoever wrote it."""
    action, _, rest = text.strip().partition(" ")
    service, _, said = rest.strip().partition(" ")
    if action not in _PARSERS:
        raise RequestRejected(f"Write one of\n{USAGE}")
    if not service:
        raise RequestRejected(f"{action}: which service? Write one of\n{USAGE}")
    return _PARSERS[action]({"action": action, "service": service, "by": user}, said.strip())


def _release(request: Document, said: str) -> Document:
    images: dict[str, str] = {}
    for part in said.split():
        container, equals, image = part.partition("=")
        if not equals:
            raise RequestRejected(f"release: {part[:80]!r} is not CONTAINER=IMAGE")
        images[container] = image
    asked = {**request, "images": images}
    parse_request(asked)
    return asked


def _bare(request: Document, said: str) -> Document:
    if said:
        raise RequestRejected(f"{request['action']}: a service is all it takes")
    if request["action"] == "rollback":
        parse_request(request)
    else:
        parse_action(request)
    return request


def _shift(request: Document, said: str) -> Document:
    if not (said.isascii() and said.isdecimal()):
        raise RequestRejected("shift: the weight is a whole number of percent, from 0 to 100")
    asked = {**request, "weight": int(said[:4])}
    parse_action(asked)
    return asked


def _tell(request: Document, said: str) -> Document:
    asked = {**request, "reason": said[:1_000]}
    parse_action(asked)
    return asked


_PARSERS: dict[str, Callable[[Document, str], Document]] = {
    "status": _bare,
    "release": _release,
    "rollback": _bare,
    "shift": _shift,
    **dict.fromkeys(("promote", "revert", "retry", "skip", "pause", "resume"), _tell),
}


class Decision(Model):
    """What a button says: an action about one wait of one release."""

    action: str = Field(pattern=r"^(promote|resume|retry|revert)$")
    service: str
    execution: str
    wait: int


def parse_decision(value: str, user: str) -> Document:
    """A request of the state machine. Raises `RequestRejected` for what no button of ours says."""
    try:
        decision = Decision.model_validate_json(value)
    except ValidationError as error:
        raise RequestRejected(explain(error, "button")) from error
    asked: Document = {**decision.model_dump(), "by": user}
    parse_action(asked)
    return asked


def named(user_id: str, user_name: str) -> str:
    """Who asks, as the ledger keeps it: the id is Slack's word, the name is theirs."""
    return f"{user_name} (Slack {user_id})"[:LONGEST_BY]
