"""What the stack's parameters say, however old or new the code that reads it."""

import json

import pytest

from emulator import template
from stepcanary.domain.settings import parse_settings
from stepcanary.errors import AwsUnavailable, RequestRejected

NAME = "/stepcanary/settings"


def test_the_defaults_allow_nothing() -> None:
    found = parse_settings(NAME, template.settings())
    assert found.profile_prefix == "/stepcanary/profiles"
    assert (found.clusters, found.task_roles, found.repositories) == ([], [], [])
    assert found.release_roles == []
    assert not (found.inline_profiles or found.app_mesh)


def test_lists_and_switches_are_read_as_cloudformation_writes_them() -> None:
    text = template.settings(ClusterArns="a, b", AppMesh="ENABLED", ProfilePrefix="/teams/")
    found = parse_settings(NAME, text)
    assert found.clusters == ["a", "b"]
    assert found.app_mesh
    assert found.profile_prefix == "/teams"


def test_what_another_version_of_the_stack_has_written_is_read() -> None:
    found = parse_settings(NAME, json.dumps({"profile_prefix": "/p", "of_the_future": 1}))
    assert found.clusters == []


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"profile_prefix": 3}'])
def test_what_somebody_has_changed_by_hand_is_told(text: str) -> None:
    with pytest.raises(AwsUnavailable, match="/stepcanary/settings is not what the stack has"):
        parse_settings(NAME, text)


@pytest.mark.parametrize("prefix", ["/stepcanary", "/stepcanary/"])
def test_who_writes_profiles_may_not_write_the_settings(prefix: str) -> None:
    with pytest.raises(RequestRejected, match="ProfilePrefix: /stepcanary/settings"):
        parse_settings(NAME, template.settings(ProfilePrefix=prefix))


def test_a_prefix_that_only_begins_alike_is_another() -> None:
    found = parse_settings(NAME, template.settings(ProfilePrefix="/stepcanary/set"))
    assert found.profile_prefix == "/stepcanary/set"
