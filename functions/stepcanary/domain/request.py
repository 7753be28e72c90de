"""Request: the input of an execution, read strictly and explained when it is wrong."""

import json
import re
from contextlib import suppress
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from stepcanary.domain.model import Model, SchemaUri
from stepcanary.domain.names import Container, Image, ServiceName, TaskDefinitions, repository_of
from stepcanary.domain.origin import Commit, Link, Moment, Origin
from stepcanary.domain.profile import ROUTERS, Profile
from stepcanary.domain.signals import Kind
from stepcanary.domain.text import unwritable
from stepcanary.errors import RequestRejected

M = TypeVar("M", bound=Model)

PAYLOAD_LIMIT_BYTES = 65_536
"""A quarter of what Step Functions carries: the plan and its history have to fit as well."""

LONGEST_BY = 256
By = Annotated[str, Field(max_length=LONGEST_BY)]
LONGEST_REASON = 1_000


class Request(Model):
    """What to release: new images by container name, or ready task definitions.

    A `rollback` names neither: it takes its version from the ledger.
    """

    json_schema: SchemaUri = ""
    """The path or URL of this schema, for editors; it changes nothing."""
    action: Literal["release", "rollback"] = "release"
    """A release, or a rollback to an earlier version of the service."""
    service: ServiceName
    """Names the profile: letters, digits, `_ . -`."""
    by: By = ""
    """Who or what starts it, for the ledger and the messages, where it is marked as claimed."""
    images: dict[Container, Image] | None = None
    """The new image of each container, with a tag or a `@sha256` digest; or `task_definitions`."""
    task_definitions: TaskDefinitions | None = None
    """Ready task definitions, one for each side; or `images`."""
    to: str = Field(default="", max_length=400)
    """Of a rollback, the ARN or the name of the execution that brought the version to go back to;
    without it, that is the version before the last that was released."""
    commit: Commit | None = None
    """The commit that the version was built from, for the ledger, the messages and the report."""
    pushed_at: Moment | None = None
    """When that was pushed, in ISO 8601 with its zone: the lead time is counted from then."""
    link: Link | None = None
    """An https link for people, as to the pull request."""
    profile: Profile | None = None
    """A whole profile, used instead of the stored one, where the stack allows it."""

    @property
    def origin(self) -> Origin:
        return Origin(commit=self.commit, pushed_at=self.pushed_at, link=self.link)

    @model_validator(mode="after")
    def _one_version(self) -> Self:
        named = [each for each in (self.images, self.task_definitions) if each is not None]
        if self.action == "rollback":
            if named:
                raise ValueError("a rollback takes its version from the ledger; name none")
            return self
        if self.to:
            raise ValueError("to is for a rollback, and this is a release; remove it")
        if len(named) != 1:
            raise ValueError("give either images or task_definitions")
        if self.images is not None and not self.images:
            raise ValueError("images is empty; name at least one container and its new image")
        return self


class ServiceRequest(Model):
    """What any release of a service needs, without a version."""

    service: ServiceName
    by: By = ""
    profile: Profile | None = None


class SignalRequest(Model):
    """A signal for the running releases of a service; its kind has a name in each subclass."""

    service: ServiceName
    """The service whose releases are meant."""
    by: By = ""
    """Who sends it, for the ledger and the messages, where it is marked as claimed."""
    reason: str = Field(default="", max_length=LONGEST_REASON)
    """Why, for the ledger and the messages."""
    execution: str = Field(default="", max_length=400)
    """The ARN or the name of the one execution that is meant, where only that one is."""
    wait: int | None = None
    """The one wait that is meant, as the event `Release Waiting` has it, where only that one is."""

    @property
    def kind(self) -> Kind:
        raise NotImplementedError


class SignalInput(SignalRequest):
    """The detail of a `Release Signal` event, or what a person sends to the function by hand."""

    signal: Kind
    """What the release is to do."""

    @property
    def kind(self) -> Kind:
        return self.signal


Action = Literal[
    "promote", "revert", "retry", "skip", "pause", "resume", "shift", "status", "withdraw"
]


class ActionRequest(SignalRequest):
    """The input of an execution that acts on a service: with a signal, a manual shift, or a look.

    `shift` and `status` reach no release, and `withdraw` one that has not begun.
    """

    json_schema: SchemaUri = ""
    """The path or URL of this schema, for editors; it changes nothing."""
    action: Action
    """A signal for the running release, a manual shift, a look, or the end of one that waits."""
    weight: int | None = Field(default=None, ge=0, le=100)
    """Of a shift, the percent of the traffic that the canary gets."""
    profile: Profile | None = None
    """A whole profile, used instead of the stored one, where the stack allows it."""

    @model_validator(mode="after")
    def _weight_of_a_shift(self) -> Self:
        if (self.weight is None) == (self.action == "shift"):
            raise ValueError("shift has a weight, from 0 to 100, and no other action has one")
        return self

    @property
    def kind(self) -> Kind:
        """Raises `ValueError` where the action is no signal."""
        match self.action:
            case "shift" | "status" | "withdraw":
                raise ValueError(f"{self.action} is no signal")
            case kind:
                return kind


