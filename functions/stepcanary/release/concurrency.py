"""Concurrency: what a release does while another has its split, as its profile says."""

from collections.abc import Collection
from contextlib import suppress

from stepcanary import clock
from stepcanary.aws import stepfunctions
from stepcanary.contracts.answers import PlanAnswer
from stepcanary.domain.patience import LONGEST_TURN_SECONDS, before_next_turn
from stepcanary.domain.profile import Profile
from stepcanary.domain.release import Release
from stepcanary.domain.request import Request
from stepcanary.domain.signals import Signal
from stepcanary.errors import RequestRejected, SignalRefused, SplitTaken
from stepcanary.release import starting, telling
from stepcanary.release.plan import check_possible, plan_release, resolve
from stepcanary.release.signalling import deliver
from stepcanary.store import leases, pushes, queue, senders


def plan_in_turn(
    execution: str,
    document: object,
    *,
    waited: bool,
    begins: bool,
    may_be_lost: Collection[str] = (),
    last_try: bool = True,
) -> PlanAnswer:
    """The release, or how long it has to wait while another has its split. It `begins` after it
    has had its turn among those that were started at once. `may_be_lost` has unknown members, and
    `last_try` is as in `plan_release`.

    Raises `RequestRejected` where it may not wait, was overtaken or has waited too long.
    """
    request, profile = resolve(document)
    if begins and not waited:
        starting.begin(execution, request.service)
    split = min(traffic.key(execution) for traffic in profile.traffic)
    try:
        _require_newest_push(execution, request)
        return _plan_or_wait(
            execution,
            split,
            request,
            profile,
            waited=waited,
            may_be_lost=may_be_lost,
            last_try=last_try,
        )
    except RequestRejected:
        if waited:
            queue.leave(split, request.service, execution)
        raise


def _plan_or_wait(
    execution: str,
    split: str,
    request: Request,
    profile: Profile,
    *,
    waited: bool,
    may_be_lost: Collection[str],
    last_try: bool,
) -> PlanAnswer:
    waits_for = _require_place(split, request.service, execution) if waited else 0
    try:
        release = plan_release(execution, request, profile, may_be_lost, last_try=last_try)
        return PlanAnswer(accepted=True, release=release, cost=release.cost)
    except SplitTaken as busy:
        if profile.concurrency == "reject" or request.action == "rollback":
            raise
        check_possible(execution, request, profile, may_be_lost)
        if not waited:
            _take_place(split, request.service, execution, busy)
            by = senders.named(execution, request.by)
            telling.queued(execution, request.service, by, busy.holder)
        if profile.concurrency == "supersede":
            _supersede(busy, execution)
        return PlanAnswer(accepted=False, waits=True, wait_seconds=before_next_turn(waits_for))


def _require_newest_push(execution: str, request: Request) -> None:
    """Of two pushes that are obeyed in one moment the older one may be started last."""
    sender = senders.of_execution(execution, request.by)
    newest = pushes.newest(request.service) if sender is not None and sender.digest else None
    if newest is not None and sender is not None and newest.digest != sender.digest:
        raise RequestRejected(
            f"images: {newest.digest} was pushed after what this release is for; its release comes"
            " instead"
        )


def _take_place(split: str, service: str, execution: str, busy: SplitTaken) -> None:
    """Whoever was started later waits, in the place of whoever was earlier."""
    started_at = stepfunctions.running_since(execution)
    if started_at is None:
        # A second delivery of what has come to its end.
        raise busy
    if not queue.enqueue(split, service, execution, started_at):
        raise RequestRejected("traffic: a newer release is already waiting for this split")


def _require_place(split: str, service: str, execution: str) -> int:
    """For how many seconds it has waited. Only the newest queued release may proceed, even if the
    split is free by now."""
    place = queue.queued(split)
    if place is None or place.execution != execution:
        if mine := queue.withdrawn(service, execution):
            # Its place is free for anybody, whether newer or not.
            leases.require_not_withdrawn(mine)
        newer = place.execution if place else "a newer release"
        raise RequestRejected(f"traffic: {newer} is newer and takes this place in the queue")
    leases.require_not_withdrawn(place)
    waits_for = clock.epoch_seconds() - place.since
    if waits_for > LONGEST_TURN_SECONDS:
        raise RequestRejected(
            f"traffic: the split was not free for {LONGEST_TURN_SECONDS} s; start again"
        )
    return waits_for


def overtake(release: Release) -> None:
    """Whoever waits for the split of a newer release of the same service, which has it now, waits
    in vain: it would bring back an older version."""
    place = queue.queued(release.split)
    if place is None or place.execution == release.execution:
        return
    if place.is_overtaken_by(release.service, stepfunctions.running_since(release.execution)):
        queue.leave(release.split, place.service or release.service, place.execution)


def give_up_place(release: Release) -> None:
    """For a release that was refused when it was its turn."""
    queue.leave(release.split, release.service, release.execution)


def _supersede(busy: SplitTaken, execution: str) -> None:
    signal = Signal(
        kind="revert",
        reason="a newer release takes its place",
        by=f"execution {execution}",
        at=clock.epoch_seconds(),
    )
    lease = leases.read(busy.split)
    if lease.holder == busy.holder and not lease.reverting:
        # Its traffic may be returning already, which is all that is wanted.
        with suppress(SignalRefused):
            deliver(lease, signal)
