"""What an update of the stack changes: a parameter is in force for the next invocation."""

from typing import Any

import pytest

from emulator import template
from stepcanary.store import settings
from tests.builders import profile, request
from tests.policy.deployed import Deployed
from tests.statemachine.runner import World

NOT_PUBLISHED = {"ReservedConcurrentExecutions", "Tags"}
"""Of a function as it is, whatever its version. Lambda keeps all else with the version; see
https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html
"""


WITH_CHATS = {
    "AnnouncementTopicArn": "arn:aws:sns:us-east-1:123456789012:announcements",
    "SlackSecretArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:slack-AbCdEf",
    "SlackChannel": "C0RELEASES",
    "SlackTeamId": "T1DC2JH3J",
}


def others_of(parameter: dict[str, Any]) -> list[str | list[str]]:
    """Two values of a parameter that differ."""
    if allowed := parameter.get("AllowedValues"):
        return [str(allowed[0]), str(allowed[-1])]
    if parameter["Type"] == "Number":
        return ["1", "2"]
    if parameter["Type"] == "CommaDelimitedList":
        return [["one"], ["one", "other"]]
    return ["", "/one", "/other"] if not parameter.get("Default") else ["one", "other"]


def published(stack: Deployed) -> dict[str, Any]:
    """By function, what a version of it keeps."""
    return {
        name: {key: value for key, value in found.items() if key not in NOT_PUBLISHED}
        for name, found in stack.properties_of("AWS::Lambda::Function").items()
    }


@pytest.mark.parametrize("name", template.document()["Parameters"])
def test_no_published_version_has_an_old_value(
    transformed_template: dict[str, Any], name: str
) -> None:
    """SAM names a version after the code and the template's text, so that a changed value publishes
    none: whatever has it would go on with the old one."""
    parameter = transformed_template["Parameters"][name]
    values = others_of(parameter)
    stacks = [Deployed(transformed_template, {**WITH_CHATS, name: value}) for value in values]
    versions = [published(stack) for stack in stacks]
    for one in versions:
        for other in versions:
            for function in one.keys() & other.keys():
                # One with another name is another function, with versions of its own.
                if one[function].get("FunctionName") == other[function].get("FunctionName"):
                    assert one[function] == other[function]
    reached = [stack.resolved() for stack in stacks]
    assert any(each != reached[0] for each in reached[1:]), f"{name} is of no effect"


def test_the_next_invocation_sees_what_an_update_has_changed(here: World) -> None:
    assert settings.of_stack().inline_profiles
    here.set_parameters(AllowInlineProfiles="DISABLED", ProfilePrefix="/elsewhere")
    refused = here.release(request(profile=profile()), "one")
    assert "AllowInlineProfiles=ENABLED" in refused.cause
    here.set_parameters(ProfilePrefix="/elsewhere")
    nowhere = here.release(request(), "two")
    assert "there is no profile /elsewhere/checkout" in nowhere.cause
    here.set_parameters()
    assert here.release(request(profile=profile()), "three").state == "Released"
