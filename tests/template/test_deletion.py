"""The stack's deletion begins with its guard, which can refuse it while all else is still there."""

import re
from collections.abc import Iterator
from typing import Any

Resources = dict[str, Any]
GUARD = "DeletionGuard"


def named(node: Any) -> Iterator[str]:
    """What a resource depends on: CloudFormation deletes it before these."""
    if isinstance(node, list):
        for each in node:
            yield from named(each)
    if not isinstance(node, dict):
        return
    for key, value in node.items():
        match key:
            case "Ref":
                yield value
            case "DependsOn":
                yield from [value] if isinstance(value, str) else value
            case "Fn::GetAtt":
                yield value[0]
            case "Fn::Sub":
                text = value if isinstance(value, str) else value[0]
                yield from re.findall(r"\$\{(\w+)", text)
                yield from named(value)
            case _:
                yield from named(value)


def behind(resources: Resources, first: str) -> set[str]:
    """All that is deleted after this one."""
    found: set[str] = set()
    left = [first]
    while left:
        more = set(named(resources[left.pop()])) & resources.keys() - found - {first}
        found |= more
        left += more
    return found


def test_all_that_the_stack_has_is_deleted_after_its_guard(transformed: Resources) -> None:
    """So a refusal leaves everything as it is, and the guard's function is there to say it."""
    assert transformed.keys() - behind(transformed, GUARD) == {GUARD}


def test_what_only_some_stacks_have_is_named_where_a_condition_can_be(
    transformed: Resources,
) -> None:
    """DependsOn takes none; a reference to what is not there would be an invalid template."""
    guard = transformed[GUARD]
    conditional = {name for name, each in transformed.items() if "Condition" in each}
    assert not conditional & set(guard["DependsOn"])
    for choice in guard["Metadata"]["Before"]:
        condition, reference, otherwise = choice["Fn::If"]
        assert transformed[reference["Ref"]]["Condition"] == condition
        assert otherwise == {"Ref": "AWS::NoValue"}


def test_nothing_waits_for_the_guard_for_long(transformed: Resources) -> None:
    properties = transformed[GUARD]["Properties"]
    # An alias: a resource may not change whom it asks.
    assert transformed[properties["ServiceToken"]["Ref"]]["Type"] == "AWS::Lambda::Alias"
    timeout = transformed["GuardDeletionFunction"]["Properties"]["Timeout"]
    # Lambda tries three times, a minute and two later.
    assert 3 * timeout + 180 <= properties["ServiceTimeout"] <= 900
    assert not any(GUARD in set(named(each)) for each in transformed.values())


def test_dependencies_are_found_in_each_way_of_writing_them() -> None:
    node = {
        "DependsOn": "A",
        "Metadata": [{"Fn::If": ["C", {"Ref": "B"}, {"Ref": "AWS::NoValue"}]}],
        "Properties": {
            "a": {"Fn::GetAtt": ["D", "Arn"]},
            "b": {"Fn::Sub": ["${E.Arn}:${x}", {"x": {"Ref": "F"}}]},
        },
    }
    assert set(named(node)) == {"A", "B", "AWS::NoValue", "D", "E", "x", "F"}
