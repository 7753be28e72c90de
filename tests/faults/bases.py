"""The bases: releases without faults, each with a script that sets its world up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from tests.builders import PROFILE
from tests.fakes.clock import VirtualClock
from tests.fakes.cloud import Cloud, Document
from tests.fakes.fronts import CLOUDS, AlbCloud, ThreeFronts
from tests.faults.invariants import SETTLE_SECONDS, version_of
from tests.faults.kinds import CANARY, LOGS, METRICS, PRIMARY, SCALING

if TYPE_CHECKING:
    from tests.faults.arena import Arena

MATRIX_PROFILE: Document = {
    **PROFILE,
    "steps": [{"weight": weight, "bake_seconds": 90} for weight in (10, 50, 100)],
    "promotion": {"gate_seconds": 120},
    # The first look at a deployment comes sooner than some reads follow a write.
    "deployment": {"deadline_seconds": 900, "check_seconds": 5},
}


@dataclass(frozen=True)
class Base:
    """A release without faults. `script` sets the world up; `profile` differs from the default.

    `begin` starts what the base is about, where that is no release of its own, and each of `after`
    what follows once the one before it has ended: each answers with the ARN of an execution.
    `routers` are those that it makes a difference on, and `cloud` is the world where it is none of
    theirs. It is struck at `every` so many places, where most of it is another release over again.
    No event of it can be lost where it has none: no alarm fires in it, and its executions do not
    fail. Where it `scales`, autoscaling is at work on both sides. Where its log is `telling`, it
    says in time that the version is bad.
    """

    script: Callable[[Arena], None]
    profile: Document = field(default_factory=dict)
    begin: Callable[[Arena], str] | None = None
    after: tuple[Callable[[Arena], str], ...] = ()
    routers: tuple[str, ...] = tuple(CLOUDS)
    cloud: type[Cloud] | None = None
    manual: bool = False
    every: int = 1
    has_events: bool = True
    scales: bool = False
    telling: bool = False

    @property
    def judges(self) -> bool:
        return "judge" in self.profile

    @property
    def logs(self) -> bool:
        return bool(self.profile.get("judge") == LOGGED["judge"])

    def has(self, kind: str) -> bool:
        """Whether there is anything that the kind could strike."""
        judged = (self.judges or kind not in METRICS) and (self.logs or kind not in LOGS)
        return (self.scales or kind not in SCALING) and judged


def _good(_arena: Arena) -> None:
    """Nothing is wrong."""


def _when_weight(arena: Arena, weight: int, seconds: float, action: Callable[[], None]) -> None:
    """Once the canary has had this weight for so long, the action happens, one time."""
    watched = arena.cloud.on_write
    pending = [action]

    def on_write(primary: int, canary: int) -> None:
        watched(primary, canary)
        if canary == weight and pending:
            arena.clock.after(seconds, pending.pop())

    arena.cloud.on_write = on_write


def _bad(arena: Arena) -> None:
    """The alarm fires in the middle of the second bake, and clears before it would end."""

    def fire() -> None:
        arena.cloud.set_alarm("example2-5xx", "ALARM")
        arena.clock.after(30, lambda: arena.cloud.set_alarm("example2-5xx", "OK"))

    _when_weight(arena, 50, 40, fire)


def _worse(arena: Arena) -> None:
    """One in five of the canary's answers is bad from its second weight on, and no alarm fires."""
    cloud = arena.cloud

    def break_it() -> None:
        cloud.bad = lambda side, _at: 0.2 if side == "canary" else 0.001

    _when_weight(arena, 50, 1, break_it)


def _bad_at_100(arena: Arena) -> None:
    """The alarm fires while the primary is being replaced."""
    _when_weight(
        arena, 100, SETTLE_SECONDS + 95, lambda: arena.cloud.set_alarm("example2-5xx", "ALARM")
    )


