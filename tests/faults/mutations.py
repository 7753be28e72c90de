"""Mutations: the guards, each to be switched off, so that the matrix proves that it sees them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from boto3.dynamodb.conditions import Attr, ConditionBase

from stepcanary.aws import cloudwatch, ecs, members
from stepcanary.contracts.answers import Rest
from stepcanary.domain import alarms, deployment, verdict
from stepcanary.domain.capacity import Capacity
from stepcanary.release import (
    confirming,
    deploy,
    fixtures,
    floors,
    holder,
    opening,
    plan,
    promotion,
    recovery,
    resting,
    retiring,
    subscriptions,
    way_back,
    world,
)
from stepcanary.store import leases, mailbox, stages, table
from stepcanary.store.lease_items import lease_key
from stepcanary.store.table import Change
from stepcanary.traffic import shift
from stepcanary.traffic.router import Reading
from tests.faults.arena import Arena

Mutation = Callable[[Arena], AbstractContextManager[None]]


def _anything() -> ConditionBase:
    """A condition that always holds."""
    return table.is_absent("nobody")


@contextmanager
def _without_lease(_arena: Arena) -> Iterator[None]:
    """Whoever comes may take the split, and nobody looks whose it is."""
    absent = table.is_absent

    def whoever(attribute: str) -> ConditionBase:
        return absent("nobody" if attribute == "holder" else attribute)

    def check(release: Any, _fence: int) -> Any:
        return replace(leases.read(release.split), holder=release.execution)

    with (
        patch.object(table, "is_absent", whoever),
        patch.object(leases, "is_ours", lambda _holder, _fence: _anything()),
        patch.object(leases, "check", check),
        patch.object(opening, "_free_of_the_dead", lambda _release: None),
        patch.object(plan, "is_alive", lambda _lease: False),
    ):
        yield


@contextmanager
def _without_fence(_arena: Arena) -> Iterator[None]:
    """Only the holder counts: neither the fencing number nor the stage tells a late act apart."""

    def check(release: Any, fence: int) -> Any:
        lease = leases.read(release.split)
        if lease.holder != release.execution:
            raise leases.lost(lease, fence)
        return lease

    with (
        patch.object(leases, "is_ours", lambda holder, _fence: Attr("holder").eq(holder)),
        patch.object(stages, "is_not_past", lambda _stage, _only_from: _anything()),
        patch.object(leases, "check", check),
    ):
        yield


@contextmanager
def _without_kept_signals(_arena: Arena) -> Iterator[None]:
    """A signal reaches who waits, and is forgotten where nobody does."""
    keep = mailbox.keep

    def forget(lease: Any, signal: Any, wait: Any = None) -> Any:
        keep(lease, signal, wait)
        table.change(Change(lease_key(lease.split), remove=("signal",)))
        return leases.read(lease.split)

    with patch.object(mailbox, "keep", forget):
        yield


@contextmanager
def _without_reconciler(arena: Arena) -> Iterator[None]:
    arena.helped = False
    try:
        yield
    finally:
        arena.helped = True


@contextmanager
def _without_read_back(_arena: Arena) -> Iterator[None]:
    """What was written is believed, and the settle time confirms nothing."""

    def believe(router: Any, before: Any, weight: int, *, always: bool = False) -> Any:
        wanted = before.split.with_weight(weight)
        if before.split == wanted and not always:
            return before
        written = router.write(before, wanted)
        version = None if before.version is None else before.version + 1
        return Reading(wanted, written, version)

    def scale_in(release: Any) -> None:
        ecs.scale(release.cluster, world.see(release).canary, 0)

    def confirm_rest(_release: Any, _fence: int, corrections: int, **_: Any) -> Rest:
        return Rest(next="retire", corrections=corrections)

    with ExitStack() as patches:
        patches.enter_context(patch.object(shift, "_write", believe))
        patches.enter_context(patch.object(resting, "scale_in", scale_in))
        patches.enter_context(patch.object(confirming, "confirm_rest", confirm_rest))
        yield


@contextmanager
def _without_promotion_guard(_arena: Arena) -> Iterator[None]:
    """The primary is taken for steady as soon as its deployment has begun."""
    measure, check = world.measure, deploy.check

    def any_capacity(release: Any, side: Any, service: Any, weight: int, **more: Any) -> Any:
        found = measure(release, side, service, weight, **more)
        return replace(found, running=1_000, healthy=None) if side == "primary" else found

    def at_once(release: Any, fence: int, side: Any, started: Any, *, restoring: bool) -> Any:
        answer = check(release, fence, side, started, restoring=restoring)
        return answer.model_copy(update={"steady": True}) if side == "primary" else answer

    with (
        patch.object(world, "measure", any_capacity),
        patch.object(world, "may_carry_all", lambda _release, _primary: True),
        patch.object(deploy, "check", at_once),
    ):
        yield


@contextmanager
def _without_look_at_canary(_arena: Arena) -> Iterator[None]:
    """The canary is assumed to carry whatever it was given."""
    state = world.CanaryState("enough")
    with patch.object(world, "look_at_canary", lambda *_, **__: state):
        yield


@contextmanager
def _without_own_number(_arena: Arena) -> Iterator[None]:
    """What is enough is what the service desires at this moment."""
    measure = world.measure

    def desired(release: Any, side: Any, service: Any, weight: int, **more: Any) -> Any:
        full = {f"{side}_tasks": max(1, service.desired)}
        return measure(release.model_copy(update=full), side, service, 100, **more)

    lacks = Capacity.lacks

    def at_most_full(self: Capacity, needed: int, weight: int) -> str | None:
        return lacks(self, min(needed, self.full), weight)

    with patch.object(world, "measure", desired), patch.object(Capacity, "lacks", at_most_full):
        yield


@contextmanager
def _without_foreign_look(_arena: Arena) -> Iterator[None]:
    """Whatever runs is taken for the release's own."""
    with ExitStack() as patches:
        for module in (world, deploy, recovery, promotion):
            patches.enter_context(patch.object(module, "foreign_revision", lambda *_: None))
        yield


