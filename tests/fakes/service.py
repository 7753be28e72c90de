"""What every fake of an AWS service shares: it answers a real boto3 client from memory.

The client validates and signs its requests as always; a `before-call` hook then answers from here
instead of from the network. So parameter errors are botocore's and service errors are real
`ClientError`s.
"""

import copy
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

Document = dict[str, Any]


class Refusal(Exception):
    def __init__(self, code: str, message: str = "", status: int = 400) -> None:
        super().__init__(message or code)
        self.code = code
        self.status = status


class Fake:
    """`_<service>_<Operation>` methods answer; they may raise a `Refusal`.

    `before_call` and `after_call` see every call and may raise one too.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, Document]] = []
        self.before_call: Callable[[str, Document], None] = lambda _name, _params: None
        self.after_call: Callable[[str, Document], None] = lambda _name, _params: None

    def respond(self, name: str, params: Document) -> Any:
        self.calls.append((name, params))
        try:
            self._admit(name, params)
            self.before_call(name, params)
            answer = self._answer(name, params)
            self.after_call(name, params)
        except Refusal as refusal:
            error = {"Code": refusal.code, "Message": str(refusal)}
            meta = {"HTTPStatusCode": refusal.status}
            return _http(refusal.status), {"Error": error, "ResponseMetadata": meta}
        return _http(200), {**answer, "ResponseMetadata": {"HTTPStatusCode": 200}}

    def _admit(self, name: str, params: Document) -> None:
        """Refuse what the service would not even look at."""

    def _answer(self, name: str, params: Document) -> Document:
        answer: Document = getattr(self, "_" + name.replace(".", "_").replace("-", "_"))(params)
        return answer

    def called(self, operation: str) -> list[Document]:
        """The parameters of every call of this operation, as in `UpdateRoute`."""
        return [params for name, params in self.calls if name.endswith(f".{operation}")]


class Strict(Fake):
    """Refuses, with the code `invalid`, what breaks botocore's model of the service."""

    service: str
    invalid: str

    def _admit(self, name: str, params: Document) -> None:
        shape = _model(self.service).operation_model(name.partition(".")[2]).input_shape
        broken = list(violations(shape, params))
        if broken:
            raise Refusal(self.invalid, "; ".join(broken))


@cache
def _model(service: str) -> Any:
    return botocore.session.get_session().get_service_model(service)


def serve(client: Any, current: Callable[[], Fake]) -> None:
    """Answer a boto3 client's calls from the fake that is the current one at the call."""
    given: Document = {}

    def keep(params: Document, **_: Any) -> None:
        given.clear()
        given.update(copy.deepcopy(params))

    def answer(model: Any, **_: Any) -> Any:
        name = f"{model.service_model.service_name}.{model.name}"
        return current().respond(name, dict(given))

    client.meta.events.register("provide-client-params.*.*", keep)
    client.meta.events.register("before-call.*.*", answer)


def violations(shape: Any, value: Any, where: str = "") -> Iterator[str]:
    """What a value breaks of its shape in botocore's model, most of which botocore lets pass."""
    limits = shape.metadata
    size = value if shape.type_name in ("integer", "float") else None
    if shape.type_name in ("string", "list"):
        size = len(value)
    if size is not None and not limits.get("min", size) <= size <= limits.get("max", size):
        yield f"{where}: {value!r} is not within {limits.get('min')}..{limits.get('max')}"
    if shape.type_name == "string":
        if "pattern" in limits and not re.fullmatch(limits["pattern"], value):
            yield f"{where}: {value!r} does not match {limits['pattern']}"
        if shape.enum and value not in shape.enum:
            yield f"{where}: {value!r} is none of {shape.enum}"
    if shape.type_name == "list":
        for number, item in enumerate(value):
            yield from violations(shape.member, item, f"{where}[{number}]")
    if shape.type_name == "structure":
        if limits.get("union") and len(value) != 1:
            yield f"{where}: exactly one of {', '.join(shape.members)}"
        for name, item in value.items():
            yield from violations(shape.members[name], item, f"{where}.{name}")


def _http(status: int) -> AWSResponse:
    return AWSResponse("https://fake", status, HTTPHeaders(), None)
