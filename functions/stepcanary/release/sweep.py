"""Sweep: the look from outside at every release that holds a split, and at a few splits at rest.

It is the second line behind the state machine: the schedule calls it each minute, and the rule on
dead executions calls it at once for one of them. What it asks of AWS is asked for many releases at
a time, and never takes more than half of a published rate.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from stepcanary import clock
from stepcanary.aws import cloudwatch, stepfunctions
from stepcanary.aws.cloudwatch import Described
from stepcanary.contracts.answers import Sweep
from stepcanary.domain.lease import Lease
from stepcanary.domain.release import Release
from stepcanary.domain.signals import Signal
from stepcanary.domain.stage import OPENING, RETURNING
from stepcanary.errors import (
    AwsRefused,
    AwsUnavailable,
    DocumentUnreadable,
    ForeignDeployment,
    LeaseLost,
    RequestRejected,
    SignalRefused,
    StageOver,
)
from stepcanary.observability import logger
from stepcanary.release import guards, recovery, retiring, revert, world
from stepcanary.release.holder import is_alive
from stepcanary.release.pace import Pace, in_turn
from stepcanary.release.signalling import deliver
from stepcanary.release.world import Sides
from stepcanary.store import leases, ledger, rest
from stepcanary.store.rest import Resting
from stepcanary.traffic.alb import RULES_PER_CALL
from stepcanary.traffic.factory import read_of, read_together, router_for
from stepcanary.traffic.router import Reading

LOOKS_PER_SECOND = 1.5
"""Each asks for the canary's targets: a sixth of what ELB gives an account for all its reads; see
https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-throttling.html"""

MOST_READ_A_SWEEP = 60
"""Routes; targets of half as many. So it ends before the next one begins. Services and alarms are
read of all releases."""

EXECUTIONS_PER_SECOND = 5.0
"""Half of what Step Functions gives DescribeExecution in its smaller Regions."""


def sweep() -> Sweep:
    """Bring home every release whose execution is dead, look after the living, and do what is due.

    A split that nobody holds is only looked at: who moved it by hand may want it so.
    """
    recovered: list[str] = []
    stranded: list[str] = []
    living, dead = _told_apart(leases.held())
    for lease in dead:
        stranded += _bring_home(lease, recovered)
    # What is known of the others is reported all the same.
    looks: list[tuple[str, Callable[[], list[str]]]] = [
        ("the releases", lambda: look_after(living)),
        ("the splits at rest", look_at_rest),
    ]
    for name, look in looks:
        try:
            stranded += look()
        except Exception as error:
            logger.exception("a look failed", extra={"at": name})
            stranded.append(f"{name} could not be looked at: {error}")
    return Sweep(recovered=recovered, stranded=stranded, left=_work_off())


def _work_off() -> list[str]:
    try:
        return retiring.work_off()
    except Exception as error:
        logger.exception("what is due was not done")
        return [f"what is due could not be done: {error}"]


def bring_home(execution: str) -> Sweep:
    """The release of one execution, which has just ended."""
    recovered: list[str] = []
    try:
        lease = leases.read(ledger.release_of(execution).split)
    except DocumentUnreadable:
        # It never took a split.
        return Sweep(recovered=[], stranded=[])
    stranded: list[str] = []
    if lease.holder == execution and (lease.recovering or not is_alive(lease)):
        stranded = _bring_home(lease, recovered)
    return Sweep(recovered=recovered, stranded=stranded)


def _told_apart(held: list[Lease]) -> tuple[list[Lease], list[Lease]]:
    """Leases of executions that may still act, and of those that are dead."""
    if not held:
        return [], []
    try:
        running = stepfunctions.running_executions()
    except (AwsRefused, AwsUnavailable):
        running = frozenset()
    pace = Pace(EXECUTIONS_PER_SECOND)
    living: list[Lease] = []
    dead: list[Lease] = []
    for lease in held:
        alive = not lease.recovering and lease.holder in running
        if not alive and not lease.recovering:
            pace.wait()
            alive = _may_live(lease)
        (living if alive else dead).append(lease)
    return living, dead


def _may_live(lease: Lease) -> bool:
    try:
        return is_alive(lease)
    except (AwsRefused, AwsUnavailable):
        # Not seen is not dead; the next minute brings the next look.
        return True


def _bring_home(lease: Lease, recovered: list[str]) -> list[str]:
    """What keeps the split from its rest, for a person."""
    try:
        release = leases.release_of(lease)
        if recovery.recover(lease, release) is not None:
            recovered.append(lease.holder)
            return []
        reason = recovery.under_way(lease, release)
    except LeaseLost:
        # It was closed or taken over while we looked.
        return []
    except Exception as error:
        # Whatever one lease's trouble is, the others are helped.
        logger.exception("no help for a lease", extra={"split": lease.split})
        reason = f"{type(error).__name__}: {error}"
    return [_sentence(lease, reason)] if reason else []


def _sentence(lease: Lease, reason: str) -> str:
    return f"{lease.split}, {lease.holder}: {reason}"


def look_after(living: list[Lease]) -> list[str]:
    """The second line for releases that wait, at a gate perhaps for a day.

    A task may have died, an alarm's event been lost, a signal kept but not handed over, a version
    been deployed, a route been written by others. What a person has to know is the answer.
    """
    stranded = []
    waiting: list[tuple[Lease, Release]] = []
    for lease in living:
        if lease.stage == OPENING or (lease.stage < RETURNING and _handed_over(lease)):
            continue
        try:
            waiting.append((lease, leases.release_of(lease)))
        except DocumentUnreadable as unreadable:
            stranded.append(_sentence(lease, str(unreadable)))
    if not waiting:
        return stranded
    seen = _see_together([release for _, release in waiting])
    pace = Pace(LOOKS_PER_SECOND)
    turn = clock.epoch_seconds() // 60
    whose_turn = in_turn(waiting, MOST_READ_A_SWEEP, turn)
    whose_targets = in_turn(waiting, MOST_READ_A_SWEEP // 2, turn)
    routes_of: dict[str, Reading] = {}
    looked = 0
    for lease, release in [*whose_turn, *(each for each in waiting if each not in whose_turn)]:
        reads_more = looked < len(whose_turn)
        if reads_more and looked % RULES_PER_CALL == 0:
            following = whose_turn[looked : looked + RULES_PER_CALL]
            routes_of = read_together([t for _, each in following for t in each.traffic])
        looked += 1
        asks = (lease, release) in whose_targets
        if asks:
            pace.wait()
        elif seen.is_incomplete:
            # Each has to be read by itself, and not all can have that in one minute.
            continue
        try:
            look = Look(asks, routes_of if reads_more else None)
            stranded += _look_after(lease, release, seen, look)
        except (AwsUnavailable, LeaseLost, StageOver):
            # Not seen, or it has gone on meanwhile.
            continue
        except Exception as error:
            logger.exception("no look at a release", extra={"split": lease.split})
            stranded.append(_sentence(lease, f"{type(error).__name__}: {error}"))
    return stranded


@dataclass(frozen=True, slots=True)
class Look:
    """How much is asked about one release this time: whether the canary's targets are, and the
    routes that were read together, if it is its turn."""

    targets: bool
    routes: dict[str, Reading] | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read of many releases together. Where that failed it is None, for one release may
    spoil it for all, and each is read by itself."""

    sides: dict[str, Sides] | None
    alarms: Described | None

    @property
    def is_incomplete(self) -> bool:
        return self.sides is None or self.alarms is None

    def sides_of(self, release: Release) -> Sides:
        return world.see(release) if self.sides is None else self.sides[release.execution]

    def alarms_of(self, release: Release) -> Described:
        return cloudwatch.describe(release.alarms) if self.alarms is None else self.alarms


