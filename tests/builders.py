"""Requests and profiles with defaults, so that a test states only what differs."""

from typing import Any

PROFILE: dict[str, Any] = {
    "cluster": "example",
    "primary": "example1",
    "canary": "example2",
    "traffic": [
        {
            "router": "appmesh",
            "mesh": "example",
            "virtual_router": "example",
            "route": "example",
            "primary_node": "example1",
            "canary_node": "example2",
        }
    ],
    "steps": [
        {"weight": 5, "bake_seconds": 300},
        {"weight": 50, "bake_seconds": 300},
        {"weight": 100, "bake_seconds": 300},
    ],
    "alarms": ["example2-5xx"],
    "deployment": {"deadline_seconds": 120, "check_seconds": 10},
}

TRIGGERS: dict[str, Any] = {
    "repository": "shop",
    "container": "app",
    "release_tags": ["canary-*"],
    "promote_tags": ["main-*"],
    "promote_pipelines": ["checkout-main"],
}


FROM_ECR = ["*/shop", "shop"]
"""Repositories of a profile: of a push and of what runs in tests."""


def profile(**changed: Any) -> dict[str, Any]:
    return {**PROFILE, **changed}


def traffic(**changed: Any) -> list[dict[str, Any]]:
    return [{**PROFILE["traffic"][0], **changed}]


def request(**changed: Any) -> dict[str, Any]:
    """A request for `checkout`, whose profile is in Parameter Store."""
    whole = {"service": "checkout", "images": {"app": "shop:v2"}, **changed}
    return {k: v for k, v in whole.items() if v is not None}
