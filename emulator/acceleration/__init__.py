"""Acceleration: what moto does again and again with one result, done once."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

from moto.core.common_models import BaseModel
from moto.stepfunctions.parser import models
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.backend import execution_worker

from emulator.acceleration import expressions, transactions


class CachingParser:
    """moto parses the definition at its creation and for each execution, which costs as much as to
    run it."""

    parse = staticmethod(cache(AmazonStateLanguageParser.parse))


@contextmanager
def accelerated() -> Iterator[None]:
    """While it is open moto answers as always, with less work."""
    with ExitStack() as patches:
        for target, name, by in (
            (models, "AmazonStateLanguageParser", CachingParser),
            (execution_worker, "AmazonStateLanguageParser", CachingParser),
            # It logs all of the definition with each failure, which costs more than the execution.
            (EvalComponent, "_log_failure_event_exception", lambda *_, **__: None),
            (EvalComponent, "_log_exception", lambda *_, **__: None),
            # It keeps every item and table that ever was, for the dashboard of its server.
            (BaseModel, "__new__", _untracked),
        ):
            patches.enter_context(patch.object(target, name, by))
        patches.enter_context(expressions.accelerated())
        patches.enter_context(transactions.accelerated())
        yield


def _untracked(cls: type[BaseModel], *_: Any, **__: Any) -> BaseModel:
    return object.__new__(cls)
