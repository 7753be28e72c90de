"""The definition and the functions speak of the same fields and the same words.

Each variable of the definition is followed back to the answer that it came from, so that a field
which no answer has, or a word that no Literal has, is found without running anything.
"""

import inspect
import json
import re
from collections.abc import Iterator
from importlib import import_module
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from pydantic import BaseModel

from emulator import template
from stepcanary.contracts.questions import CheckQuestion, PreviewQuestion
from stepcanary.domain.signals import Kind
from tests.statemachine.test_definition import MACHINE, STATES, TASKS, WAITS, State

Types = list[Any]
"""The types that a value may have: annotations, or a dict of these by key."""

HANDLERS = {f"${{{f.name}Arn}}": f.handler.rpartition(".")[0] for f in template.functions()}
SIGNAL: Types = [{"kind": [Kind], "message": [str]}]
"""What `end_wait` hands to a state that waits."""
PATH = r"[\w.]+"
PLAIN = re.compile(rf"\{{% \$({PATH}) %\}}")
COMPARED = re.compile(rf"\$({PATH}) (?:= ('[^']*'|true|false)|in \[([^]]*)\])")


def hints(task: State) -> dict[str, Any]:
    """Of the handler, whose signature says what it takes and what it answers."""
    module = import_module(HANDLERS[task["Arguments"]["FunctionName"]])
    return get_type_hints(inspect.unwrap(module.lambda_handler))


def flat(types: Types) -> Iterator[Any]:
    """Without unions, and without what `Annotated` adds."""
    for each in types:
        origin: Any = get_origin(each)
        if origin is Annotated:
            yield from flat([get_args(each)[0]])
        elif origin in (Union, UnionType):
            yield from flat(list(get_args(each)))
        elif each is not type(None):
            yield each


def within(types: Types, keys: list[str]) -> Types:
    """The types of what is there; empty where nothing is."""
    for key in keys:
        inner: Types = []
        for each in flat(types):
            if each is Any:
                inner.append(Any)
            elif isinstance(each, dict):
                inner += each.get(key, [])
            elif isinstance(each, type) and issubclass(each, BaseModel):
                fields = each.model_fields
                by_alias = {field.alias: field for field in fields.values() if field.alias}
                if found := fields.get(key) or by_alias.get(key):
                    inner.append(found.annotation)
        types = inner
    return types


def types_of(value: Any, state: State, variables: dict[str, Types]) -> Types:
    """Of what a state assigns."""
    if isinstance(value, dict):
        return [{key: types_of(each, state, variables) for key, each in value.items()}]
    match = PLAIN.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return [Any] if str(value).startswith("{%") else [Literal[value]]
    head, *keys = match[1].split(".")
    if head != "states":
        return within(variables.get(head, []), keys)
    if keys[0] != "result":
        return [Any]
    if state["Resource"].endswith(".waitForTaskToken"):
        return within(SIGNAL, keys[1:])
    return within([{"Payload": [hints(state)["return"]]}], keys[1:])


def assignments() -> Iterator[tuple[str, Any, State]]:
    for _, state in STATES:
        for holder in (state, *state.get("Choices", []), *state.get("Catch", [])):
            for name, value in holder.get("Assign", {}).items():
                yield name, value, state


def followed() -> dict[str, Types]:
    """The types of each variable, from all places that assign it."""
    variables: dict[str, Types] = {}
    for _ in range(3):
        # A variable may be assigned from one that comes later in the file.
        found: dict[str, Types] = {}
        for name, value, state in assignments():
            found.setdefault(name, []).extend(types_of(value, state, variables))
        variables = found
    return variables


VARIABLES = followed()


def paths(text: str) -> set[str]:
    """Of our own variables; `$states` is AWS's, and what has a parenthesis is a function."""
    within_expressions = " ".join(re.findall(r"\{%.*?%\}", text))
    without_constants = re.sub(r"'[^']*'", "", within_expressions)
    found = re.findall(rf"\$({PATH})(?![\w.(])", without_constants)
    return {path for path in found if path.partition(".")[0] != "states"}


@pytest.mark.parametrize(("name", "state"), STATES)
def test_what_is_taken_out_of_an_answer_is_in_it(name: str, state: State) -> None:
    taken = set(re.findall(rf"\$states\.result\.Payload\.({PATH})", json.dumps(state)))
    if "Branches" in state or not taken:
        return
    answer = hints(state)["return"]
    assert [path for path in taken if not within([answer], path.split("."))] == [], name


@pytest.mark.parametrize("path", sorted(paths(json.dumps(MACHINE, ensure_ascii=False))))
def test_what_is_taken_out_of_a_variable_is_in_it(path: str) -> None:
    variable, *keys = path.split(".")
    assert within(VARIABLES[variable], keys) != [], path


def conditions() -> list[tuple[str, str]]:
    choices = [(name, choice) for name, state in STATES for choice in state.get("Choices", [])]
    return [(name, choice["Condition"]) for name, choice in choices]


def members(types: Types) -> set[Any] | None:
    """The words that it may be; None where it may be any."""
    found: set[Any] = set()
    for each in flat(types):
        if get_origin(each) is Literal:
            found |= set(get_args(each))
        elif each is bool:
            found |= {True, False}
        else:
            return None
    return found


def compared(condition: str) -> Iterator[tuple[str, set[Any]]]:
    """Each path in it, and the constants that it is compared with."""
    for path, constant, several in COMPARED.findall(condition):
        words = [each.strip() for each in several.split(",")] if several else [constant]
        yield path, {w == "true" if w in ("true", "false") else w.strip("'") for w in words}


@pytest.mark.parametrize(("name", "condition"), conditions())
def test_what_a_condition_asks_for_can_be(name: str, condition: str) -> None:
    pairs = [(p, c) for p, c in compared(condition) if not p.startswith("states.")]
    assert pairs or name == "WhatAction"
    for path, constants in pairs:
        variable, *keys = path.split(".")
        words = members(within(VARIABLES[variable], keys))
        if words is None:
            # Free text, which is only compared with nothing.
            assert path in ("attempted.note", "rest.note")
            assert constants == {""}
        else:
            assert constants <= words, f"{name}: {path}"


@pytest.mark.parametrize(("name", "task"), TASKS)
def test_a_function_is_sent_what_it_takes(name: str, task: State) -> None:
    payload, model = task["Arguments"]["Payload"], hints(task)["event"]
    if not isinstance(model, type) or not issubclass(model, BaseModel):
        # Which model it is is in the document: that of the question.
        assert set(payload) == CheckQuestion.model_fields.keys() & PreviewQuestion.model_fields
        return
    assert set(payload) <= set(model.model_fields), name
    assert {n for n, f in model.model_fields.items() if f.is_required()} <= set(payload), name
    for key, value in payload.items():
        if isinstance(value, dict):
            assert all(within([model.model_fields[key].annotation], [inner]) for inner in value)


@pytest.mark.parametrize(("name", "wait"), WAITS)
def test_a_wait_ends_on_known_signals(name: str, wait: State) -> None:
    assert set(wait["Arguments"]["Payload"]["ends_on"]) <= set(get_args(Kind)), name
