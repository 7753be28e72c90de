"""Leases: taken and given back with all that is found by them, in one transaction each.

The lease is the truth. The items beside it (`held`, `alarm#…`, `ecs#…`, `service#…`) are how it is
found, and whoever finds one looks at the lease: a person may have freed it by hand.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from boto3.dynamodb.conditions import Attr, ConditionBase

from stepcanary import clock
from stepcanary.domain.lease import Lease, Place
from stepcanary.domain.moments import shortening
from stepcanary.domain.release import Release
from stepcanary.domain.stage import OPENING
from stepcanary.errors import DocumentUnreadable, LeaseHeld, LeaseLost, RequestRejected, SplitTaken
from stepcanary.store import door, due, ledger, queue, rest, table
from stepcanary.store.due import TAKE_DOWN, Task
from stepcanary.store.lease_items import LEFT_BY_A_HOLDER, lease_key, lease_of
from stepcanary.store.table import Change, ConditionFailed, Delete, Item, ItemKey, Put, Write

HELD = "held"
HELD_AT = "sk"
"""Where an item of that partition has its split."""


def is_ours(holder: str, fence: int) -> ConditionBase:
    """The execution still holds the split under this number."""
    return Attr("holder").eq(holder) & Attr("fence").eq(fence)


def read(split: str) -> Lease:
    """The lease that this split is under: of another split where that is its release's lead."""
    lease = _get(split)
    if not lease.lead:
        return lease
    lead = _get(lease.lead)
    # A lead that was freed by hand frees the others.
    return lead if lead.holder == lease.holder else replace(lease, holder="")


def _get(split: str) -> Lease:
    return lease_of(split, table.get(lease_key(split)))


def check(release: Release, fence: int) -> Lease:
    """Raises `LeaseLost` unless this execution still holds the split under this number."""
    lease = read(release.split)
    if (lease.holder, lease.fence) != (release.execution, fence):
        raise lost(lease, fence)
    return lease


def has_begun(execution: str) -> bool:
    """Whether this execution holds a lease, or held one and its release is in the ledger.

    Not where the lease was given back while the release was opened: then it never began.
    """
    try:
        release = ledger.release_of(execution)
    except DocumentUnreadable:
        return ledger.has_document(execution)
    return ledger.find(release) is not None or _get(release.split).holder == execution


def lost(lease: Lease, fence: int) -> LeaseLost:
    if lease.holder:
        now = f"leased to {lease.holder} (fence {lease.fence})"
    else:
        now = "free: this release was closed"
    return LeaseLost(
        f"the split is {now}, not to this execution (fence {fence}); it writes nothing any more"
    )


def held() -> list[Lease]:
    """Every lease that somebody holds, alive or dead; of one release only the lead."""
    found = table.every(HELD)
    leases = _still_held(found, HELD_AT)
    holders = {lease.holder for lease in leases}
    for item in found:
        if item["holder"] not in holders:
            _forget(item["holder"], item["sk"])
    return leases


def seen() -> list[Lease]:
    """As `held`, for whoever changes nothing."""
    return _still_held(table.every(HELD), HELD_AT)


def holders() -> list[str]:
    """The executions that hold a lease, alive or dead, and of those that were freed by hand the
    ones of which something may be up. Nothing is changed, and nothing but this is read."""
    return sorted({item["holder"] for item in table.every(HELD)})


def _forget(holder: str, split: str) -> None:
    """What finds a lease that was freed by hand, or just now by its release itself."""
    is_still = Attr("holder").eq(holder)
    # Who frees a lease by hand takes down nothing of what its release has put up.
    due.add(Task(clock.epoch_seconds(), TAKE_DOWN, split, holder))
    try:
        release = ledger.release_of(holder)
    except DocumentUnreadable:
        table.delete(Delete(ItemKey(HELD, split), is_still))
        return
    for key in (*_service_keys(release), *_found_by(release)):
        table.delete(Delete(key, is_still))


def watching(alarm: str) -> list[tuple[Lease, str]]:
    """The leases whose releases are judged by this alarm, with no more than their holders, and
    their services.

    An alarm costs its release one read: the write of its revert is what finds out the rest.
    """
    return [
        (
            Lease(item["sk"], holder=item["holder"], execution=item["holder"], since=item["since"]),
            item.get("service", ""),
        )
        for item in table.every(f"alarm#{alarm}")
    ]


