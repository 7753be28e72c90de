"""Route: one that divides requests, as a profile has it."""

from dataclasses import dataclass
from typing import Any

from stepcanary_cli.connecting import Connection
from stepcanary_cli.outcomes import Answer


@dataclass(frozen=True, slots=True)
class Route:
    """`traffic` is what a profile says of it; `tag` is the command that opts it in, empty where it
    is opted in already."""

    name: str
    traffic: Answer
    tag: str = ""


def route(arn: str, traffic: Answer, tags: dict[str, str], command: str) -> Route:
    """The route, with the command only where it is not opted in."""
    return Route(arn, traffic, "" if tags.get("stepcanary") == "managed" else command)


def pages(
    connection: Connection, client: Any, operation: str, key: str, **given: Any
) -> list[Answer]:
    """All that AWS lists under this key."""

    def read() -> list[Answer]:
        found = client.get_paginator(operation).paginate(**given)
        return [each for page in found for each in page[key]]

    listed: list[Answer] = connection.call(read)
    return listed