def _see_together(releases: list[Release]) -> Seen:
    names = list(dict.fromkeys(name for release in releases for name in release.alarms))
    sides, alarms = None, None
    with suppress(AwsRefused, AwsUnavailable):
        sides = world.see_all(releases)
    with suppress(AwsRefused, AwsUnavailable):
        alarms = cloudwatch.describe(names)
    return Seen(sides, alarms)


def _handed_over(lease: Lease) -> bool:
    """Whether a revert is pending, which is all that a look could ask for."""
    if lease.signal is not None and lease.waits_for(lease.signal.kind):
        with suppress(AwsRefused, AwsUnavailable):
            stepfunctions.end_wait(lease.token, lease.signal)
    return lease.reverting


def _look_after(lease: Lease, release: Release, seen: Seen, look: Look) -> list[str]:
    """Revert where there is a doubt; what a person has to know."""
    sides = seen.sides_of(release)
    if lease.weight < 100 and lease.canary_revision and world.helpless(release, sides):
        return _lend(lease, release)
    if lease.stage == RETURNING:
        # Its own acts see to the rest.
        return []
    doubt, helpless = _doubt(lease, release, sides, targets=look.targets)
    if doubt is not None:
        # The services were read after the lease, and the release may have acted in between.
        sides = world.see(release)
        lease = leases.check(release, lease.fence)
        doubt, helpless = _doubt(lease, release, sides, targets=True)
    if doubt is None and lease.lent:
        doubt = "the primary served nothing for a time"
    if doubt is None:
        alarms = cloudwatch.alarms_of(seen.alarms_of(release), release.alarms, lease.since)
        doubt = guards.fired_of(alarms) or guards.gone_of(release, alarms)
    if doubt is None and look.routes is not None:
        doubt = guards.moved(release, lease, look.routes)
    if doubt is not None and lease.stage < RETURNING:
        _revert(lease, doubt)
    return [_sentence(lease, helpless)] if helpless else []