def _bad_as_it_rolls(arena: Arena) -> None:
    """The alarm fires when one task of the primary is new by then, and the others are old."""
    _when_weight(
        arena, 100, SETTLE_SECONDS + 103, lambda: arena.cloud.set_alarm("example2-5xx", "ALARM")
    )


def _bad_once_it_has_rolled(arena: Arena) -> None:
    """The alarm fires when no old task of the primary is left, before anybody has seen that. Tasks
    take long by then, so that some of the old version's serve before the others run."""

    def fire() -> None:
        arena.cloud.startup_seconds = 40.0
        arena.cloud.set_alarm("example2-5xx", "ALARM")

    _when_weight(arena, 100, SETTLE_SECONDS + 107, fire)


def _bad_after_its_return(arena: Arena) -> None:
    """The alarm fires while the router follows the weights back to the new version."""
    _when_weight(arena, 0, 20, lambda: arena.cloud.set_alarm("example2-5xx", "ALARM"))


def _bad_on_its_return(arena: Arena) -> None:
    """The alarm fires when the promoted primary has half of the traffic."""
    watched, before = arena.cloud.on_write, [0]

    def on_write(primary: int, canary: int) -> None:
        watched(primary, canary)
        if (before.pop(), canary) == (100, 50):
            arena.clock.after(60, lambda: arena.cloud.set_alarm("example2-5xx", "ALARM"))
        before.append(canary)

    arena.cloud.on_write = on_write


def _failed_canary(arena: Arena) -> None:
    arena.cloud.broken_images = {"shop:v2"}


def _failed_primary(arena: Arena) -> None:
    """Nobody answers the gate."""
    arena.cloud.broken_images = {("example1", "shop:v2")}


def _failed_primary_of_a_copy(arena: Arena) -> None:
    """Infrastructure code has deregistered what the primary runs, long before."""
    arena.cloud.deregister(arena.cloud.arn(PRIMARY, 1))
    _failed_primary(arena)


def _retried_primary(arena: Arena) -> None:
    """The cause is mended, and an operator says retry."""
    arena.cloud.broken_images = {("example1", "shop:v2")}

    def mend() -> None:
        arena.cloud.broken_images = set()
        arena.signal_now("retry")

    _when_weight(arena, 100, SETTLE_SECONDS + 150, mend)


def _stayed_promotion(arena: Arena) -> None:
    """Nobody answers the gate and the canary stays; much later a person says revert."""
    arena.cloud.broken_images = {("example1", "shop:v2")}
    _when_weight(arena, 100, 600, lambda: arena.signal_now("revert"))


def _promoted_by_signal(arena: Arena) -> None:
    """The gate before promotion is answered after a while."""
    _when_weight(arena, 100, SETTLE_SECONDS + 150, lambda: arena.signal_now("promote"))


def _aborted(arena: Arena) -> None:
    """An operator stops the execution in the middle of a bake."""
    name = "arn:aws:states:us-east-1:123456789012:execution:stepcanary-release:release-1"
    _when_weight(arena, 50, 40, lambda: arena.stop(name))


class PinnedAlb(AlbCloud):
    """Its rule keeps each client for ten minutes where it was sent."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.pin(600)

    def all_traffic(self) -> list[Document]:
        return [{**self.traffic, "accept_stickiness": True}]


class StoppingAlb(AlbCloud):
    """ECS stops old tasks of the primary before new ones run."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.roll_by(PRIMARY, 50, 100)


