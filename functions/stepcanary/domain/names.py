"""Names: what requests and profiles call services, containers, versions and people."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from stepcanary.domain.identifiers import Like
from stepcanary.domain.model import Model

ServiceName = Annotated[
    str,
    Field(max_length=64),
    Like(
        r"[A-Za-z0-9][A-Za-z0-9_.-]*",
        "checkout",
        ", a letter or a digit first, then letters, digits, _ . or -",
    ),
]
Pattern = Annotated[
    str,
    Field(max_length=255),
    Like(
        r"[\w./:*?-]+",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop",
        ", where * stands for any characters",
    ),
]
Container = Annotated[
    str, Field(max_length=255), Like(r"[A-Za-z0-9_-]+", "app", ", of letters, digits, _ and -")
]
TaskDefinition = Annotated[
    str,
    Field(max_length=400),
    Like(
        r"(arn:[a-z-]+:ecs:[a-z0-9-]+:[0-9]{12}:task-definition/)?[A-Za-z0-9_-]+:[1-9][0-9]*",
        "checkout:42",
        ", or the ARN of a task definition with its revision",
    ),
]
AccountId = Annotated[str, Like(r"[0-9]{12}", "123456789012")]
SlackUser = Annotated[
    str, Like(r"\*|[UW][A-Z0-9]{1,30}", "U012AB3CDEF", ", a member id of Slack, or * for everybody")
]

_IMAGE = re.compile(
    r"""
    (?P<registry>(?:localhost(?::\d+)?|[\w-]+(?:\.[\w-]+)+(?::\d+)?|[\w-]+:\d+)/)?
    (?P<repository>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)
    (?P<tag>:\w[\w.-]{0,127})?
    (?P<digest>@sha256:[0-9a-f]{64})?
    """,
    re.VERBOSE | re.ASCII,
)


def _image(value: str) -> str:
    match = _IMAGE.fullmatch(value)
    if not match:
        raise ValueError(
            f"{value[:200]!r} is no image; write repository:tag or repository@sha256:…"
        )
    if not (match["tag"] or match["digest"]):
        raise ValueError(f"{value[:200]!r} names no version; add a tag or a @sha256 digest")
    return value


def repository_of(image: str) -> str:
    found = _IMAGE.fullmatch(image)
    assert found is not None
    return found["repository"]


Image = Annotated[str, AfterValidator(_image)]


class TaskDefinitions(Model):
    """Ready task definitions, `family:revision` or ARN, one per side."""

    primary: TaskDefinition
    """The primary's: `family:revision` or ARN."""
    canary: TaskDefinition
    """The canary's: `family:revision` or ARN, with the same images."""


def in_execution_name(service: str) -> str:
    """The service as a part of an execution's name, where CloudWatch Logs take no point. See
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
    """
    return re.sub(r"[^0-9A-Za-z_-]", "-", service)
