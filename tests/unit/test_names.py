"""Names: what each accepts, and an example in the message about a wrong one."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from stepcanary.domain import names
from stepcanary.domain.request import parse_request
from stepcanary.errors import RequestRejected
from tests.builders import profile, request

TASK_DEFINITIONS = "arn:aws:ecs:eu-west-1:123456789012:task-definition"
GOOD = {
    "ServiceName": ["checkout", "9", "a_b.c-D", "a" * 64],
    "Container": ["app", "_", "-A9", "a" * 255],
    "TaskDefinition": ["checkout:42", f"{TASK_DEFINITIONS}/checkout:1"],
    "AccountId": ["123456789012"],
    "SlackUser": ["U012AB3CDEF", "W1", "*"],
}
WRONG = {
    "ServiceName": ["", "-a", ".a", "a/b", "a b", "é", "a\n", "a" * 65],
    "Container": ["", "a.b", "a b", "é", "a\n", "a" * 256],
    "TaskDefinition": [
        "",
        "checkout",
        "checkout:0",
        "checkout:042",
        f"{TASK_DEFINITIONS}/a",
        "a:1\n",
    ],
    "AccountId": ["", "12345678901", "1234567890123", "١" * 12],
    "SlackUser": ["", "jane", "U", "**", "U1\n"],
}


def adapter(kind: str) -> TypeAdapter[str]:
    return TypeAdapter(getattr(names, kind))


@pytest.mark.parametrize(("kind", "name"), [(k, name) for k in GOOD for name in GOOD[k]])
def test_good_names(kind: str, name: str) -> None:
    assert adapter(kind).validate_python(name) == name


@pytest.mark.parametrize(("kind", "name"), [(k, name) for k in WRONG for name in WRONG[k]])
def test_wrong_names(kind: str, name: str) -> None:
    with pytest.raises(ValidationError):
        adapter(kind).validate_python(name)


@pytest.mark.parametrize("kind", GOOD)
def test_the_schema_keeps_the_pattern_and_its_example_is_good(kind: str) -> None:
    schema = adapter(kind).json_schema()
    assert schema["pattern"]
    (example,) = schema["examples"]
    assert adapter(kind).validate_python(example) == example


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"service": "../secret"}, "service: must be like checkout, "),
        ({"images": {"a b": "shop:v2"}}, "must be like app, of letters"),
        (
            {"images": None, "task_definitions": {"primary": "shop", "canary": "shop:2"}},
            "task_definitions.primary: must be like checkout:42, or the ARN",
        ),
        (
            {"profile": profile(slack_users={"promote": ["jane"]})},
            "profile.slack_users.promote.0: must be like U012AB3CDEF, ",
        ),
        (
            {"profile": profile(traffic=[{**profile()["traffic"][0], "mesh_owner": "me"}])},
            "mesh_owner: must be like 123456789012",
        ),
    ],
)
def test_a_wrong_name_is_explained_by_an_example(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestRejected) as rejected:
        parse_request(request(**changed))
    assert message in str(rejected.value)
    assert "pattern" not in str(rejected.value)


@pytest.mark.parametrize(
    ("service", "part"),
    [("checkout", "checkout"), ("a.b", "a-b"), ("a_b-1", "a_b-1"), ("..x", "--x")],
)
def test_a_service_in_the_name_of_an_execution_has_no_point(service: str, part: str) -> None:
    assert names.in_execution_name(service) == part