class Built(Model):
    """Images that a pipeline built: a `imagedefinitions.json`, or ECR's `imageDetail.json`.

    `container` is empty where the file does not say it.
    """

    container: str
    image: Image

    @property
    def repository(self) -> str:
        return repository_of(self.image)


def parse_built(document: object) -> list[Built]:
    """Empty for what is no such file. Raises `RequestRejected` for one that is broken."""
    if isinstance(document, dict) and "ImageURI" in document and "service" not in document:
        items = [{"container": "", "image": document["ImageURI"]}]
    elif isinstance(document, list):
        items = [
            {"container": item.get("name"), "image": item.get("imageUri")}
            if isinstance(item, dict)
            else item
            for item in document
        ]
        if not items:
            raise RequestRejected("request: imagedefinitions.json names no image")
    else:
        return []
    return [parse(Built, item, "request") for item in items]


def parse_request(document: object) -> Request:
    """Raises `RequestRejected`, whose message names each wrong field."""
    return parse(Request, document, "request")


def parse_action(document: object) -> ActionRequest:
    """Raises `RequestRejected`, whose message names each wrong field."""
    return parse(ActionRequest, document, "action")


def parse(model: type[M], document: object, where: str) -> M:
    """Raises `RequestRejected`, whose message names each wrong field; `where` says what it is."""
    text = json.dumps(document)
    size = len(text.encode())
    if size > PAYLOAD_LIMIT_BYTES:
        raise RequestRejected(
            f"{where}: {size} bytes, over the limit of {PAYLOAD_LIMIT_BYTES}; send less"
        )
    _require_text(document, where)
    return _validate(model, text, where)


def parse_profile(text: str, where: str) -> Profile:
    """Raises `RequestRejected`; `where` says which document to mend."""
    with suppress(ValueError, RecursionError):
        # What is no JSON is explained below.
        _require_text(json.loads(text), where)
    return _validate(Profile, text, where)


def _validate(model: type[M], text: str, where: str) -> M:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        raise RequestRejected(explain(error, where)) from error


def _require_text(document: object, where: str) -> None:
    """Raises `RequestRejected` for the first string with half a character in it."""
    for place in unwritable(document):
        field = _field(place).encode("ascii", "backslashreplace").decode() or where
        raise RequestRejected(
            f"{where} is not valid. {field[:120]}: has half a character in it, which cannot be"
            " written (a lone surrogate); send whole characters"
        )


def explain(error: ValidationError, where: str) -> str:
    """One line per problem, at most eight: field, what is wrong, what it says now."""
    problems = error.errors(include_url=False)
    lines = []
    for problem in problems[:8]:
        field = _field(problem["loc"]) or where
        message = problem["msg"].removeprefix("Value error, ")
        message = re.sub(r"^\w+ should ", "must ", message)
        if problem["type"] == "extra_forbidden":
            message = "unknown key; remove it or mend its spelling"
        elif problem["type"] == "missing":
            message = "is missing"
        elif problem["type"] == "union_tag_not_found":
            field, message = f"{field}.router", f"is missing; write one of {', '.join(ROUTERS)}"
        elif problem["type"] == "union_tag_invalid":
            field, message = f"{field}.router", f"must be one of {', '.join(ROUTERS)}"
            message += f" (it is {str(problem['ctx']['tag'])[:80]!r})"
        elif not isinstance(problem["input"], (dict, list)) and not _is_quoted(problem):
            message += f" (it is {str(problem['input'])[:80]!r})"
        lines.append(f"{field[:120]}: {message}")
    if len(problems) > len(lines):
        lines.append(f"and {len(problems) - len(lines)} more")
    return f"{where} is not valid. " + "; ".join(lines)


def _is_quoted(problem: ErrorDetails) -> bool:
    """Whether the message itself says what it says now."""
    return f"{str(problem['input'])[:80]!r}" in problem["msg"]


def _field(place: tuple[int | str, ...]) -> str:
    """Where a problem is, as the document has it: pydantic adds which router's model it tried."""
    tried = {n for n, part in enumerate(place) if part in ROUTERS and isinstance(place[n - 1], int)}
    return ".".join(str(part) for n, part in enumerate(place) if n not in tried)
