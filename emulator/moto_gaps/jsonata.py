"""JSONata in Step Functions: an evaluator, and variables that reach it unharmed."""

import base64
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

from jsonata import jsonata as jsonata_python
from moto.stepfunctions.parser.asl.eval import states, variable_store
from moto.stepfunctions.parser.asl.jsonata import jsonata

_CARRIED = re.compile(r"/\*([A-Za-z0-9+/=]+)\*/")
_evaluating = threading.Lock()


@contextmanager
def filled() -> Iterator[None]:
    """AWS: evaluates JSONata. moto: has no evaluator wired (getmoto/moto#10105).

    AWS: variables are values. moto: writes them into the expression as JSONata text, escapes no
    strings there, and parses it all at each evaluation; here a comment carries them as JSON.
    """
    with (
        patch.object(jsonata, "_eval_jsonata", _evaluate),
        patch.object(states, "encode_jsonata_variable_declarations", _carry),
        patch.object(variable_store, "encode_jsonata_variable_declarations", _carry),
    ):
        yield


def _carry(bindings: dict[str, Any]) -> str:
    if not bindings:
        return ""
    return f"/*{base64.b64encode(json.dumps(bindings, default=str).encode()).decode()}*/"


def _evaluate(expression: str) -> Any:
    bindings: dict[str, Any] = {}
    for carried in _CARRIED.findall(expression):
        bindings.update(json.loads(base64.b64decode(carried)))
    named = {name.removeprefix("$"): value for name, value in bindings.items()}
    try:
        with _evaluating:
            return _parse(_CARRIED.sub("", expression)).evaluate(None, named)
    except Exception as error:
        raise jsonata.JSONataException("JSONataEvaluationError", str(error)) from error


@cache
def _parse(expression: str) -> Any:
    return jsonata_python.Jsonata.jsonata(expression)