@contextmanager
def _without_way_back(_arena: Arena) -> Iterator[None]:
    """The old version's revision is assumed to be there."""

    def old_revision(release: Any, lease: Any) -> Any:
        return lease, release.primary.task_definition

    with (
        patch.object(way_back, "prepare", lambda _release, lease: lease),
        patch.object(way_back, "old_revision", old_revision),
    ):
        yield


@contextmanager
def _without_register(_arena: Arena) -> Iterator[None]:
    """What was put up stays up."""
    with patch.object(fixtures, "take_down", lambda _release: []):
        yield


@contextmanager
def _without_one_content(_arena: Arena) -> Iterator[None]:
    """The primary gets the tag that the canary had got."""
    with patch.object(deploy, "promoted", lambda document, _canary, _primary: document):
        yield


@contextmanager
def _without_foreign_content(_arena: Arena) -> Iterator[None]:
    """A deployment of the same revision runs the same."""
    with patch.object(world, "redeployment", lambda *_: None):
        yield


@contextmanager
def _without_exact_way_back(_arena: Arena) -> Iterator[None]:
    """The old task definition is the old version."""
    with patch.object(way_back, "pinned", lambda document, _content: document):
        yield


@contextmanager
def _without_new_deployment(_arena: Arena) -> Iterator[None]:
    """A canary that has the revision already runs the new version."""
    start = deploy.start

    def as_it_is(*given: Any, anew: bool = False, **more: Any) -> Any:
        return start(*given, **more)

    with patch.object(deploy, "start", as_it_is):
        yield


@contextmanager
def _without_retiring(_arena: Arena) -> Iterator[None]:
    """Nobody looks at a canary again once its release is over."""
    with patch.object(retiring, "follow", lambda _release, _left: None):
        yield


@contextmanager
def _without_patience_for_reads(_arena: Arena) -> Iterator[None]:
    """A deployment that no read has shown yet counts as replaced."""
    complete = deployment.is_complete

    def at_once(service: Any, started: Any) -> bool:
        return complete(service, started.model_copy(update={"seen": True}))

    with patch.object(deploy, "is_complete", at_once):
        yield


@contextmanager
def _without_grace(_arena: Arena) -> Iterator[None]:
    """A canary that is short for a moment is lost."""

    def stands(self: Any, weight: int, *_: Any) -> str:
        return "enough" if self.shortage(weight) is None else "lost"

    with patch.object(Capacity, "stands", stands):
        yield


