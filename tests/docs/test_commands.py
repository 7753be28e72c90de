"""The commands on the pages are ones that can be typed: the AWS CLI knows them, and jq does."""

import json
import re
import shlex
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from awscli.clidriver import create_clidriver

from emulator import template
from tests.docs.test_docs import PAGES, blocks

ABOVE_ALL = {"query", "output", "cli-read-timeout"}
"""Options of the AWS CLI itself, which its versions 1 and 2 both have."""
JQ = shutil.which("jq")


def commands(page: Path) -> list[str]:
    """One line each."""
    text = "\n".join(blocks(page, "shell")).replace("\\\n", " ")
    # A jq program has several lines.
    quoted = re.sub(r"'[^']*'", lambda found: found[0].replace("\n", " "), text)
    return [line.strip() for line in quoted.splitlines()]


def of_aws() -> list[str]:
    return [line for page in PAGES for line in commands(page) if line.startswith("aws ")]


@cache
def commands_of(service: str) -> dict[str, Any]:
    """As the help of the AWS CLI lists them, with those that are no operation of the service."""
    table = create_clidriver().create_help_command().command_table
    named: dict[str, Any] = table[service].create_help_command().command_table
    return named


def options_of(service: str, command: str, state: str = "") -> tuple[set[str], set[str]]:
    """All options of a command, and those that it needs; `wait` has a command for each state."""
    named = commands_of(service)[command]
    if command == "wait":
        named = named.create_help_command().command_table[state]
    table = named.arg_table
    options = {name: each for name, each in table.items() if each.cli_name.startswith("--")}
    return set(options), {name for name, each in options.items() if each.required}


@pytest.mark.parametrize("line", of_aws(), ids=lambda line: " ".join(line.split()[1:3]))
def test_the_aws_cli_knows_the_command_and_its_options(line: str) -> None:
    words = shlex.split(line, comments=True)
    options = {word.removeprefix("--") for word in words[3:] if word.startswith("--")}
    known, required = options_of(*words[1:4])
    assert options <= known | ABOVE_ALL
    assert required <= options or "cli-input-json" in options


def test_a_payload_is_one_for_both_versions_of_the_aws_cli() -> None:
    """Version 2 takes a payload for base64, and so does it a text file; not a file of bytes."""
    payloads = [re.findall(r"--payload (\S+)", line) for line in of_aws()]
    found = [payload for each in payloads for payload in each]
    assert len(found) > 2
    assert [payload for payload in found if not payload.startswith("fileb://")] == []


def test_a_command_reckons_with_any_date() -> None:
    """That of macOS knows no `-d`."""
    assert [line for page in PAGES for line in commands(page) if "date -d" in line] == []


def test_there_are_commands_to_check() -> None:
    assert len(of_aws()) > 25


def test_the_parameters_and_outputs_in_commands_are_those_of_a_template() -> None:
    templates = [template.document()]
    templates += [template.read(path) for path in template.ROOT.glob("examples/*/template.yaml")]
    parameters = {name for each in templates for name in each.get("Parameters", {})}
    outputs = {name for each in templates for name in each.get("Outputs", {})}
    lines = [line for page in PAGES for line in commands(page)]
    overrides = [line.partition("--parameter-overrides")[2].partition(" --")[0] for line in lines]
    given = re.findall(r"(\w+)=", " ".join(overrides))
    asked = [name for line in lines for name in re.findall(r"OutputKey=='(\w+)'", line)]
    assert set(given) <= parameters
    assert set(asked) <= outputs
    assert "SlackTeamId" in given
    assert "SlackRequestUrl" in asked


EVENT = json.loads((template.ROOT / "events/relay_alarm.json").read_text())
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:stack-RelayAlarmFunction-1:live"
BY_LAMBDA = {
    "version": "1.0",
    "timestamp": "2026-11-24T00:08:12.123Z",
    "requestContext": {
        "requestId": "e4b46cbf-b738-4e1a-8880-a18cdf61200e",
        "functionArn": FUNCTION,
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    },
    "requestPayload": EVENT,
    "responseContext": {"statusCode": 200, "executedVersion": "7", "functionError": "Unhandled"},
    "responsePayload": {"errorMessage": "no", "errorType": "AwsUnavailable"},
}
"""See https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html"""
BY_EVENTBRIDGE = {
    name: {"StringValue": value, "DataType": "String"}
    for name, value in {"TARGET_ARN": FUNCTION, "ERROR_MESSAGE": "no"}.items()
}
"""See https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html"""


@pytest.mark.skipif(JQ is None, reason="jq is not installed")
@pytest.mark.parametrize(
    "message",
    [
        {"Body": json.dumps(BY_LAMBDA)},
        {"Body": json.dumps(EVENT), "MessageAttributes": BY_EVENTBRIDGE},
    ],
    ids=["Lambda", "EventBridge"],
)
def test_the_runbook_shows_and_unpacks_a_failed_event(
    message: dict[str, Any], tmp_path: Path
) -> None:
    received = {"Messages": [{"MessageId": "1", "ReceiptHandle": "r", **message}]}
    (tmp_path / "failed.json").write_text(json.dumps(received))
    show, unpack = (c for c in commands(template.ROOT / "docs/runbook.md") if c.startswith("jq "))

    def run(command: str) -> str:
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, check=True, stdout=subprocess.PIPE, text=True
        )
        return done.stdout

    shown = json.loads(run(show))
    assert shown == {"MessageId": "1", "function": FUNCTION, "error": "no", "event": EVENT}
    run(unpack)
    assert json.loads((tmp_path / "event.json").read_text()) == EVENT
