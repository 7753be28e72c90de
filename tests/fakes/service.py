"""What every fake of an AWS service shares: it answers a real boto3 client from memory.

The client validates and signs its requests as always; a `before-call` hook then answers from here
instead of from the network. So parameter errors are botocore's and service errors are real
`ClientError`s. `tests/README.md` shows a test that uses one.
"""

import copy
import threading
from collections.abc import Callable
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from emulator.shapes import broken
from tests.fakes import wire

Document = dict[str, Any]

WRITTEN_BACK = {
    "appmesh.DescribeRoute",
    "ecs.DescribeTaskDefinition",
    "elbv2.DescribeListeners",
    "elbv2.DescribeRules",
    "vpc-lattice.GetListener",
    "vpc-lattice.GetRule",
}
"""Calls whose answers are what later writes send, so they go over the wire."""


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
        self.untagged: set[str] = set()
        """Names or ARNs of what nobody has opted in."""

    def tags_of(self, resource: str) -> dict[str, str]:
        return {} if resource in self.untagged else {"team": "shop", "stepcanary": "managed"}

    def respond(self, name: str, params: Document, key: str = "") -> Any:
        """`key` is the access key of a role that the call is signed with, if it is."""
        self.calls.append((name, params))
        try:
            self._know(name, key)
            self._admit(name, params)
            self.before_call(name, params)
            answer = self._answer(name, params)
            self.after_call(name, params)
        except Refusal as refusal:
            error = {"Code": refusal.code, "Message": str(refusal)}
            meta = {"HTTPStatusCode": refusal.status}
            return _http(refusal.status), {"Error": error, "ResponseMetadata": meta}
        return _http(200), {**answer, "ResponseMetadata": {"HTTPStatusCode": 200}}

    def _know(self, name: str, key: str) -> None:
        """Refuse a caller who may not call."""

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
        if violations := broken(self.service, name.partition(".")[2], params):
            raise Refusal(self.invalid, "; ".join(violations))


def serve(client: Any, current: Callable[[], Fake]) -> None:
    """Answer a boto3 client's calls from the fake that is the current one at the call."""
    given = threading.local()

    def keep(params: Document, **_: Any) -> None:
        given.params = copy.deepcopy(params)

    def answer(model: Any, context: Document, **_: Any) -> Any:
        name = f"{model.service_model.service_name}.{model.name}"
        role = context.get("signing", {}).get("request_credentials")
        http, answer = current().respond(name, given.params, role.access_key if role else "")
        if name in WRITTEN_BACK and http.status_code == 200:
            metadata = answer.pop("ResponseMetadata")
            answer = wire.parsed(client, model, wire.body(model, answer))
            answer["ResponseMetadata"] = metadata
        return http, answer

    client.meta.events.register("provide-client-params.*.*", keep)
    client.meta.events.register("before-call.*.*", answer)


def _http(status: int) -> AWSResponse:
    return AWSResponse("https://fake", status, HTTPHeaders(), None)
