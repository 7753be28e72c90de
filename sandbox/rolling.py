"""Rolling deployments: how many tasks each deployment of a service is to have next. Pure.

The rules are those of ECS's scheduler:
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment's tasks that are not being stopped.

    `kept` is how many of them an older deployment is to keep until newer ones take their place.
    """

    live: int
    healthy: int
    kept: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """What to start now, and how many tasks each older deployment keeps; the rest is stopped."""

    start: int
    start_older: tuple[int, ...]
    kept: tuple[int, ...]


def bounds(desired: int, configuration: dict[str, Any]) -> tuple[int, int]:
    """The fewest healthy tasks and the most tasks: ECS rounds the one up and the other down."""
    least, most = configuration["minimumHealthyPercent"], configuration["maximumPercent"]
    return -(-desired * least // 100), desired * most // 100


def next_step(
    desired: int,
    configuration: dict[str, Any],
    newest: Deployment,
    older: Sequence[Deployment],
    *,
    stopping: int = 0,
    failed: bool = False,
) -> Step:
    """The next step of a service; `stopping` tasks still run, and `older` begins with the newest.

    A deployment that has failed starts nothing: the older ones carry the service.
    """
    floor, ceiling = bounds(desired, configuration)
    needed = desired if failed else max(0, floor - newest.healthy)
    surplus = max(0, sum(each.kept for each in older) - needed)
    kept: list[int] = []
    for each in reversed(older):
        fewer = min(surplus, each.kept)
        surplus -= fewer
        kept.insert(0, each.kept - fewer)
    room = max(0, ceiling - newest.live - sum(each.live for each in older) - stopping)
    start_older: list[int] = []
    # A task that died is replaced by one of the same version, before the new version grows.
    for each, keeps in zip(older, kept, strict=True):
        start_older.append(min(room, max(0, keeps - each.live)))
        room -= start_older[-1]
    start = 0 if failed else min(room, max(0, desired - newest.live))
    return Step(start, tuple(start_older), tuple(kept))
