"""The page on Slack: its manifest can be pasted before there is a URL, and its test is one."""

import json
import re
import shlex
from typing import Any
from urllib.parse import urlsplit

import yaml

from emulator.template import ROOT
from tests.docs.test_commands import commands
from tests.docs.test_docs import blocks
from tests.slack.conftest import Workspace
from tests.statemachine.runner import World, listening

PAGE = ROOT / "docs/slack.md"


def test_the_manifest_is_one_that_slack_takes_without_a_stack() -> None:
    """See https://docs.slack.dev/reference/app-manifest"""
    (text,) = blocks(PAGE, "yaml")
    manifest = yaml.safe_load(text)
    (command,) = manifest["features"]["slash_commands"]
    interactivity = manifest["settings"]["interactivity"]
    for url in (command["url"], interactivity["request_url"]):
        # Letters that no host may have were what kept Slack from taking it.
        assert re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", urlsplit(url).hostname or "")
        assert urlsplit(url).scheme == "https"
    assert command["command"] == "/canary"
    assert interactivity["is_enabled"]
    assert {"chat:write", "commands"} <= set(manifest["oauth_config"]["scopes"]["bot"])
    assert len(manifest["display_information"]["name"]) <= 35
    assert len(manifest["display_information"]["description"]) <= 140


def test_an_empty_command_is_answered_with_all_there_are(slack: Workspace) -> None:
    answer = slack.command("", "U0ANYBODY")
    assert answer["statusCode"] == 200
    assert "rollback SERVICE" in answer["body"]


def test_the_test_message_arrives(here: World, slack: Workspace) -> None:
    (start,) = (line for line in commands(PAGE) if line.startswith("aws stepfunctions"))
    words = shlex.split(start)
    published: list[dict[str, str]] = []

    def hear(params: Any, **_: Any) -> None:
        published.extend(params["Entries"])

    with listening("provide-client-params.eventbridge.PutEvents", hear):
        outcome = here.release(json.loads(words[words.index("--input") + 1]))
    assert outcome.state == "Rejected"
    for entry in published:
        slack.tell(entry["DetailType"], **json.loads(entry["Detail"]))
    (message,) = slack.messages
    assert message.text == "slack-test: a release was rejected"
    assert "by jane (claimed)" in json.dumps(message.body["blocks"])
