"""Lambda: the Python that runs a function, its layers, and the names of its errors."""

import io
import os
import tempfile
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from ministack.core import lambda_runtime
from ministack.services import lambda_svc

from deploycheck.bridges.names import INTERPRETER

Json = dict[str, Any]

ERROR, NAMED = '"error": str(e), "trace"', '"error": str(e), "errorType": type(e).__name__, "trace"'

AT_GATEWAY = """
import http.client, os, urllib.parse
class AtGateway(http.client.HTTPConnection):
    def __init__(self, host, **more):
        assert host.endswith(".amazonaws.com"), host
        place = urllib.parse.urlsplit(os.environ["AWS_ENDPOINT_URL"])
        super().__init__(place.hostname, place.port, **more)
http.client.HTTPSConnection = AtGateway
"""
"""AWS: what is at amazonaws.com is reached. MiniStack: leads Node.js from there to its own port,
and Python, if it does not use the SDK, into the internet."""
LAYERS = "_LAMBDA_LAYERS_DIRS"
"""Where the worker looks for what the layers have."""

_binary = lambda_runtime._detect_runtime_binary
_invoke = lambda_runtime.Worker.invoke
_execute = lambda_svc._execute_function_warm
_spawn = lambda_runtime.Worker._spawn
_unpacked: dict[str, str] = {}
_unpacking = threading.Lock()
_last = threading.local()


@contextmanager
def crossed() -> Iterator[None]:
    with (
        patch.object(lambda_runtime, "_detect_runtime_binary", _with_own_python),
        patch.object(lambda_runtime.Worker, "_spawn", _with_layers_unpacked),
        patch.object(lambda_runtime.Worker, "invoke", _noting_error),
        patch.object(lambda_svc, "_execute_function_warm", _with_error_named),
    ):
        yield


def _with_own_python(runtime: str) -> tuple[str, str]:
    """AWS: runs a function with the Python that it asks for, and sees no library but those of its
    layers. MiniStack: runs it with its own Python, where its own libraries are."""
    binary, script = _binary(runtime)
    if runtime != "python3.13":
        return binary, script
    if script.count(ERROR) != 1:
        raise RuntimeError("the worker of this MiniStack tells errors in another way")
    return os.environ[INTERPRETER], AT_GATEWAY + script.replace(ERROR, NAMED)


def _with_layers_unpacked(self: Any) -> None:
    """AWS: keeps layers unpacked, so that a cold start does not wait for them. MiniStack: unpacks
    all of them again for each process, which is most of what a cold start takes here."""
    given = self.config
    folders = os.pathsep.join(_folder(layer) for layer in given.get("Layers", []))
    variables = {**given.get("Environment", {}).get("Variables", {}), LAYERS: folders}
    self.config = {**given, "Layers": [], "Environment": {"Variables": variables}}
    try:
        _spawn(self)
    finally:
        self.config = given


def _folder(layer: Json) -> str:
    with _unpacking:
        if layer["Arn"] not in _unpacked:
            folder = tempfile.mkdtemp(prefix="layer-")
            with zipfile.ZipFile(io.BytesIO(lambda_svc._resolve_layer_zip(layer))) as packed:
                packed.extractall(folder)
            _unpacked[layer["Arn"]] = folder
        return _unpacked[layer["Arn"]]


def _noting_error(self: Any, *arguments: Any, **named: Any) -> Json:
    response: Json = _invoke(self, *arguments, **named)
    _last.error = response.get("errorType")
    return response


def _with_error_named(func: Json, event: Any, request_id: str) -> Json:
    """AWS: names the class of the exception, which Retry and Catch match. MiniStack: calls each
    exception of a handler Runtime.HandlerError."""
    _last.error = None
    result: Json = _execute(func, event, request_id)
    body = result.get("body")
    if result.get("error") and isinstance(body, dict) and _last.error:
        body["errorType"] = _last.error
    return result
