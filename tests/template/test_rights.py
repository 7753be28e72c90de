"""A release that began on the last version of the stack may still do what it needs to end.

Its functions are that version's; their roles, names and settings are those of the stack by now.
"""

import copy
import json
from typing import Any

import pytest

from emulator import template
from tools.rights import KEPT_FOR_OLDER, Right, rights, taken_away, written_down

Document = dict[str, Any]
LAST: Document = json.loads((template.ROOT / "tests/template/rights.json").read_text())

LET_GO: dict[str, str] = {}
"""What the last version had and this one has not, by what `taken_away` says of it, and why no
release that began on the last version can need it."""


def test_what_the_last_version_gave_is_still_given(transformed_template: Document) -> None:
    gone = taken_away(LAST, transformed_template)
    assert [each for each in gone if each not in LET_GO] == [], (
        "a running release of the last version may need it: keep it for one version in the template"
        " and in KEPT_FOR_OLDER of tools/rights.py, or say in LET_GO why it is not needed"
    )
    assert LET_GO.keys() <= set(gone), "it is given again"
    assert all(LET_GO.values())


def test_the_last_version_is_written_down_whole() -> None:
    roles = {right[0] for right in LAST["rights"]}
    assert {f"{function.name}Role" for function in template.functions()} <= roles
    assert "ReleaseStateMachineRole" in roles
    assert len(LAST["rights"]) > 500
    assert {"LedgerTable", "Settings", "ReleaseStateMachine"} <= LAST["names"].keys()
    assert {"state_machine", "clusters", "slack_team"} <= set(LAST["settings"])


def test_what_is_kept_for_older_versions_was_given_by_the_last_one() -> None:
    given = {(right[0].removesuffix("Role"), right[1]) for right in LAST["rights"]}
    kept = {(function, action) for function, all_ in KEPT_FOR_OLDER.items() for action in all_}
    assert kept <= given, "it was kept for a version: it may go"


# The check itself, on two versions of a template


def statement(action: str = "ecs:UpdateService", on: Any = "*", **more: Any) -> Document:
    return {"Effect": "Allow", "Action": [action], "Resource": on, **more}


def small(*statements: Any, shared: Any = (), beside: Any = (), **resources: Any) -> Document:
    """A template of one function, its role, a policy that it shares and one beside it."""

    def document(found: Any) -> Document:
        return {"PolicyDocument": {"Statement": list(found)}}

    role = {
        "Policies": [document(statements)],
        "ManagedPolicyArns": [{"Ref": "Shared"}, "arn:aws:iam::aws:policy/Traces"],
    }
    return {
        "Resources": {
            "Revert": {"Type": "AWS::Lambda::Function", "Properties": {}},
            "RevertRole": {"Type": "AWS::IAM::Role", "Properties": role},
            "Shared": {"Type": "AWS::IAM::ManagedPolicy", "Properties": document(shared)},
            "Beside": {
                "Type": "AWS::IAM::Policy",
                "Properties": {**document(beside), "Roles": [{"Ref": "RevertRole"}]},
            },
            "Settings": {
                "Type": "AWS::SSM::Parameter",
                "Properties": {"Value": {"Fn::Sub": ['{"clusters": "${A}", "topic": "${B}"}', {}]}},
            },
            **resources,
        }
    }


def lost(before: Document, now: Document) -> list[str]:
    return taken_away(json.loads(json.dumps(written_down(before, "1"))), now)


SERVICE = {"Fn::Sub": "service/*"}
TAGGED = {"StringEquals": {"tag": "managed"}}
KEYS = {"ForAllValues:StringLike": {"keys": ["split#*"]}}
MORE_KEYS = {"ForAllValues:StringLike": {"keys": ["split#*", "door"]}}


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (small(statement()), small(statement())),
        (small(statement()), small(statement(), statement("ecs:ListTasks"))),
        (small(statement()), small(shared=[statement()])),
        (small(shared=[statement()]), small(beside=[statement()])),
        (small(statement(on=[SERVICE, "a"])), small(statement(on="a"), statement(on=SERVICE))),
        (small(statement(on=SERVICE)), small(statement(on="*"))),
        (small(statement(Condition=TAGGED)), small(statement())),
        (small(statement(Condition=KEYS)), small(statement(Condition=MORE_KEYS))),
        (small({"Fn::If": ["Mesh", statement(), 0]}), small(statement())),
        (small(statement(Effect="Deny")), small()),
    ],
)
def test_more_and_elsewhere_is_not_less(before: Document, now: Document) -> None:
    assert lost(before, now) == []


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (small(statement()), small()),
        (small(statement()), small(statement("ecs:ListTasks"))),
        (small(shared=[statement()]), small()),
        (small(beside=[statement()]), small()),
        (small(statement(on=["a", "b"])), small(statement(on="a"))),
        (small(statement()), small(statement(on=SERVICE))),
        (small(statement()), small(statement(Condition=TAGGED))),
        (small(statement(Condition=MORE_KEYS)), small(statement(Condition=KEYS))),
        (small(statement()), small({"Fn::If": ["Mesh", statement(), 0]})),
    ],
)
def test_less_is_found(before: Document, now: Document) -> None:
    (gone,) = lost(before, now)
    assert gone.startswith("RevertRole ecs:UpdateService on ")


def test_a_denial_takes_away() -> None:
    now = small(statement(), statement(Effect="Deny"))
    assert lost(small(statement()), now) == ["RevertRole no ecs:UpdateService on *"]


def test_a_function_that_goes_or_is_renamed_takes_its_versions_with_it() -> None:
    renamed = {"Type": "AWS::Lambda::Function", "Properties": {"FunctionName": "revert"}}
    expected = ["Revert is gone, or has another name"]
    assert lost(small(), small(Revert=renamed)) == expected
    without = small()
    del without["Resources"]["Revert"]
    assert lost(small(), without) == expected


def test_a_setting_that_goes_is_missed() -> None:
    now = copy.deepcopy(small())
    now["Resources"]["Settings"]["Properties"]["Value"] = {"Fn::Sub": '{"topic": "${B}"}'}
    assert lost(small(), now) == ["setting clusters"]


def test_what_is_kept_for_one_version_is_not_written_down_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(KEPT_FOR_OLDER, "Revert", {"ecs:UpdateService"})
    kept = small(statement(), statement("ecs:ListTasks"))
    assert Right("RevertRole", "ecs:UpdateService", "*") in rights(kept)
    assert lost(kept, small(statement("ecs:ListTasks"))) == []