def of_service(service: str) -> list[Lease]:
    """The leases of the service's running releases."""
    return _still_held(table.every(f"service#{service}", "running#"), "split")


def _still_held(found: list[Item], where: str) -> list[Lease]:
    leases = [(item, _get(item[where])) for item in found]
    return [lease for item, lease in leases if lease.holder == item["holder"]]


def take(release: Release) -> Lease:
    """Take all splits, and both ECS services; the lease that is there already if it is ours.

    Raises `SplitTaken` when one of the splits is another's, `LeaseHeld` when one of the ECS
    services is released on another split, and `RequestRejected` for one that was withdrawn or
    finds the door closed.
    """
    lease = _take(release)
    if lease.stage == OPENING:
        try:
            door.require_open()
        except RequestRejected:
            free(lease, release)
            raise
    return lease


def _take(release: Release) -> Lease:
    for last in (False, True):
        try:
            table.transact([*_takes(release), *_leaves_its_place(release)])
        except ConditionFailed as failed:
            if lease := _not_taken(release, failed, last=last):
                return lease
    return _get(release.split)


def _takes(release: Release) -> list[Write]:
    lead, *others = release.splits
    now = clock.epoch_seconds()
    mine = {"holder": release.execution}
    is_free = table.is_absent("holder")
    writes: list[Write] = [
        Change(
            lease_key(lead),
            is_free,
            set={
                **mine,
                "execution": release.execution,
                "stage": OPENING.number,
                "since": now,
                "weight": 0,
                "target": 0,
            },
            count=("fence",),
            remove=(*LEFT_BY_A_HOLDER, "versions", "lead", "left_at"),
        )
    ]
    writes += [
        Change(
            lease_key(split),
            is_free,
            set={**mine, "execution": release.execution, "lead": lead},
            count=("fence",),
            remove=(*LEFT_BY_A_HOLDER, "left_at"),
        )
        for split in others
    ]
    writes += [Put(key, {**mine, "split": lead}, is_free) for key in _service_keys(release)]
    found = {**mine, "split": lead, "since": now, "service": release.service}
    writes += [Put(key, found) for key in _found_by(release)]
    writes += rest.watch(release)
    writes.append(ledger.keep_document(release))
    return writes


def _leaves_its_place(release: Release) -> list[Write]:
    """Raises `RequestRejected` where it was withdrawn. Who else waits keeps its place."""
    place = queue.queued(release.split)
    if place is None or place.execution != release.execution:
        return []
    require_not_withdrawn(place)
    return queue.given_up(place)


def require_not_withdrawn(place: Place) -> None:
    """Raises `RequestRejected`."""
    if place.withdrawn:
        raise RequestRejected(f"it was withdrawn before it began: {place.withdrawn}")


def _service_keys(release: Release) -> list[ItemKey]:
    """Two profiles may name two splits in front of the same ECS services, and a cluster by name or
    by ARN; a name means another cluster in each account."""
    cluster = release.cluster.rpartition("/")[2]
    cluster = f"ecs#{release.elsewhere}/{cluster}" if release.elsewhere else f"ecs#{cluster}"
    return [ItemKey(cluster, side.service) for side in (release.primary, release.canary)]


def _found_by(release: Release) -> list[ItemKey]:
    """A manual shift is over before a signal could reach it. The events of alarms are all of the
    stack's own account, where an alarm of another one may have its namesake."""
    keys = [ItemKey(HELD, release.split)]
    if release.manual:
        return keys
    keys.append(ItemKey(f"service#{release.service}", f"running#{release.split}"))
    if release.elsewhere:
        return keys
    return keys + [ItemKey(f"alarm#{alarm}", release.split) for alarm in release.alarms]


def _not_taken(release: Release, failed: ConditionFailed, *, last: bool) -> Lease | None:
    """The lease where it is ours already; None where what was in the way had been freed by hand."""
    lead = _get(release.split)
    if lead.holder == release.execution:
        return lead
    for split in release.splits:
        if holder := read(split).holder:
            raise SplitTaken(
                f"traffic: execution {holder} began a release on the same split just before;"
                " wait for it to end, or revert it",
                holder,
                split,
            ) from failed
        _free_other(_get(split))
    for key in _service_keys(release):
        claim = table.get(key)
        if claim is None:
            continue
        if read(claim["split"]).holder == claim["holder"]:
            raise LeaseHeld(
                f"primary, canary: execution {claim['holder']} is releasing the same ECS services"
                " on another split; wait for it to end, or revert it"
            ) from failed
        table.delete(Delete(key, Attr("holder").eq(claim["holder"])))
    if last:
        raise SplitTaken(
            "traffic: another release came and went just now; start again", "", release.split
        ) from failed
    return None


