"""Declared: what is wrong with a stack's template, told before anything of it is made.

AWS refuses all of it. moto takes much of it for something else, or fails in the midst of it. See
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

Json = dict[str, Any]

ATTRIBUTES = {
    "Condition",
    "CreationPolicy",
    "DeletionPolicy",
    "DependsOn",
    "Metadata",
    "Properties",
    "Type",
    "UpdatePolicy",
    "UpdateReplacePolicy",
}
"""Of a resource."""
NAMED = re.compile(r"\$\{([^!}]+)\}")
"""What `Fn::Sub` fills in; `${!…}` is text."""


class Wrong(ValueError):
    """What AWS says of the template."""


def require_valid(document: object) -> None:
    """Raises `Wrong`: for what is no template, for names that lead nowhere and for circles."""
    if not isinstance(document, dict) or not isinstance(document.get("Resources"), dict):
        raise Wrong("Template format error: At least one Resources member must be defined.")
    if "Transform" in document:
        raise Wrong(
            f"no transform runs here, which {document['Transform']} is: give the template that it"
            " makes"
        )
    for name, resource in document["Resources"].items():
        _require_resource(name, resource)
    _require_names(document)
    _require_no_circle(document["Resources"])


def require_parameters(document: Json, given: Mapping[str, str]) -> None:
    """Raises `Wrong` for a value that its parameter does not allow."""
    declared = document.get("Parameters", {})
    if unknown := sorted(given.keys() - declared.keys()):
        raise Wrong(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    for name, value in given.items():
        if problem := _problem(declared[name], value):
            raise Wrong(f"Template error: parameter {name} {problem}")


def require_all_parameters(document: Json, given: Mapping[str, str]) -> None:
    """Raises `Wrong` for those that have no default and are not given."""
    needed = {
        name for name, each in document.get("Parameters", {}).items() if "Default" not in each
    }
    if lost := sorted(needed - given.keys()):
        raise Wrong(f"Parameters: [{', '.join(lost)}] must have values")


def _problem(parameter: Json, value: str) -> str:
    allowed = parameter.get("AllowedValues")
    if allowed is not None and value not in map(str, allowed):
        return f"must be one of {allowed}"
    pattern = parameter.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(str(pattern), value):
        return f"must match pattern {pattern}"
    kind, size = "Length", float(len(value))
    if parameter.get("Type") == "Number":
        try:
            kind, size = "Value", float(value)
        except ValueError:
            return "must be a number"
    least, most = parameter.get(f"Min{kind}"), parameter.get(f"Max{kind}")
    if least is not None and size < float(least):
        return f"has a {kind.lower()} under {least}"
    if most is not None and size > float(most):
        return f"has a {kind.lower()} over {most}"
    return ""


def _require_resource(name: str, resource: object) -> None:
    if not isinstance(resource, dict) or not isinstance(resource.get("Type"), str):
        raise Wrong(f"Template format error: resource {name} must have a Type, which is a string")
    if unknown := sorted(resource.keys() - ATTRIBUTES):
        raise Wrong(f"Invalid template resource property '{unknown[0]}' of {name}")
    if not isinstance(resource.get("Properties") or {}, dict):
        raise Wrong(f"Template format error: the Properties of {name} must be an object")


def _require_names(document: Json) -> None:
    resources, conditions = document["Resources"], document.get("Conditions", {})
    known = resources.keys() | document.get("Parameters", {}).keys()
    for section in ("Resources", "Outputs"):
        named = set(_references(document.get(section, {})))
        named |= {other for each in resources.values() for other in _depends_on(each)}
        if lost := sorted(each for each in named - known if not each.startswith("AWS::")):
            raise Wrong(
                f"Template format error: Unresolved resource dependencies [{', '.join(lost)}] in"
                f" the {section} block of the template"
            )
        asked = {each.get("Condition") for each in document.get(section, {}).values()} - {None}
        asked |= _conditions(document.get(section, {}))
        if lost := sorted(asked - conditions.keys()):
            raise Wrong(f"Template format error: Unresolved condition {lost[0]} in {section}")


def _require_no_circle(resources: Json) -> None:
    needs = {
        name: (set(_references(each)) & resources.keys()) | _depends_on(each)
        for name, each in resources.items()
    }
    try:
        TopologicalSorter(needs).prepare()
    except CycleError as error:
        circle = ", ".join(sorted(set(error.args[1])))
        raise Wrong(f"Circular dependency between resources: [{circle}]") from error


def _depends_on(resource: Json) -> set[str]:
    named = resource.get("DependsOn", [])
    return {named} if isinstance(named, str) else set(named)


def _references(value: Any) -> Iterator[str]:
    """The names of resources and parameters in a value."""
    for key, given in _functions(value):
        match key, given:
            case "Ref", str(name):
                yield name
            case "Fn::GetAtt", str(name) | [str(name), *_]:
                yield name.partition(".")[0]
            case "Fn::Sub", str(text):
                yield from _filled(text)
            case "Fn::Sub", [str(text), dict(own)]:
                yield from _filled(text) - own.keys()


def _filled(text: str) -> set[str]:
    return {name.partition(".")[0] for name in NAMED.findall(text)}


def _conditions(value: Any) -> set[str]:
    return {given[0] for key, given in _functions(value) if key == "Fn::If"}


def _functions(value: Any) -> Iterator[tuple[str, Any]]:
    """What may be a function: each object of one key."""
    if isinstance(value, list):
        for each in value:
            yield from _functions(each)
    elif isinstance(value, dict):
        if len(value) == 1:
            yield from value.items()
        for each in value.values():
            yield from _functions(each)
