"""Questions: what people ask, answered without an execution and without a write."""

from collections.abc import Callable
from typing import Any

from stepcanary.access import reading
from stepcanary.contracts.questions import (
    CheckQuestion,
    CountsQuestion,
    HistoryQuestion,
    PreviewQuestion,
    RowsQuestion,
    ShowQuestion,
    StackVersion,
    StatusQuestion,
    VersionQuestion,
)
from stepcanary.control import checking, past, previewing, replaying, status
from stepcanary.domain.model import Model
from stepcanary.domain.request import parse
from stepcanary.errors import ProfileMissing, RequestRejected
from stepcanary.store import profiles
from stepcanary.version import VERSION

QUESTIONS: dict[str, tuple[type[Model], Callable[[Any], Model]]] = {
    "status": (StatusQuestion, status.answer),
    "history": (HistoryQuestion, past.history),
    "show": (ShowQuestion, past.show),
    "check": (CheckQuestion, checking.check),
    "preview": (PreviewQuestion, previewing.preview_release),
    "counts": (CountsQuestion, replaying.counts),
    "rows": (RowsQuestion, replaying.rows),
    "version": (VersionQuestion, lambda _question: StackVersion(version=VERSION)),
}
MOST_NAMES = 50


def answer_question(document: object) -> Model:
    """Raises `RequestRejected` for what cannot be answered, and `AwsRefused` where AWS does not let
    the function look; `AwsUnavailable` to try again."""
    kind = document.get("question") if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(kind, str) or kind not in QUESTIONS:
        raise RequestRejected(
            f"question: must be one of {', '.join(sorted(QUESTIONS))} (it is {str(kind)[:80]!r})"
        )
    document = _of_an_action(document)
    model, answer = QUESTIONS[kind]
    with reading():
        try:
            return answer(parse(model, document, "question"))
        except ProfileMissing as missing:
            raise RequestRejected(f"{missing}. {_known()}") from missing


def _of_an_action(document: dict[str, Any]) -> dict[str, Any]:
    """What an execution asks: its whole input is the request, with what is the question's in it."""
    request = document.get("request")
    if not isinstance(request, dict) or request.get("action") != document["question"]:
        return document
    of_question = {key: value for key, value in request.items() if key == "budget"}
    others = {key: request[key] for key in request.keys() - {"action", "$schema", *of_question}}
    return {**document, **of_question, "request": others}


def _known() -> str:
    """The services that there are, so that a slip of the pen is seen."""
    names = profiles.services()
    if not names:
        return "No service has a profile yet"
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return f"Services that have one: {', '.join(names[:MOST_NAMES])}{more}"
