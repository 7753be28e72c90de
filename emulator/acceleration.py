"""Acceleration: what moto does again and again with one result, done once."""

import pickle
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import copy, deepcopy
from functools import cache
from typing import Any
from unittest.mock import patch

from moto.core.common_models import BaseModel
from moto.dynamodb import models as dynamodb_models
from moto.dynamodb import responses as dynamodb_responses
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing import validators
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser, Node  # type: ignore[attr-defined]
from moto.dynamodb.parsing.expressions import (  # type: ignore[attr-defined]
    UpdateExpressionParser,
)
from moto.stepfunctions.parser import models
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.backend import execution_worker


class CachingParser:
    """moto parses the definition at its creation and for each execution, which costs as much as to
    run it."""

    parse = staticmethod(cache(AmazonStateLanguageParser.parse))


class CachingUpdateParser:
    """moto parses an update expression two or three times for each call; there are a few dozen."""

    make = staticmethod(cache(UpdateExpressionParser.make))


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
            (dynamodb_responses, "UpdateExpressionParser", CachingUpdateParser),
            (dynamodb_models, "UpdateExpressionParser", CachingUpdateParser),
            # It copies a parsed expression for each call, node by node.
            (validators, "deepcopy", _copied),
            # It looks for the classes to process at each node of ten traversals.
            (DepthFirstTraverser, "traverse", _traverse),
            # It copies the table before a transaction, once for each of its writes.
            (Table, "__deepcopy__", _copied_items),
        ):
            patches.enter_context(patch.object(target, name, by, create=name == "__deepcopy__"))
        yield


def _untracked(cls: type[BaseModel], *_: Any, **__: Any) -> BaseModel:
    return object.__new__(cls)


def _copied(thing: Any) -> Any:
    # What it loads was dumped by this process.
    return pickle.loads(_pickled(thing)) if isinstance(thing, Node) else deepcopy(thing)  # noqa: S301


@cache
def _pickled(expression: Node) -> bytes:
    """Parsed expressions are kept, and are compared by identity."""
    return pickle.dumps(expression, pickle.HIGHEST_PROTOCOL)


def _traverse(self: DepthFirstTraverser, node: Any) -> Any:
    processors = self._processing_map()
    wanted = tuple(processors)

    def traverse(node: Any, number: int) -> Any:
        kind: Any = type(node)
        if not _is_node(kind):
            return node
        parent = node.parent
        for at, child in enumerate(node.children or ()):
            self.pre_processing_of_child(node, at)
            traverse(child, at)
        chosen = _first_of(kind, wanted)
        if chosen is not None:
            node = processors[chosen](node)
            node.parent = parent
            if parent:
                parent.children[number] = node
        return node

    return traverse(node, -1)


@cache
def _is_node(kind: type) -> bool:
    return issubclass(kind, Node)


@cache
def _first_of(kind: type, wanted: tuple[type, ...]) -> type | None:
    return next((one for one in wanted if issubclass(kind, one)), None)


def _copied_items(self: Table, memo: dict[int, Any]) -> Table:
    """Of a table nothing but its items changes in a transaction."""
    copied = copy(self)
    copied.items = defaultdict(dict)
    for hash_key, by_range in self.items.items():
        copied.items[hash_key] = deepcopy(by_range, memo)
    return copied
