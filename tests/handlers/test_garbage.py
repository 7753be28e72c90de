"""What comes from outside in no known shape changes nothing, and fails in known ways."""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from emulator import template
from stepcanary.errors import AwsUnavailable, BatchUnreadable, SignalRefused
from tests.builders import FROM_ECR, TRIGGERS, profile
from tests.statemachine.runner import World, world

FROM_OUTSIDE = {
    "SignalReleaseFunction": ("signal_release", "release_signal"),
    "StartOnImageFunction": ("start_on_image",),
    "PromoteOnImageFunction": ("promote_on_image",),
    "PromoteOnPipelineFunction": ("promote_on_pipeline",),
    "RelayAlarmFunction": ("relay_alarm",),
    "CountRequestsFunction": ("count_requests",),
    "TakeActionFunction": ("take_action",),
    "AnswerQuestionFunction": ("answer_question",),
    "AnnounceReleaseFunction": ("announce_release",),
    "PostToSlackFunction": ("post_to_slack",),
    "WriteReportFunction": ("write_report",),
}
EXAMPLES = [(function, name) for function, names in FROM_OUTSIDE.items() for name in names]

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=40)
    | st.sampled_from(["\ud800", "with \udfff in it", "\x00", "#", "arn:aws:states:x"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def here() -> Iterator[World]:
    with world() as opened:
        stored = json.dumps(profile(repositories=FROM_ECR, triggers=TRIGGERS))
        opened.cloud.parameters["/stepcanary/profiles/checkout"] = stored
        opened.invoke("IndexProfilesFunction", {})
        yield opened


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every key and index in it."""
    items = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in items:
        yield (*path, key)
        if isinstance(value, (dict, list)):
            yield from places(value, (*path, key))


def replaced(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy without what is there, or with `value` instead."""
    copy = json.loads(json.dumps(document))
    holder = copy
    for key in path[:-1]:
        holder = holder[key]
    if value is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = value
    return copy


def state_of(here: World) -> str:
    executions = here.sfn.list_executions(stateMachineArn=here.machine)["executions"]
    items = sorted(json.dumps(item) for item in here.ledger())
    return json.dumps([here.cloud.weights, here.cloud.route, items, len(executions)], default=str)


@pytest.mark.parametrize(("function", "name"), EXAMPLES)
@given(data=st.data())
@settings(max_examples=150)
def test_a_broken_event_changes_nothing(
    here: World, function: str, name: str, data: st.DataObject
) -> None:
    event = json.loads((template.ROOT / "events" / f"{name}.json").read_text())
    if name == "start_on_image":
        # Nobody releases this one, so that an event which is none the worse for it starts nothing.
        event["detail"]["image-tag"] = "latest"
    path = data.draw(st.sampled_from(list(places(event))))
    broken = replaced(event, path, data.draw(st.just(...) | json_values))
    before = state_of(here)
    # There is no Slack here.
    unsent = (AwsUnavailable,) if function == "PostToSlackFunction" else ()
    with suppress(ValidationError, SignalRefused, BatchUnreadable, *unsent):
        assert "Traceback" not in json.dumps(here.invoke(function, broken))
    assert state_of(here) == before


@pytest.mark.parametrize("event", [None, [], 5, "detail", True])
def test_a_signal_that_is_no_object_is_refused(here: World, event: Any) -> None:
    answer = here.invoke("SignalReleaseFunction", event)
    assert answer["refused"].startswith("signal is not valid. ")


@pytest.mark.parametrize("key", ["service", "execution"])
def test_a_report_of_what_cannot_be_written_is_refused(here: World, key: str) -> None:
    event = json.loads((template.ROOT / "events" / "write_report.json").read_text())
    with pytest.raises(ValidationError, match="half a character"):
        here.invoke("WriteReportFunction", replaced(event, ("detail", key), "\ud800"))


@pytest.mark.parametrize("after", ["", "day#0001-01-05#", "day#0001-01-01#"])
def test_the_history_of_all_time_has_a_first_day(here: World, after: str) -> None:
    asked = {"question": "history", "since": "0001-01-01", "after": after}
    answer = here.invoke("AnswerQuestionFunction", asked)
    assert answer["accepted"]
    assert (answer["answer"]["after"] is None) == bool(after)
