"""The example of pipelines, as the deploy check deploys it."""

import os
import re
import subprocess

from deploycheck import pipeline
from emulator import template
from stepcanary.domain.request import parse_request

RESOURCES = template.read(pipeline.EXAMPLE)["Resources"]


def test_nothing_but_pipelines_is_left_out() -> None:
    text = pipeline.known()
    assert pipeline.UNKNOWN not in text
    kept = [name for name, each in RESOURCES.items() if each["Type"] != pipeline.UNKNOWN]
    assert [name for name in RESOURCES if f"\n  {name}:\n" in text] == kept


def test_every_parameter_without_a_default_is_given() -> None:
    declared = template.read(pipeline.EXAMPLE)["Parameters"]
    needed = {name for name, each in declared.items() if "Default" not in each}
    assert needed == {*pipeline.PARAMETERS, "StateMachineArn"}


IMAGE = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop@sha256:{'0' * 64}"


def test_the_request_says_where_the_version_comes_from() -> None:
    request = parse_request(pipeline.request("shop", "app", IMAGE))
    origin = request.origin
    assert (origin.commit, origin.pushed_at) == ("4f0c2d1", "2026-11-25T09:30:00Z")
    assert str(origin.link).endswith("/shop-canary/executions/0e1f2a3b-0000-4000-8000-000000000000")


def test_the_build_exports_what_the_request_takes_of_it() -> None:
    build = RESOURCES["Build"]["Properties"]["Source"]["BuildSpec"]
    taken = set(re.findall(r"#\{BuildVariables\.(\w+)\}", pipeline.EXAMPLE.read_text()))
    [exported] = re.findall(r"exported-variables: \[(.+)\]", build)
    assert taken == set(exported.split(", "))
    [command] = re.findall(r"- (PUSHED_AT=.+)", build)
    told = subprocess.run(
        ["/bin/bash", "-ec", f'{command}; printf %s "$PUSHED_AT"'],
        env={**os.environ, "CODEBUILD_START_TIME": "1764063000123"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "2025-11-25T09:30:00Z"