def free(lease: Lease, release: Release) -> bool:
    """Give all splits back; the numbers stay. False where the release holds them no more, or has
    gone on to a later stage.

    A split that was freed by hand meanwhile, or taken by another, keeps no other from it.
    """
    # A release leaves its splits at rest; a manual shift where somebody wanted them.
    left = {"left_at": lease.weight if release.manual else 0}
    lead = Change(
        lease_key(lease.split),
        is_ours(lease.holder, lease.fence) & Attr("stage").lte(lease.stage.number),
        set={**left, "freed_at": clock.epoch_seconds()},
        remove=("holder", *LEFT_BY_A_HOLDER),
    )
    is_mine = Attr("holder").eq(lease.holder)
    others = [
        Change(lease_key(split), is_mine, set=left, remove=("holder", "lead"))
        for split in release.splits
        if split != lease.split
    ]
    found_by: list[Write] = [
        Delete(key, table.is_absent("holder") | is_mine)
        for key in (*_service_keys(release), *_found_by(release))
    ]
    writes: list[Write] = [lead, *others, *found_by]
    while writes:
        try:
            table.transact(writes)
        except ConditionFailed as failed:
            if failed.items[0] is not None:
                return False
            kept = zip(writes, failed.items, strict=True)
            writes = [write for write, item in kept if item is None]
            continue
        return True
    return False


def _free_other(lease: Lease) -> None:
    """A lease whose lead was freed by hand."""
    if not lease.holder:
        return
    is_still = Attr("holder").eq(lease.holder) & Attr("lead").eq(lease.lead)
    with suppress(ConditionFailed):
        table.change(Change(lease_key(lease.split), is_still, remove=("holder", "lead")))


def claimed(release: Release) -> list[str]:
    """The splits under which others release on the same ECS services."""
    claims = [table.get(key) for key in _service_keys(release)]
    return sorted({claim["split"] for claim in claims if claim} - set(release.splits))


def take_over(lease: Lease) -> Lease:
    """For help from outside: raise the fence, so that the dead execution can never write again.

    Also called again before each round of help: of two sweeps at once, the one that is behind
    learns it here. Raises `LeaseLost` when the lease has changed hands meanwhile.
    """
    number = lease.fence if lease.recovering else lease.fence + 1
    return change(lease, fence=number, recovering=True)


def park(lease: Lease) -> None:
    """Keep the lease for a person: help from outside must not undo what was decided."""
    change(lease, parked=True)


def change(
    lease: Lease,
    *,
    append: Mapping[str, Sequence[str]] | None = None,
    remove: tuple[str, ...] = (),
    **values: object,
) -> Lease:
    """Set and remove attributes of a lease that must still be held under this fence, and `append`
    to its lists.

    Raises `LeaseLost`.
    """
    ours = is_ours(lease.holder, lease.fence)
    try:
        item = table.change(
            Change(lease_key(lease.split), ours, set=values, append=append or {}, remove=remove)
        )
    except ConditionFailed as failed:
        raise lost(lease_of(lease.split, failed.item), lease.fence) from failed
    return lease_of(lease.split, item)


def shortened(lease: Lease) -> Lease:
    """A release that waits again and again, or whose split somebody writes each minute, has more
    moments than an item takes: those in the middle are left out."""
    by = shortening(lease.moments)
    if by is None:
        return lease
    # Others add at the end, so that places before it stay; who has shortened it has changed one.
    is_same = Attr(f"moments[{by.start}]").eq(lease.moments[by.start])
    try:
        item = table.change(
            Change(
                lease_key(lease.split),
                is_ours(lease.holder, lease.fence) & is_same,
                shorten={"moments": by},
            )
        )
    except ConditionFailed:
        return lease
    return lease_of(lease.split, item)


def release_of(lease: Lease) -> Release:
    """What the holder releases, or the last one did. Raises `DocumentUnreadable`."""
    return ledger.release_of(lease.execution)
