"""A failed event that a person replays, as docs/runbook.md says what comes of it."""

import json
from datetime import datetime
from typing import Any

from emulator import template
from tests.builders import FROM_ECR, TRIGGERS, profile, request
from tests.statemachine.runner import World
from tests.statemachine.timeline import FIRST_BAKE, later

FUNCTIONS = {
    "relay_alarm": "RelayAlarmFunction",
    "release_signal": "SignalReleaseFunction",
    "promote_on_image": "PromoteOnImageFunction",
    "promote_on_pipeline": "PromoteOnPipelineFunction",
    "start_on_image": "StartOnImageFunction",
}


def event(name: str, at: datetime, **detail: Any) -> dict[str, Any]:
    """The example event, as of then."""
    example: dict[str, Any] = json.loads((template.ROOT / f"events/{name}.json").read_text())
    example["detail"] |= detail
    if "state" in example["detail"] and name == "relay_alarm":
        example["detail"]["state"]["timestamp"] = f"{at:%Y-%m-%dT%H:%M:%S.000+0000}"
    return {**example, "time": f"{at:%Y-%m-%dT%H:%M:%SZ}"}


def replay(here: World, name: str, at: datetime, **detail: Any) -> Any:
    return here.invoke(FUNCTIONS[name], event(name, at, **detail))


def signal(kind: str) -> dict[str, Any]:
    """To whichever release of the service runs."""
    return {"signal": kind, "execution": ""}


def test_a_release_is_not_touched_by_what_happened_before_it(here: World) -> None:
    here.cloud.parameters["/stepcanary/profiles/checkout"] = json.dumps(
        profile(repositories=FROM_ECR, triggers=TRIGGERS)
    )
    here.invoke("IndexProfilesFunction", {})
    before = here.clock.now()
    # Not so late that it is left for its age.
    here.clock.sleep(300)

    def replay_all() -> list[Any]:
        kinds = ("promote", "revert", "retry", "skip", "pause", "resume")
        return [
            replay(here, "relay_alarm", before)["executions"],
            *(replay(here, "release_signal", before, **signal(k))["executions"] for k in kinds),
            replay(here, "promote_on_pipeline", before)["promoted"],
            replay(here, "promote_on_image", before, **{"image-tag": "main-1"})["promoted"],
        ]

    reached = later(here, FIRST_BAKE, replay_all)
    began = here.clock.now()
    outcome = here.release(request(images={"app": "shop:v2"}))
    assert reached == [[[]] * 9]
    assert outcome.state == "Released"
    assert here.signals("release-1") == []
    assert (here.clock.now() - began).total_seconds() > 900, "a bake was cut short"


def test_a_release_obeys_once_what_happened_while_it_ran(here: World) -> None:
    """A signal is known by its event."""
    happened = later(here, FIRST_BAKE, here.clock.now)

    def promote() -> Any:
        return replay(here, "release_signal", happened[0], **signal("promote"))["executions"]

    reached = [later(here, seconds, promote) for seconds in (200, 210)]
    outcome = here.release(request())
    assert outcome.state == "Released"
    assert reached == [[[here.arn("release-1")]]] * 2
    assert len(here.signals("release-1")) == 1


def test_an_alarm_that_was_not_heard_still_reverts_the_release_that_it_fired_at(
    here: World,
) -> None:
    happened = later(here, FIRST_BAKE, here.clock.now)
    later(here, 200, lambda: replay(here, "relay_alarm", happened[0]))
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert here.cloud.weights == [(95, 5), (100, 0)]


def test_a_push_that_was_released_is_not_released_again(here: World) -> None:
    here.cloud.parameters["/stepcanary/profiles/checkout"] = json.dumps(
        profile(repositories=FROM_ECR, triggers=TRIGGERS)
    )
    here.invoke("IndexProfilesFunction", {})
    pushed = here.clock.now()
    (first,) = replay(here, "start_on_image", pushed)["started"]
    assert here.wait(first).status == "SUCCEEDED"
    here.clock.sleep(86_400)
    assert replay(here, "start_on_image", pushed)["started"] == []
