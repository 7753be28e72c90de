"""The examples in `events/`: each has its row on the page, and does what the row says."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.session import get_session
from botocore.validate import validate_parameters

from emulator import template
from stepcanary.domain.request import parse_profile
from tests.builders import FROM_ECR, profile
from tests.fakes.fronts import CLOUDS
from tests.statemachine.runner import World

FOLDER = template.ROOT / "events"
PAGE = (FOLDER / "README.md").read_text()


def example(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text())


def test_every_example_has_its_row() -> None:
    rows = re.findall(r"^\| `(\w+\.json)` \|", PAGE, re.MULTILINE)
    assert sorted(rows) == sorted(path.name for path in FOLDER.glob("*.json"))


def test_the_function_of_a_row_is_one() -> None:
    named = re.findall(r"^\| `\w+\.json` \| ([A-Z]\w+) \|", PAGE, re.MULTILINE)
    assert {f"{name}Function" for name in named} == {f.name for f in template.functions()}


@pytest.mark.parametrize("router", CLOUDS)
def test_a_profile_is_that_of_its_inline_request(router: str) -> None:
    text = (FOLDER / f"profile_{router}.json").read_text()
    parsed = parse_profile(text, "profile")
    assert [traffic.router for traffic in parsed.traffic] == [router]
    suffix = "" if router == "alb" else f"_{router}"
    inline = example(f"execution_profile_inline{suffix}")
    stored = json.loads(text)
    for document in (stored, inline):
        assert Path(FOLDER / document.pop("$schema")).resolve().is_file()
    assert inline["profile"] == stored


@pytest.mark.parametrize("router", CLOUDS)
def test_a_stored_profile_releases(here: World, router: str) -> None:
    before, here.cloud = here.cloud, CLOUDS[router](here.clock)
    here.cloud.on_alarm = before.on_alarm
    stored = json.dumps({**example(f"profile_{router}"), "repositories": FROM_ECR})
    here.cloud.parameters["/stepcanary/profiles/checkout"] = stored
    assert here.release(example("execution_profile_stored")).state == "Released"
    assert here.cloud.weight("example1") == 100


def test_a_schedule_is_one_and_its_input_releases(here: World) -> None:
    schedule = example("schedule_release")
    shape = get_session().get_service_model("scheduler").operation_model("CreateSchedule")
    assert shape.input_shape is not None
    validate_parameters(schedule, shape.input_shape)
    assert schedule["Target"]["Arn"] == here.machine
    stored = json.dumps(profile(repositories=["shop"]))
    here.cloud.parameters["/stepcanary/profiles/checkout"] = stored
    outcome = here.release(json.loads(schedule["Target"]["Input"]))
    assert outcome.state == "Released"
    assert here.cloud.running_image("example1").startswith("shop")
