"""Changes of a task definition: said with their values where these are harmless, and only there."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from stepcanary.domain.changes import MOST_CHANGES, changes

PRIVATE = "nobody may read this"


def definition(**container: Any) -> dict[str, Any]:
    app = {"name": "app", "image": "shop:v1", "cpu": 256, **container}
    return {"family": "shop", "containerDefinitions": [app], "cpu": "512"}


def test_what_changes_is_said_in_the_order_of_names() -> None:
    before = definition(environment=[{"name": "A", "value": "1"}, {"name": "B", "value": "1"}])
    after = definition(
        cpu=512,
        environment=[{"name": "B", "value": "2"}, {"name": "C", "value": "1"}],
        secrets=[{"name": "TOKEN", "valueFrom": "arn:aws:ssm:token"}],
        memory=1024,
    )
    assert changes(before, after) == [
        "app cpu: 256 to 512",
        "app environment A: removed",
        "app environment B: changed",
        "app environment C: added",
        "app memory: 1024",
        "app secrets TOKEN: added",
    ]
    assert changes(after, after) == []


@given(
    st.sampled_from(
        [
            ("environment", [{"name": "user", "value": PRIVATE}]),
            ("secrets", [{"name": "cpu", "valueFrom": PRIVATE}]),
            ("command", ["serve", PRIVATE]),
            ("entryPoint", [PRIVATE]),
            ("healthCheck", {"command": ["CMD", PRIVATE]}),
            ("dockerLabels", {"image": PRIVATE, "user": PRIVATE}),
            ("logConfiguration", {"options": {"user": PRIVATE, "splunk-token": PRIVATE}}),
            ("repositoryCredentials", {"credentialsParameter": PRIVATE}),
            ("extraHosts", [{"hostname": "user", "ipAddress": PRIVATE}]),
            ("unheardOf", {"image": {"cpu": PRIVATE}}),
        ]
    ),
    st.booleans(),
)
def test_no_value_that_may_be_secret_is_said(member: tuple[str, Any], removed: bool) -> None:
    """Also where a label or an option is called as something harmless is."""
    plain, with_it = definition(), definition(**{member[0]: member[1]})
    found = changes(with_it, plain) if removed else changes(plain, with_it)
    assert found and PRIVATE not in json.dumps(found)


def test_a_long_list_is_cut() -> None:
    many = definition(environment=[{"name": f"N{n}", "value": "1"} for n in range(200)])
    found = changes(definition(), many)
    assert len(found) == MOST_CHANGES + 1
    assert found[-1] == "and 140 more"
