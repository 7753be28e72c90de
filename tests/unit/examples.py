"""Releases and events with defaults, so that a unit test states only what differs."""

import json
from typing import Any

from stepcanary.domain.events import ReleaseEvent
from stepcanary.domain.profile import Profile
from stepcanary.domain.release import Release
from tests.builders import profile

EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:stepcanary-release:release-1"


def a_profile(**changed: Any) -> Profile:
    return Profile.model_validate_json(json.dumps(profile(**changed)))


def a_release(**changed: Any) -> Release:
    whole = {
        "execution": EXECUTION,
        "service": "checkout",
        "cluster": "example",
        "primary": {"service": "example1", "task_definition": "primary:1"},
        "canary": {"service": "example2", "task_definition": "canary:1"},
        "canary_tasks": 1,
        "primary_tasks": 2,
        "images": {"app": "shop:v2"},
        "task_definitions": None,
        "traffic": profile()["traffic"],
        "steps": [{"weight": 100}],
        "alarms": [],
        "holds": 3,
        "deployment": {},
        "promotion": {},
        "revert_seconds": 900,
        "settle_seconds": 35,
        "drain_seconds": 0,
        "by": "jane",
        **changed,
    }
    return Release.model_validate_json(json.dumps(whole))


def an_event(detail_type: str, **changed: Any) -> ReleaseEvent:
    whole = {"service": "checkout", "execution": EXECUTION, **changed}
    return ReleaseEvent.model_validate({"detail_type": detail_type, **whole})
