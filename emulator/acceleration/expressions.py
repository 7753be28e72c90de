"""DynamoDB's expressions: parsed and checked once, not several times for each call."""

import json
import pickle
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from functools import cache, lru_cache
from typing import Any
from unittest.mock import patch

from moto.dynamodb import models, responses
from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.parsing import validators
from moto.dynamodb.parsing.ast_nodes import DepthFirstTraverser, Node  # type: ignore[attr-defined]
from moto.dynamodb.parsing.expressions import (  # type: ignore[attr-defined]
    UpdateExpressionParser,
)


class CachingUpdateParser:
    """moto parses an update expression two or three times for each call; there are a few dozen."""

    make = staticmethod(cache(UpdateExpressionParser.make))


@contextmanager
def accelerated() -> Iterator[None]:
    with ExitStack() as patches:
        for target, name, by in (
            (responses, "UpdateExpressionParser", CachingUpdateParser),
            (models, "UpdateExpressionParser", CachingUpdateParser),
            # It copies a parsed expression for each call, node by node.
            (validators, "deepcopy", _copied),
            # It looks for the classes to process at each node of ten traversals.
            (DepthFirstTraverser, "traverse", _traverse),
            # It checks each part of an expression after it has checked the whole.
            (validators.ActionCountValidator, "traverse", _check_counts),
            (validators.OverlappingPathsValidator, "traverse", _check_paths),
            # It parses a condition two or three times for each call.
            (ConditionExpressionParser, "parse", _parse_once()),
        ):
            patches.enter_context(patch.object(target, name, by))
        yield


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


def _check_counts(self: validators.ActionCountValidator, node: Any) -> Any:
    return self.verify_action_counts(node)


def _check_paths(self: validators.OverlappingPathsValidator, node: Any) -> Any:
    return self.check_for_overlapping_paths(node)


def _parse_once() -> Any:
    parse = ConditionExpressionParser.parse

    @lru_cache(maxsize=64)
    def known(expression: str, names: str, values: str) -> tuple[Any, list[str], list[str]]:
        parser = ConditionExpressionParser(expression, json.loads(names), json.loads(values))
        return parse(parser), parser.expr_attr_names_found, parser.expr_attr_values_found

    def parse_once(self: ConditionExpressionParser) -> Any:
        if not self.condition_expression:
            return parse(self)
        names, values = self.expression_attribute_names, self.expression_attribute_values
        operator, found, values_found = known(
            self.condition_expression, json.dumps(names), json.dumps(values)
        )
        # The caller adds to its lists.
        self.expr_attr_names_found.extend(found)
        self.expr_attr_values_found.extend(values_found)
        return operator

    return parse_once
