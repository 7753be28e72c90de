"""Lambda: the stack's functions, listed and invoked by whoever may."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote

from moto.awslambda.exceptions import LambdaClientError, UnknownFunctionException
from moto.awslambda.responses import LambdaResponse

from emulator.account import ACCOUNT, REGION
from emulator.awslambda import Invoker, Later
from emulator.template import Function

MOST_PER_PAGE = 50
ALIAS = "live"
QUALIFIERS = ("", "$LATEST", ALIAS, "1")
"""Each function has one version, and the alias that the template gives it."""


class InvalidRequestContent(LambdaClientError):
    def __init__(self, why: str) -> None:
        super().__init__(
            "InvalidRequestContentException", f"Could not parse request body into json: {why}"
        )


@contextmanager
def filled(functions: list[Function], invoker: Invoker, later: Later) -> Iterator[None]:
    """AWS: a function is invoked in a container of its own. moto: runs it in Docker, and knows only
    functions that were created with their code; here `invoker` calls those of the template."""
    with ExitStack() as patches:
        for name, by in (
            ("list_functions", _list_functions(functions)),
            ("invoke", _invoke(functions, invoker, later)),
        ):
            patches.enter_context(patch.object(LambdaResponse, name, by))
        yield


def alias_arn(function: Function) -> str:
    return _arn(f"{function.deployed}:{ALIAS}")


def _arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def _list_functions(functions: list[Function]) -> Any:
    ordered = sorted(functions, key=lambda function: function.deployed)

    def list_functions(self: LambdaResponse) -> str:
        first = int(self.querystring.get("Marker", ["0"])[0])
        most = min(int(self.querystring.get("MaxItems", [MOST_PER_PAGE])[0]), MOST_PER_PAGE)
        answer: dict[str, Any] = {"Functions": [_configuration(f) for f in ordered[first:][:most]]}
        if first + most < len(ordered):
            answer["NextMarker"] = str(first + most)
        return json.dumps(answer)

    return list_functions


def _configuration(function: Function) -> dict[str, Any]:
    return {
        "FunctionName": function.deployed,
        "FunctionArn": _arn(function.deployed),
        "Runtime": "python3.13",
        "Handler": function.handler,
        "PackageType": "Zip",
        "Version": "$LATEST",
    }


def _invoke(functions: list[Function], invoker: Invoker, later: Later) -> Any:
    # By the name that it is deployed with, and by its logical one, which the machine's ARNs have.
    known = {name: f.name for f in functions for name in (f.deployed, f.name)}

    def invoke(self: LambdaResponse) -> tuple[int, dict[str, str], str]:
        named = unquote(self.path.rsplit("/", 2)[-2])
        name, _, qualifier = named.rpartition(":function:")[2].partition(":")
        qualifier = qualifier or self.querystring.get("Qualifier", [""])[0]
        if name not in known or qualifier not in QUALIFIERS:
            raise UnknownFunctionException(_arn(f"{name}:{qualifier}" if qualifier else name))
        event = _event(self.body)
        kind = self.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        if kind == "DryRun":
            return 204, {"status": "204"}, ""
        if kind == "Event":
            later(0.0, lambda: invoker.call(known[name], event))
            return 202, {"status": "202"}, ""
        answer = invoker.invoke(FunctionName=f":{known[name]}:", Payload=json.dumps(event).encode())
        headers = {
            "status": "200",
            "content-type": "application/json",
            "x-amz-executed-version": answer["ExecutedVersion"],
        }
        if error := answer.get("FunctionError"):
            headers["x-amz-function-error"] = error
        return 200, headers, answer["Payload"].read().decode()

    return invoke


def _event(body: Any) -> Any:
    text = body.decode() if isinstance(body, bytes) else body
    try:
        return json.loads(text or "{}")
    except ValueError as error:
        raise InvalidRequestContent(str(error)) from error