class ScaledAlb(AlbCloud):
    """Autoscaling follows the traffic on both sides; and scheduled actions may come."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.services[PRIMARY]["desiredCount"] = 4
        self.scale_by_traffic(PRIMARY, 1, 10, late=240)
        self.scale_by_traffic(CANARY, 0, 10)


def _paused(arena: Arena) -> None:
    """A person pauses a bake, and resumes it much later."""
    _when_weight(arena, 50, SETTLE_SECONDS + 40, lambda: arena.signal_now("pause"))
    _when_weight(arena, 50, SETTLE_SECONDS + 150, lambda: arena.signal_now("resume"))


def _named_wait(arena: Arena) -> None:
    """A click answers this gate and no other."""
    _when_weight(
        arena, 100, SETTLE_SECONDS + 150, lambda: arena.signal_now("promote", this_wait=True)
    )


def _released_again(arena: Arena) -> str:
    """The fix is pushed under the tag that was reverted."""
    arena.cloud.registry.push("shop:v2")
    return arena.start_next("shop:v2")


def _ready(arena: Arena) -> str:
    """The pipeline has registered both task definitions."""
    ready = {
        "primary": arena.cloud.register(PRIMARY, "shop:v2"),
        "canary": arena.cloud.register(CANARY, "shop:v2"),
    }
    return arena.start_next("shop:v2", task_definitions=ready)


def _reverted(arena: Arena) -> str:
    """A release whose alarm fires, and clears."""
    _bad(arena)
    return arena.start_next()


def _rolled_back(arena: Arena) -> str:
    return arena.start({"service": "checkout", "action": "rollback"}, "rollback-1")


def _shift(weight: int) -> Callable[[Arena], str]:
    def start(arena: Arena) -> str:
        request = {"service": "checkout", "action": "shift", "weight": weight}
        return arena.start(request, f"shift-{weight}")

    return start


def _with_a_running_canary(arena: Arena) -> None:
    arena.cloud.set_desired(CANARY, 2)
    arena.clock.sleep(60)


JUDGED: Document = {
    "judge": {},
    "steps": [{"weight": weight, "bake_seconds": 300} for weight in (10, 50, 100)],
}

GROUP = "/ecs/checkout"
LOGGED: Document = {
    "judge": {
        "metrics": [{"kind": "logs", "log": {"group": GROUP, "status": "status"}, "clusters": 2}]
    },
    "steps": [{"weight": weight, "bake_seconds": 180} for weight in (10, 50, 100)],
}


ROLLS_SECONDS = 13
"""After so long the first of the primary's new tasks runs, and the others do not."""


def _logged(arena: Arena) -> None:
    """Each request has its line, and few of them."""
    arena.cloud.log_requests(GROUP, per_second=2.0, every=30.0)


def _logged_worse(arena: Arena) -> None:
    """Every answer of the canary is bad from its second weight on, and no alarm fires."""
    _logged(arena)
    cloud = arena.cloud

    def break_it() -> None:
        cloud.bad = lambda side, _at: float(side == "canary")

    _when_weight(arena, 50, 1, break_it)


def _break_new_version(arena: Arena) -> None:
    """Every answer of the new version is bad from here on, whichever side gives it."""
    cloud = arena.cloud

    def bad(side: str, _at: datetime) -> float:
        return float(side == "canary" or serves_new())

    def serves_new() -> bool:
        return version_of(cloud.running_image(PRIMARY)) == "shop:v2"

    def see_late() -> None:
        if serves_new():
            arena.current.watch.see_late_fault(arena.holder())

    cloud.bad = bad
    if cloud.weight(CANARY) == 0:
        see_late()
    else:
        _when_weight(arena, 0, 0, see_late)


def _logged_worse_as_it_rolls(arena: Arena) -> None:
    """It turns bad when one task of the primary is new by then, and the others are old."""
    _logged(arena)
    watched, pending = arena.cloud.before_call, [True]

    def before_call(name: str, params: Document) -> None:
        watched(name, params)
        rolls = name == "ecs.UpdateService" and params["service"] == PRIMARY
        if rolls and pending and pending.pop():
            arena.clock.after(ROLLS_SECONDS, lambda: _break_new_version(arena))

    arena.cloud.before_call = before_call


def _logged_worse_at_its_return(arena: Arena) -> None:
    """It turns bad when the primary has the weights back."""
    _logged(arena)
    _when_weight(arena, 0, 0, lambda: _break_new_version(arena))