def _doubt(
    lease: Lease, release: Release, sides: Sides, *, targets: bool
) -> tuple[str | None, str | None]:
    """Why the release should revert, and what a person has to know, for all that its two services
    show."""
    try:
        world.require_own(release, lease, sides)
    except ForeignDeployment as found:
        return str(found), None
    state = world.look_at_canary(release, lease, sides, targets=targets)
    helpless = f"no side can carry the traffic: {state.short}; {state.primary}"
    leaves = state.leaves or (state.standing == "lost" and lease.touched)
    return (
        f"the canary cannot carry {lease.weight} %: {state.short}" if leaves else None,
        helpless if state.primary else None,
    )


def _lend(lease: Lease, release: Release) -> list[str]:
    """What was read of many may be old by now, so it is read again."""
    lease = leases.check(release, lease.fence)
    found = world.helpless(release, world.see(release))
    if found is None or lease.weight == 100:
        return []
    revert.lend(release, lease)
    if lease.stage < RETURNING:
        _revert(lease, found)
    return [_sentence(lease, found)]


def _revert(lease: Lease, reason: str) -> None:
    now = clock.epoch_seconds()
    signal = Signal(kind="revert", reason=reason[:1_000], by="the sweep", at=now)
    with suppress(SignalRefused):
        deliver(lease, signal)


def look_at_rest() -> list[str]:
    """Which splits somebody has moved since their last release, of a bounded number of looks."""
    looks = rest.next_looks()
    together = read_together([resting.traffic for resting in looks.looks])
    moved = list(looks.moved_before)
    for resting in looks.looks:
        try:
            is_moved = _is_moved(resting, together)
        except AwsUnavailable:
            # Not seen is what it was at the last look; its turn comes again.
            moved += [resting.split] if resting.moved else []
            continue
        except (AwsRefused, RequestRejected):
            # No route of ours any more; the next release of it will say so.
            continue
        if is_moved:
            rest.set_moved(resting)
            moved.append(resting.split)
        else:
            rest.set_rested(resting)
    rest.have_looked(looks)
    return [
        f"{split}, free: no release is running, but the split differs from what the last release"
        " left; find out who changed it"
        for split in moved
    ]


def _is_moved(resting: Resting, together: dict[str, Reading]) -> bool:
    lease = leases.read(resting.split)
    if lease.holder:
        return False
    router = router_for(resting.traffic)
    try:
        split = read_of(resting.traffic, together).split
    except AwsRefused as refused:
        if refused.code in router.missing:
            rest.forget(resting)
        raise
    # Somebody may have shifted it by hand, as an action that is in the ledger.
    return not (split.at_rest or split == split.with_weight(lease.left_at))
