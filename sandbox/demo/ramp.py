"""Ramp: how many requests each task of the canary has at each step, beside a primary's at rest."""

from dataclasses import dataclass

from sandbox import article
from sandbox.client import Client, Count

LEAST_PER_TASK = 200
"""With fewer requests per task a step tells nothing: chance alone moves its mean."""


@dataclass(frozen=True, slots=True)
class TaskLoad:
    """The load on the tasks of one ECS service while a weight held.

    `requests` is the mean per task and `busiest` the most that one had. A task that came or went
    in the middle counts as one.
    """

    tasks: int
    requests: float
    busiest: int
    per_second: float


def load_of(count: Count, service: str) -> TaskLoad | None:
    """None with fewer requests per task than tell something."""
    tasks = [number for (name, _), number in count.by_task.items() if name == service]
    if not tasks or sum(tasks) < LEAST_PER_TASK * len(tasks) or count.seconds <= 0:
        return None
    mean = sum(tasks) / len(tasks)
    return TaskLoad(len(tasks), mean, max(tasks), mean / count.seconds)


def loads_of(count: Count) -> dict[str, dict[str, float]]:
    """The loads that tell something, for a report: by side."""
    sides = {"primary": article.PRIMARY, "canary": article.CANARY}
    loads = {side: load_of(count, service) for side, service in sides.items()}
    return {
        side: {
            "tasks": load.tasks,
            "requests": round(load.requests, 1),
            "busiest": load.busiest,
            "per_second": round(load.per_second, 2),
        }
        for side, load in loads.items()
        if load is not None
    }


def shares(client: Client) -> dict[int, float]:
    """By weight, the load on a task of the canary as a share of a primary's at rest, per second.

    Raises ValueError if too few requests came at rest; steps with too few are left out.
    """
    rest = load_of(client.rest, article.PRIMARY)
    if rest is None:
        raise ValueError(f"fewer than {LEAST_PER_TASK} requests per task came at rest")
    loads = {weight: load_of(count, article.CANARY) for weight, count in client.steps.items()}
    return {
        weight: load.per_second / rest.per_second
        for weight, load in sorted(loads.items())
        if load is not None
    }
