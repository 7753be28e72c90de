"""What the account check asks is what the page says that it asks."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tests.docs.test_docs import DOCS
from tools.account.__main__ import answered
from tools.account.questions import QUESTIONS, Answer, Question
from tools.account.world import World

TEXT = (DOCS / "first-account.md").read_text()
READS = re.compile(r"\w+:(Describe|List|Get|Filter)\w+$")


def sections() -> dict[str, str]:
    parts = re.split(r"^### (.+)$", TEXT, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_what_has_an_asterisk_is_asked() -> None:
    asked = {heading for heading, text in sections().items() if text.lstrip().startswith("\\*")}
    assert asked == {question.heading for question in QUESTIONS}


def test_every_other_question_has_its_command() -> None:
    for heading, text in sections().items():
        by_hand = "/canary" in text or "```shell" in text
        assert by_hand or text.lstrip().startswith("\\*"), heading


def test_it_only_reads() -> None:
    calls = {call for question in QUESTIONS for call in question.calls}
    assert {call for call in calls if not READS.match(call)} == {
        "a POST without a signature to the stack's public URL"
    }


def refused(code: str, status: int) -> Any:
    def ask(_world: object) -> Answer:
        answer: Any = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(answer, "GetAccountSettings")

    return ask


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("InvalidAction", 400, "not known here"),
        ("InternalFailure", 501, "not known here"),
        ("AccessDeniedException", 403, "not yet"),
        ("ResourceNotFoundException", 404, "no"),
    ],
)
def test_what_aws_refuses_has_its_answer(code: str, status: int, kind: str) -> None:
    world: Any = None
    assert answered(Question("Anything", (), refused(code, status)), world).kind == kind


def test_a_service_of_aws_that_does_not_answer_ends_no_other_question() -> None:
    def ask(_world: object) -> Answer:
        raise EndpointConnectionError(endpoint_url="https://sqs.eu-west-1.amazonaws.com")

    world: Any = None
    assert answered(Question("Anything", (), ask), world).kind == "not yet"


@pytest.mark.parametrize("chosen", ["", "eu-west-1"])
def test_make_leaves_the_region_to_whoever_asks(chosen: str) -> None:
    """All other targets have one for what is here; a stack is where its owner says."""
    variables = {"PATH": os.environ["PATH"], **({"AWS_DEFAULT_REGION": chosen} if chosen else {})}
    command = ["make", "-n", "account-check"]
    done = subprocess.run(
        command, cwd=DOCS.parent, env=variables, check=True, stdout=subprocess.PIPE, text=True
    )
    asked = done.stdout.splitlines()[-1]
    assert "tools.account" in asked
    assert asked.startswith("env -u AWS_DEFAULT_REGION ") == (not chosen)


GROUP = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/{}/6d0ecf831eec9f09"
RULE = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/shop/5/f/9"


class Account:
    """One with a profile for each service. `values` has what CloudWatch answers, by the name of
    the canary's target group and the statistic."""

    def __init__(self, values: dict[tuple[str, str], list[float]]) -> None:
        self.values = values
        self.outputs = {"ProfilePrefix": "/profiles"}

    def client(self, _service: str) -> Any:
        return self

    def get_paginator(self, _operation: str) -> Any:
        return self

    def paginate(self, **_: Any) -> Iterator[dict[str, Any]]:
        for name in sorted({name for name, _ in self.values}):
            split = {
                "router": "alb",
                "listener_rule": RULE,
                "canary_target_group": GROUP.format(name),
            }
            yield {"Parameters": [{"Name": name, "Value": json.dumps({"traffic": [split]})}]}

    def get_metric_data(self, MetricDataQueries: Any, **_: Any) -> Any:  # noqa: N803 - AWS's name
        stat = MetricDataQueries[0]["MetricStat"]
        group = stat["Metric"]["Dimensions"][1]["Value"].split("/")[1]
        return {"MetricDataResults": [{"Values": self.values.get((group, stat["Stat"]), [])}]}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({}, "not yet"),
        ({("a", "SampleCount"): []}, "not yet"),
        ({("a", "SampleCount"): [9], ("a", "TC(0.5:)"): [1], ("a", "PR(0.5:)"): [11]}, "yes"),
        ({("a", "SampleCount"): [9], ("a", "TC(0.5:)"): [1]}, "no"),
        # A canary that nobody asks has no statistics, and says nothing.
        (
            {
                ("a", "SampleCount"): [9],
                ("a", "TC(0.5:)"): [1],
                ("a", "PR(0.5:)"): [11],
                ("b", "SampleCount"): [],
            },
            "yes",
        ),
    ],
)
def test_statistics_are_asked_of_canaries_that_had_requests(
    values: dict[tuple[str, str], list[float]], kind: str
) -> None:
    account: Any = Account(values)
    world: World = account
    (question,) = (each for each in QUESTIONS if each.heading == "CloudWatch has TC and PR")
    assert question.ask(world).kind == kind