BASES = {
    "good": Base(_good, has_events=False),
    "bad canary": Base(_bad),
    "bad canary at 100 %": Base(_bad_at_100),
    "bad as the primary rolls": Base(_bad_as_it_rolls, every=2),
    "bad once it has rolled": Base(_bad_once_it_has_rolled, routers=("alb",), every=2),
    "bad without old tasks": Base(_bad_at_100, routers=("alb",), cloud=StoppingAlb, every=2),
    "bad after its return": Base(_bad_after_its_return),
    "failed canary deployment": Base(_failed_canary),
    "failed primary deployment": Base(_failed_primary),
    "failed primary of a copy": Base(_failed_primary_of_a_copy, routers=("alb",), every=2),
    "retried promotion": Base(_retried_primary, every=2, has_events=False),
    "stayed promotion": Base(
        _stayed_promotion, {"promotion": {"gate_seconds": 120, "on_failure_timeout": "stay"}}
    ),
    "promotion by signal": Base(
        _promoted_by_signal,
        {"promotion": {"gate_seconds": 120, "approval": True}},
        has_events=False,
    ),
    "operator abort": Base(_aborted),
    "paused": Base(_paused, every=2, has_events=False),
    "named wait": Base(
        _named_wait,
        {"promotion": {"gate_seconds": 120, "approval": True}},
        routers=("alb",),
        every=2,
        has_events=False,
    ),
    "queued behind the dead": Base(
        _aborted,
        {"concurrency": "queue"},
        after=(lambda arena: arena.start_next(),),
        every=4,
    ),
    "fixed tag": Base(_bad, after=(_released_again,), routers=("alb",), every=8),
    "rollback": Base(_good, after=(_rolled_back,), routers=("alb",), every=2, has_events=False),
    "ready": Base(_good, begin=_ready, routers=("alb",), every=2, has_events=False),
    "ready and failed": Base(_failed_primary, begin=_ready, routers=("alb",), every=2),
    "rollback of ready": Base(
        _good, begin=_ready, after=(_rolled_back,), routers=("alb",), every=4, has_events=False
    ),
    "rollback after a revert": Base(
        _good,
        after=(_reverted, lambda arena: arena.start_next(), _rolled_back),
        routers=("alb",),
        every=16,
    ),
    "shift by hand": Base(
        _with_a_running_canary, begin=_shift(30), after=(_shift(0),), manual=True, has_events=False
    ),
    "pinned clients": Base(_bad, routers=("alb",), cloud=PinnedAlb, every=2),
    "scaled": Base(
        _good, routers=("alb",), cloud=ScaledAlb, every=2, has_events=False, scales=True
    ),
    "scaled and bad": Base(_bad_at_100, routers=("alb",), cloud=ScaledAlb, every=2, scales=True),
    "returned in steps": Base(
        _good,
        {"promotion": {"return_weights": [50, 20], "return_bake_seconds": 90}},
        routers=("alb",),
        has_events=False,
    ),
    "bad on its return": Base(
        _bad_on_its_return,
        {"promotion": {"return_weights": [50, 20], "return_bake_seconds": 90}},
        routers=("alb",),
        every=2,
    ),
    "kept canary": Base(_bad, {"keep_failed_seconds": 600}, routers=("alb",)),
    "judged": Base(_good, JUDGED, every=3, has_events=False),
    "judged worse": Base(_worse, JUDGED, every=3),
    "logged": Base(_logged, LOGGED, every=24, has_events=False),
    "logged worse": Base(_logged_worse, LOGGED, every=24, telling=True),
    "logged worse as it rolls": Base(_logged_worse_as_it_rolls, LOGGED, every=24, telling=True),
    "logged worse at its return": Base(_logged_worse_at_its_return, LOGGED, every=24, telling=True),
    "several splits": Base(_good, routers=("appmesh",), cloud=ThreeFronts, has_events=False),
}
