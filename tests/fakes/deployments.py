"""An ECS service: its deployments, and the tasks that each of them starts, runs and loses."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from tests.fakes.clock import VirtualClock
from tests.fakes.past import Remembered
from tests.fakes.service import Document

CIRCUIT_BREAKER = "ECS deployment circuit breaker: tasks failed"
RETRY_SECONDS = 15.0
"""How long ECS takes to start a task again whose image is broken."""
WAVES = 4
"""The tasks of a deployment run in so many waves at most, over the second half of what a new task
needs: no two start at the same moment."""


class Scheduler(Protocol):
    """What a service needs of the ECS that runs it."""

    clock: VirtualClock

    def after(self, seconds: float, do: Callable[[], None]) -> None: ...

    def is_broken(self, service: str, deployment: str) -> bool: ...

    def see_desired(self, service: str) -> None: ...

    def resolve(self, id: str, definition: str) -> None:
        """Fix what the tasks of a new deployment run, as ECS does it once for all of them."""


@dataclass(eq=False)
class Deployment:
    """One deployment. `starting` is counts of tasks by the number of the batch they start in.

    `crashed` counts tasks that ECS cannot keep running; where `crashing`, all that it starts join
    them.
    """

    id: str
    definition: str
    created: datetime
    state: str = "IN_PROGRESS"
    running: int = 0
    startup: float = 0
    """How many seconds each of its tasks needs."""
    starting: dict[int, int] = field(default_factory=dict)
    crashed: int = 0
    crashing: bool = False
    failed: int = 0
    updated: datetime | None = None
    _last: Document = field(default_factory=dict)

    @property
    def pending(self) -> int:
        return self.crashed + sum(self.starting.values())

    def fail(self) -> None:
        self.state, self.failed = "FAILED", max(3, self.pending)
        self.crashed = 0
        self.starting.clear()

    def shrink(self, count: int) -> None:
        """Stop all tasks but so many: first those that crash, then the newest."""
        spare = max(0, self.running + self.pending - count)
        self.crashed -= (gone := min(self.crashed, spare))
        spare -= gone
        for batch in reversed(self.starting):
            gone = min(self.starting[batch], spare)
            self.starting[batch] -= gone
            spare -= gone
        self.running -= spare

    def lose(self, count: int, batch: int | None) -> int:
        """How many of so many running tasks it had to lose. They start anew in the batch, or
        crash from now on."""
        lost = min(count, self.running)
        self.running -= lost
        if batch is None:
            self.crashed += lost
            self.crashing = self.crashing or (lost > 0 and self.running == 0)
        elif lost:
            self.starting[batch] = lost
        return lost

    def described(self, status: str, desired: int, running: int, now: datetime) -> Document:
        """As AWS answers it; `updatedAt` is when anything of it was last another."""
        document: Document = {
            "id": self.id,
            "status": status,
            "rolloutState": self.state,
            "taskDefinition": self.definition,
            "desiredCount": desired,
            "runningCount": running,
            "pendingCount": self.pending,
            "failedTasks": self.failed,
            "createdAt": self.created,
        }
        if self.state == "FAILED":
            document["rolloutStateReason"] = CIRCUIT_BREAKER
        if document != self._last:
            self._last, self.updated = document, now
        return {**document, "updatedAt": self.updated}


class Service(Remembered):
    """The service as DescribeServices answers it; its past is kept.

    A deployment rolls: old tasks stay for as long as `least_percent` of those that are desired do
    not run without them, and new ones start as far as all together are no more than `most_percent`.
    As ECS does not say which old ones go first, it is those that have served for longest.

    Whoever sets `desiredCount` in it has the tasks at once; `scale` takes the time that ECS takes.
    """

    def __init__(self, scheduler: Scheduler, name: str, definition: str, desired: int) -> None:
        super().__init__(scheduler.clock, {"serviceName": name, "status": "ACTIVE"})
        self.name = name
        self._scheduler = scheduler
        self.early_percent: int | None = None
        """At so many percent of its tasks a deployment is complete; none where it takes all."""
        self.least_percent, self.most_percent = 100, 200
        self._batches = 0
        first = Deployment(f"ecs-svc/{name}-0", definition, self.clock.now(), "COMPLETED", desired)
        scheduler.resolve(first.id, definition)
        self._deployments = [first]
        self._publish(desired)

    def __setitem__(self, key: str, value: Any) -> None:
        if key == "desiredCount":
            self.scale(value, 0)
        else:
            super().__setitem__(key, value)

    def update(self, *others: Any, **more: Any) -> None:
        for key, value in dict(*others, **more).items():
            self[key] = value

    @property
    def desired(self) -> int:
        return int(self["desiredCount"])

    @property
    def definition(self) -> str:
        return self._deployments[0].definition

    def _publish(self, desired: int) -> None:
        """Let the document say how the service stands."""
        now, described, left = self.clock.now(), [], desired
        for deployment in self._deployments:
            # As tasks of a newer deployment run, ECS stops those of the older ones.
            running = min(deployment.running, left)
            left -= running
            newest = deployment is self._deployments[0]
            wanted = desired if newest else running + deployment.pending
            status = "PRIMARY" if newest else "ACTIVE"
            described.append(deployment.described(status, wanted, running, now))
        super().update(
            desiredCount=desired,
            runningCount=desired - left,
            pendingCount=sum(document["pendingCount"] for document in described),
            taskDefinition=self.definition,
            deployments=described,
        )
        self._scheduler.see_desired(self.name)

    def deploy(self, id: str, definition: str, desired: int, seconds: float) -> None:
        """A new deployment; the older ones start nothing any more."""
        for older in self._deployments:
            older.shrink(desired)
            if older.state == "IN_PROGRESS":
                older.starting.clear()
        if not self["runningCount"]:
            self._deployments.clear()
        self._scheduler.resolve(id, definition)
        newest = Deployment(id, definition, self.clock.now(), startup=seconds)
        self._deployments.insert(0, newest)
        if self.early_percent is not None or not desired:
            # What early success does not wait for starts when the deployment is complete already.
            early = -(-desired * (self.early_percent or 0) // 100)
            counts = [count for count in (early, desired - early) if count] or [0]
            batches = [self._batch(newest, count) for count in counts]
            self._publish(desired)
            for number, batch in enumerate(batches, start=1):
                self._start_after(number * seconds, newest, batch)
            return
        self._roll(newest, desired)

    def _roll(self, newest: Deployment, desired: int) -> None:
        """Stop the old tasks that need not stay, and start the new ones that there is room for."""
        self._stop_older(newest, desired)
        most = desired * self.most_percent // 100
        room = most - sum(each.running + each.pending for each in self._deployments)
        count = max(0, min(room, desired - newest.running - newest.pending))
        waves = [count * (n + 1) // WAVES - count * n // WAVES for n in range(WAVES)]
        batches = [self._batch(newest, size) for size in waves if size]
        self._publish(desired)
        for number, batch in enumerate(batches, start=1):
            share = 0.5 + number / len(batches) / 2
            self._start_after(newest.startup * share, newest, batch)

    def _stop_older(self, newest: Deployment, desired: int) -> None:
        least = -(-desired * self.least_percent // 100)
        older = self._deployments[1:]
        surplus = sum(each.running for each in older) - max(0, least - newest.running)
        for each in reversed(older):
            gone = max(0, min(surplus, each.running))
            each.running -= gone
            surplus -= gone

    def scale(self, desired: int, seconds: float) -> None:
        """Scale-in is immediate; the tasks of a scale-out run after so many seconds."""
        newest, more = self._deployments[0], desired - self.desired
        if more <= 0:
            for deployment in self._deployments:
                deployment.shrink(desired)
            if newest.state == "IN_PROGRESS":
                self._stop_older(newest, desired)
            self._publish(desired)
            return
        # A failed deployment starts nothing any more; whatever serves instead of it grows.
        growing = next((d for d in self._deployments if d.state != "FAILED"), newest)
        batch = self._batch(growing, more)
        self._publish(desired)
        self._start_after(seconds, growing, batch)

    def lose(self, count: int | None, heals_after: float | None) -> None:
        """So many running tasks, or all, stop; they are replaced after a while, or crash on."""
        left = self["runningCount"] if count is None else count
        healing: list[tuple[Deployment, int]] = []
        for deployment in reversed(self._deployments):
            batch = None
            if heals_after is not None:
                batch = self._batch(deployment, 0)
                healing.append((deployment, batch))
            left -= deployment.lose(left, batch)
        self._publish(self.desired)
        for deployment, batch in healing:
            self._start_after(heals_after or 0, deployment, batch)

    def _batch(self, deployment: Deployment, count: int) -> int:
        self._batches += 1
        deployment.starting[self._batches] = count
        return self._batches

    def _start_after(self, seconds: float, deployment: Deployment, batch: int) -> None:
        self._scheduler.after(seconds, lambda: self._start(deployment, batch))

    def _start(self, deployment: Deployment, batch: int) -> None:
        """The batch's tasks have started, unless something has ended them or they cannot run."""
        if deployment not in self._deployments or batch not in deployment.starting:
            return
        count = deployment.starting[batch]
        if deployment.state == "FAILED":
            del deployment.starting[batch]
        elif count and self._scheduler.is_broken(self.name, deployment.id):
            if deployment.state == "COMPLETED":
                self._start_after(RETRY_SECONDS, deployment, batch)
                return
            if batch != (last := max(deployment.starting)):
                # ECS gives it up with the last of them.
                deployment.starting[last] += deployment.starting.pop(batch)
                return
            deployment.fail()
        else:
            del deployment.starting[batch]
            self._run(deployment, count)
        self._publish(self.desired)

    def _run(self, deployment: Deployment, count: int) -> None:
        if deployment.crashing:
            deployment.crashed += count
        else:
            deployment.running += count
        if deployment is not self._deployments[0] or deployment.state != "IN_PROGRESS":
            return
        enough = not deployment.pending and deployment.running >= self.desired
        if enough or self.early_percent is not None:
            deployment.state = "COMPLETED"
            del self._deployments[1:]
        else:
            self._roll(deployment, self.desired)
