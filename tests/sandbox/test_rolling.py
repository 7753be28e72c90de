"""Rolling deployments: minimum healthy and maximum percent, task by task, in a time of ticks."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from sandbox.rolling import Deployment, Step, bounds, next_step

STARTING, STOPPING = 3, 2
"""How many ticks a task takes to become healthy, and to be gone once it is stopped."""


def configured(least: int, most: int) -> dict[str, Any]:
    return {"minimumHealthyPercent": least, "maximumPercent": most}


@dataclass
class Rollout:
    """A service whose old version has all its tasks, and whose new version comes."""

    desired: int
    configuration: dict[str, Any]
    starts: bool = True
    failed: bool = False
    old: int = 0
    new: int = 0
    kept: int = 0
    starting: list[tuple[str, int]] = field(default_factory=list)
    stopping: list[int] = field(default_factory=list)
    ticks: int = 0

    def __post_init__(self) -> None:
        self.old = self.kept = self.desired

    @property
    def running(self) -> int:
        """What the service counts as running or pending."""
        return self.old + self.new + len(self.starting) + len(self.stopping)

    def live(self, version: str, healthy: int) -> Deployment:
        coming = sum(each == version for each, _ in self.starting)
        return Deployment(healthy + coming, healthy, self.kept if version == "old" else 0)

    def tick(self) -> Step:
        self.ticks += 1
        self.stopping = [end for end in self.stopping if end > self.ticks]
        for version, due in [*self.starting]:
            if due <= self.ticks:
                self.starting.remove((version, due))
                self.old += version == "old"
                self.new += version == "new" and self.starts
        step = next_step(
            self.desired,
            self.configuration,
            self.live("new", self.new),
            [self.live("old", self.old)],
            stopping=len(self.stopping),
            failed=self.failed,
        )
        [self.kept], [again] = step.kept, step.start_older
        self.starting += [("new", self.ticks + STARTING)] * step.start
        self.starting += [("old", self.ticks + STARTING)] * again
        while self.old > self.kept:
            self.old -= 1
            self.stopping.append(self.ticks + STOPPING)
        return step

    def run(self, ticks: int = 100) -> Iterator["Rollout"]:
        """The rollout after each tick, until it is done."""
        while (self.running, self.new) != (self.desired, self.desired) and self.ticks < ticks:
            self.tick()
            yield self


@pytest.mark.parametrize(
    ("desired", "least", "most", "expected"),
    [
        (4, 100, 200, (4, 8)),
        (4, 50, 100, (2, 4)),
        (3, 50, 150, (2, 4)),
        (3, 100, 125, (3, 3)),
        (1, 50, 150, (1, 1)),
        (10, 33, 133, (4, 13)),
        (0, 100, 200, (0, 0)),
    ],
)
def test_the_minimum_is_rounded_up_and_the_maximum_down(
    desired: int, least: int, most: int, expected: tuple[int, int]
) -> None:
    assert bounds(desired, configured(least, most)) == expected


@pytest.mark.parametrize("desired", [1, 2, 3, 4, 10])
@pytest.mark.parametrize(
    ("least", "most"), [(100, 200), (50, 100), (50, 150), (0, 100), (100, 125), (75, 110)]
)
def test_a_rollout_stays_within_both_and_ends(desired: int, least: int, most: int) -> None:
    floor, ceiling = bounds(desired, configured(least, most))
    rollout = Rollout(desired, configured(least, most))
    for now in rollout.run():
        assert now.old + now.new >= floor
        assert now.running <= max(ceiling, desired)
    ended = (rollout.old, rollout.new) == (0, desired)
    # Without a task to spare, and room for none more, it can only wait.
    assert ended == (ceiling > floor)


def test_a_maximum_of_125_percent_goes_task_by_task() -> None:
    counts = [now.new for now in Rollout(4, configured(100, 125)).run()]
    assert sorted(set(counts)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("desired", [1, 4])
def test_100_and_100_percent_wait(desired: int) -> None:
    rollout = Rollout(desired, configured(100, 100))
    waits = Step(start=0, start_older=(0,), kept=(desired,))
    assert [rollout.tick() for _ in range(20)] == [waits] * 20


def test_an_old_task_that_dies_is_replaced_by_its_own_version() -> None:
    rollout = Rollout(4, configured(100, 125), starts=False)
    rollout.tick()
    rollout.old -= 1
    assert rollout.tick().start_older == (1,)
    for _ in range(STARTING):
        rollout.tick()
    assert rollout.old == 4


def test_a_rollout_that_waits_replaces_what_dies_and_goes_no_further() -> None:
    rollout = Rollout(4, configured(100, 100))
    rollout.old -= 1
    steps = [rollout.tick() for _ in range(10)]
    assert sum(step.start_older[0] for step in steps) == 1
    assert sum(step.start for step in steps) == 0
    assert rollout.old == 4


def test_a_deployment_that_failed_starts_nothing_and_costs_nothing() -> None:
    rollout = Rollout(4, configured(50, 200), failed=True)
    assert {rollout.tick() for _ in range(5)} == {Step(start=0, start_older=(0,), kept=(4,))}
    rollout.desired = 3
    assert rollout.tick().kept == (3,)


def test_the_oldest_goes_first() -> None:
    step = next_step(
        4, configured(100, 200), Deployment(4, 2), [Deployment(2, 2, 2), Deployment(2, 2, 2)]
    )
    assert step.kept == (2, 0)


def test_a_service_at_rest_is_scaled() -> None:
    assert next_step(5, configured(100, 200), Deployment(2, 2), []).start == 3
    assert next_step(0, configured(100, 200), Deployment(2, 2), []).start == 0
