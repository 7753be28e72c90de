"""The sandbox as a whole: its events reach the functions, and it leaves nothing behind."""

import json
import logging
import os
import threading
import time
from typing import Any

import pytest

from sandbox import article
from sandbox.cloud import REPORTS, Sandbox
from tests.eventually import within

eventually = within(30)

STEPS = [{"weight": 50, "bake_seconds": 600}]


def bake(sandbox: Sandbox, tag: str) -> str:
    """Start a release and wait until it bakes with half of the traffic."""
    request = {
        "service": "checkout",
        "images": {"app": article.image(tag)},
        "profile": {**sandbox.profile, "steps": STEPS, "alarms": ["any"]},
    }
    sfn = sandbox.client("stepfunctions")
    execution: str = sfn.start_execution(
        stateMachineArn=sandbox.machine, input=json.dumps(request)
    )["executionArn"]
    eventually(lambda: sandbox.split() == (50, 50))
    return execution


def reports(sandbox: Sandbox) -> list[str]:
    found = sandbox.client("s3").list_objects_v2(Bucket=REPORTS, Prefix="stepcanary/checkout/")
    return [each["Key"] for each in found.get("Contents", [])]


def primary_is_steady(sandbox: Sandbox) -> bool:
    described: Any = sandbox.client("ecs").describe_services(
        cluster="example", services=["example1"]
    )
    return bool(described["services"][0]["deployments"][0]["rolloutState"] == "COMPLETED")


def alarm_is(sandbox: Sandbox, state: str) -> bool:
    answer: Any = sandbox.client("cloudwatch").describe_alarms(
        AlarmNames=["any"], AlarmTypes=["CompositeAlarm"]
    )
    return bool(answer["CompositeAlarms"][0]["StateValue"] == state)


@pytest.mark.timeout(120)
def test_events_reach_a_release_and_closing_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    before, threads = dict(os.environ), set(threading.enumerate())
    with Sandbox() as sandbox:
        cloudwatch, events = sandbox.client("cloudwatch"), sandbox.client("events")
        cloudwatch.put_composite_alarm(AlarmName="any", AlarmRule='ALARM("example2-5xx")')
        eventually(lambda: primary_is_steady(sandbox) and alarm_is(sandbox, "OK"))

        alarmed = bake(sandbox, "v2")
        cloudwatch.set_alarm_state(
            AlarmName="example2-5xx", StateValue="ALARM", StateReason="a drill"
        )
        eventually(lambda: sandbox.split() == (100, 0), 5)
        eventually(sandbox.is_free)
        assert sandbox.record(alarmed)["outcome"] == "Reverted"

        # An alarm that was set by hand is evaluated anew with its next datapoint.
        eventually(lambda: alarm_is(sandbox, "OK"))
        signalled = bake(sandbox, "v3")
        detail = {"service": "checkout", "signal": "revert", "by": "test"}
        events.put_events(
            Entries=[
                {
                    "Source": "stepcanary",
                    "DetailType": "Release Signal",
                    "Detail": json.dumps(detail),
                }
            ]
        )
        eventually(sandbox.is_free)
        assert sandbox.record(signalled)["outcome"] == "Reverted"

        stopped = bake(sandbox, "v4")
        sandbox.client("stepfunctions").stop_execution(executionArn=stopped)
        eventually(sandbox.is_free)
        assert sandbox.split() == (100, 0)
        assert sandbox.record(stopped)["outcome"] == "Reverted"

        # Each has its page in the bucket.
        names = [each.rpartition(":")[2] for each in (alarmed, signalled, stopped)]
        eventually(lambda: all(any(name in key for key in reports(sandbox)) for name in names))

        bake(sandbox, "v5")
    time.sleep(1)
    assert [r for r in caplog.records if r.levelno >= logging.ERROR] == []
    assert [t for t in threading.enumerate() if t not in threads] == []
    assert dict(os.environ) == before
