"""Mutations: the guards, each to be switched off, so that the matrix proves that it sees them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from boto3.dynamodb.conditions import Attr, ConditionBase

from stepcanary.aws import ecs
from stepcanary.contracts.answers import Rest
from stepcanary.release import capacity, deploy, opening, plan, recovery, revert
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
        patch.object(plan, "stepfunctions", SimpleNamespace(is_running=lambda _execution: False)),
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

    def believe(router: Any, before: Any, weight: int) -> Any:
        wanted = before.split.with_weight(weight)
        if before.split == wanted:
            return before
        written = router.write(before, wanted)
        version = None if before.version is None else before.version + 1
        return Reading(wanted, written, version)

    def scale_in(release: Any) -> None:
        ecs.scale(release.cluster, capacity.service_of(release, "canary"), 0)

    with ExitStack() as patches:
        patches.enter_context(patch.object(shift, "_write", believe))
        for module in (revert, recovery):
            patches.enter_context(patch.object(module, "scale_in", scale_in))
        patches.enter_context(
            patch.object(
                revert,
                "confirm_rest",
                lambda _release, _fence, corrections, **_: Rest(
                    next="retire", corrections=corrections
                ),
            )
        )
        yield


@contextmanager
def _without_promotion_guard(_arena: Arena) -> Iterator[None]:
    """The primary is taken for steady as soon as its deployment has begun."""

    def any_capacity(release: Any, side: Any, service: Any) -> str | None:
        return None if side == "primary" else capacity.missing_capacity(release, side, service)

    steady = deploy.is_steady

    def at_once(release: Any, fence: int, side: Any, started: Any, *, restoring: bool) -> bool:
        return side == "primary" or steady(release, fence, side, started, restoring=restoring)

    with ExitStack() as patches:
        for module in (deploy, recovery, revert):
            patches.enter_context(patch.object(module, "missing_capacity", any_capacity))
        patches.enter_context(patch.object(deploy, "is_steady", at_once))
        yield


MUTATIONS: dict[str, Mutation] = {
    "lease": _without_lease,
    "fence": _without_fence,
    "kept signals": _without_kept_signals,
    "reconciler": _without_reconciler,
    "read-back": _without_read_back,
    "promotion guard": _without_promotion_guard,
}