@contextmanager
def _without_doubt_of_executions(_arena: Arena) -> Iterator[None]:
    """An execution that AWS does not know is dead."""
    with patch.object(holder, "UNKNOWN_SECONDS", 0):
        yield


@contextmanager
def _without_second_read(_arena: Arena) -> Iterator[None]:
    """One read is the truth."""
    with patch.object(shift, "READS_AGAIN", 0):
        yield


@contextmanager
def _without_settling(_arena: Arena) -> Iterator[None]:
    """The router is assumed to follow at once before the primary is replaced."""
    with (
        patch.object(promotion, "has_settled", lambda _release, _lease: True),
        patch.object(recovery, "has_settled", lambda _release, _lease: True),
    ):
        yield


@contextmanager
def _without_lending(_arena: Arena) -> Iterator[None]:
    """Traffic stays on a primary that serves nothing."""
    with patch.object(world, "helpless", lambda _release, _sides, **_: None):
        yield


@contextmanager
def _without_sight(_arena: Arena) -> Iterator[None]:
    """Whatever state an alarm is in, it is believed."""
    seen = alarms.seen

    def believed(name: str, described: Any) -> Any:
        alarm = seen(name, described)
        return alarm and replace(alarm, blind="")

    with patch.object(cloudwatch, "seen", believed):
        yield


@contextmanager
def _without_look_for_alarms(_arena: Arena) -> Iterator[None]:
    """The alarms that are there are all that there were."""
    with patch.object(verdict, "gone_of", lambda _names, _alarms: None):
        yield


@contextmanager
def _without_look_at_members(_arena: Arena) -> Iterator[None]:
    """What botocore has no shape for is dropped, and nobody knows of it."""
    with patch.object(members, "_in_parts", lambda *_: []):
        yield


@contextmanager
def _without_floors(_arena: Arena) -> Iterator[None]:
    """Autoscaling takes the tasks of whoever has lost its traffic."""

    def nothing(_release: Any, lease: Any, *_: Any, **__: Any) -> Any:
        return lease

    with (
        patch.object(floors, "put_up", nothing),
        patch.object(floors, "keep_count", nothing),
        patch.object(floors, "try_to_keep_count", nothing),
    ):
        yield


@contextmanager
def _without_settings_given_back(_arena: Arena) -> Iterator[None]:
    """The bounds stay as a release has set them."""
    with patch.dict(fixtures.KINDS, {floors.KIND: lambda _release, _entry: None}):
        yield


@contextmanager
def _without_look_at_old_tasks(_arena: Arena) -> Iterator[None]:
    """A primary that is being replaced is taken to carry the traffic."""
    with patch.object(world, "takes_back", lambda *_: True):
        yield


@contextmanager
def _without_mended_filters(_arena: Arena) -> Iterator[None]:
    """A subscription filter is up because it was put up."""
    with patch.object(subscriptions, "mend", lambda *_: []):
        yield


MUTATIONS: dict[str, Mutation] = {
    "lease": _without_lease,
    "fence": _without_fence,
    "kept signals": _without_kept_signals,
    "reconciler": _without_reconciler,
    "read-back": _without_read_back,
    "promotion guard": _without_promotion_guard,
    "look at the canary": _without_look_at_canary,
    "own number": _without_own_number,
    "foreign look": _without_foreign_look,
    "way back": _without_way_back,
    "register": _without_register,
    "retiring": _without_retiring,
    "one content": _without_one_content,
    "foreign content": _without_foreign_content,
    "exact way back": _without_exact_way_back,
    "new deployment": _without_new_deployment,
    "second read": _without_second_read,
    "patience for reads": _without_patience_for_reads,
    "grace": _without_grace,
    "doubt of executions": _without_doubt_of_executions,
    "settling": _without_settling,
    "lending": _without_lending,
    "sight": _without_sight,
    "look for alarms": _without_look_for_alarms,
    "look at members": _without_look_at_members,
    "floors": _without_floors,
    "settings given back": _without_settings_given_back,
    "look at old tasks": _without_look_at_old_tasks,
    "mended filters": _without_mended_filters,
}
