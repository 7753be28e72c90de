"""Looks: what the sweep sees of the releases that live, and reverts where there is a doubt.

What it asks of AWS is asked for many releases at a time, and never takes more than half of a
published rate.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from stepcanary import clock
from stepcanary.access import entered
from stepcanary.aws import cloudwatch, stepfunctions
from stepcanary.domain.account import by_account
from stepcanary.domain.alarms import Described
from stepcanary.domain.lease import Lease
from stepcanary.domain.release import Release
from stepcanary.domain.signals import Signal
from stepcanary.domain.stage import OPENING, RETURNING, ROLLOUT
from stepcanary.domain.verdict import alarming_of
from stepcanary.errors import (
    AwsRefused,
    AwsUnavailable,
    DocumentUnreadable,
    ForeignDeployment,
    LeaseLost,
    SignalRefused,
    StageOver,
)
from stepcanary.observability import about, execution_name, logger
from stepcanary.release import floors, guards, revert, signalling, world
from stepcanary.release.pace import Pace, in_turn
from stepcanary.release.world import Sides
from stepcanary.store import leases
from stepcanary.traffic.alb import RULES_PER_CALL
from stepcanary.traffic.factory import read_together
from stepcanary.traffic.router import Reading

LOOKS_PER_SECOND = 1.5
"""Each asks for the canary's targets: a sixth of what ELB gives an account for all its reads; see
https://docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-throttling.html"""

MOST_READ_A_SWEEP = 60
"""Routes, twenty to a call. Services and alarms are read of all releases."""

MOST_TARGETS_A_SWEEP = 20
"""Each is a call of its own."""

Waiting = tuple[Lease, Release]


def sentence(lease: Lease, reason: str) -> str:
    """For a person, on one release."""
    return f"{lease.split}, {lease.holder}: {reason}"


def look_after(living: list[Lease]) -> list[str]:
    """The second line for releases that wait, at a gate perhaps for a day.

    A task may have died, an alarm's event been lost, a signal kept but not handed over, a version
    been deployed, a route been written by others. What a person has to know is the answer.
    """
    stranded = []
    waiting: list[Waiting] = []
    for lease in living:
        if lease.stage == OPENING or (_handed_over(lease) and lease.stage < RETURNING):
            continue
        try:
            waiting.append((lease, leases.release_of(lease)))
        except DocumentUnreadable as unreadable:
            stranded.append(sentence(lease, str(unreadable)))
    if not waiting:
        return stranded
    # What one account refuses is seen of no release there, and of all others all the same.
    together = by_account(release for _, release in waiting)
    seen = {account: _see_together(releases) for account, releases in together.items()}
    pace = Pace(LOOKS_PER_SECOND)
    for (lease, release), look in _looks(waiting):
        if look.targets:
            pace.wait()
        elif seen[release.account].is_incomplete:
            # Each has to be read by itself, and not all can have that in one minute.
            continue
        try:
            with about(release.execution), entered(release.access):
                stranded += _look_after(lease, release, seen[release.account], look)
        except (AwsUnavailable, LeaseLost, StageOver):
            # Not seen, or it has gone on meanwhile.
            continue
        except Exception as error:
            of_release = {"split": lease.split, "release": execution_name(release.execution)}
            logger.exception("no look at a release", extra=of_release)
            stranded.append(sentence(lease, f"{type(error).__name__}: {error}"))
    return stranded


@dataclass(frozen=True, slots=True)
class Look:
    """How much is asked about one release this time: whether the canary's targets are, and the
    tasks of what somebody deployed again, each of which is a call of its own; and the
    routes that were read together, if it is its turn."""

    targets: bool
    routes: dict[str, Reading] | None


def _looks(waiting: list[Waiting]) -> Iterator[tuple[Waiting, Look]]:
    """Each release with what is asked about it; those whose turn it is come first."""
    everybody = range(len(waiting))
    turn = clock.epoch_seconds() // 60
    first = in_turn(everybody, MOST_READ_A_SWEEP, turn)
    targets = frozenset(in_turn(first, MOST_TARGETS_A_SWEEP, turn))
    for begin in range(0, len(first), RULES_PER_CALL):
        some = first[begin : begin + RULES_PER_CALL]
        together = _read_together([waiting[index][1] for index in some])
        for index in some:
            yield waiting[index], Look(index in targets, together)
    for index in sorted(set(everybody) - set(first)):
        yield waiting[index], Look(targets=False, routes=None)


def _read_together(releases: list[Release]) -> dict[str, Reading]:
    found: dict[str, Reading] = {}
    for some in by_account(releases).values():
        with entered(some[0].access):
            found |= read_together([traffic for release in some for traffic in release.traffic])
    return found


@dataclass(frozen=True, slots=True)
class Seen:
    """What was read of many releases of one account together. Where that failed it is None, for
    one release may spoil it for all, and each is read by itself."""

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
    with entered(releases[0].access):
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
        doubt = alarming_of(release.alarms, alarms)
    if doubt is None and look.routes is not None:
        doubt = guards.moved(release, lease, look.routes)
    if doubt is not None and lease.stage < RETURNING:
        _revert(lease, release.service, doubt)
    elif _lacks_tasks(lease, release, sides):
        _care_for_capacity(lease, release)
    return [sentence(lease, helpless)] if helpless else []


def _lacks_tasks(lease: Lease, release: Release, sides: Sides) -> bool:
    """Whether there is anything to do about counts."""
    is_due = lease.scales_at is not None and lease.scales_at <= clock.epoch_seconds()
    needed = _canary_tasks(lease, release, sides)
    few = sides.primary.desired < release.primary_tasks or sides.canary.desired < needed
    return is_due or few


def _canary_tasks(lease: Lease, release: Release, sides: Sides) -> int:
    """What the canary is to have by now, also if the primary has scaled out since the shift."""
    if lease.stage != ROLLOUT or not lease.weight:
        return 0
    return world.as_large_as_primary(release, sides).sizing.tasks(lease.weight)


def _care_for_capacity(lease: Lease, release: Release) -> None:
    """What was read of many may be old by now, so it is read again."""
    sides = world.see(release)
    lease = floors.try_to_keep_count(release, lease, sides.primary)
    floors.follow(release, lease, sides)
    floors.grow(release, sides.canary, _canary_tasks(lease, release, sides))


def _doubt(
    lease: Lease, release: Release, sides: Sides, *, targets: bool
) -> tuple[str | None, str | None]:
    """Why the release should revert, and what a person has to know, for all that its two services
    show."""
    try:
        world.require_own(release, lease, sides, tasks=targets)
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
        _revert(lease, release.service, found)
    return [sentence(lease, found)]


def _revert(lease: Lease, service: str, reason: str) -> None:
    now = clock.epoch_seconds()
    signal = Signal(kind="revert", reason=reason[:1_000], by="the sweep", at=now)
    with suppress(SignalRefused):
        signalling.doubt(lease, signal, service)
