"""Guards: what stops a release from outside: alarms and foreign writes."""

from stepcanary import clock
from stepcanary.aws import cloudwatch
from stepcanary.domain.deployment import is_overdue
from stepcanary.domain.lease import Lease
from stepcanary.domain.release import Release
from stepcanary.domain.verdict import MEND, Alarm, alarming_of, blind_of, fired_of
from stepcanary.errors import CanaryAlarmed, SplitDrifted
from stepcanary.release import routes
from stepcanary.store import leases, stages
from stepcanary.traffic.router import Reading


def alarms(release: Release, lease: Lease) -> list[Alarm]:
    """The alarms as they stand, and whether each has fired since the release began.

    The second line behind the event: EventBridge may lose one, and an alarm may clear again.
    """
    return cloudwatch.describe_alarms(release.alarms, lease.since)


def fired(release: Release, lease: Lease) -> str | None:
    """Which alarms have fired since the release began, in a sentence; None when none has."""
    return fired_of(alarms(release, lease))


def require_last_word(release: Release, lease: Lease, deadline_at: int) -> bool:
    """Whether every alarm can see and none has fired, right before all weight is returned.

    An alarm without data has had its verdict. Over one that is blind only a person's promote goes
    on: False says to look again until the deadline, in epoch seconds. Raises `CanaryAlarmed` when
    an alarm has fired or is gone, or is blind at the deadline.
    """
    found = alarms(release, lease)
    why = alarming_of(release.alarms, found)
    blind = None if lease.was_promoted else blind_of(found)
    if blind and not why and is_overdue(clock.now(), deadline_at):
        why = f"{blind}, and did not until the deadline, so nothing judges the primary. {MEND}"
    if why:
        raise CanaryAlarmed(why)
    return blind is None


def require_unchanged(release: Release, lease: Lease, *, members: bool = True) -> None:
    """Raises `SplitDrifted` when somebody else wrote a route; without `members`, its weights."""
    if drift := routes.drift(release, lease, members=members):
        now = leases.read(lease.split)
        if now.holder == lease.holder and now.stage > lease.stage:
            # Who heard of an alarm has returned the traffic meanwhile.
            stages.require_no_revert(now)
        raise SplitDrifted(drift)


def _known(lease: Lease) -> tuple[object, ...]:
    return lease.weight, lease.target, lease.versions


def moved(release: Release, lease: Lease, together: dict[str, Reading]) -> str | None:
    """What somebody else wrote, seen by somebody who is not the release's execution.

    The lease is read anew: it may be old by now, and the release have gone on. So may what was read
    `together` with the routes of other releases, and what surprises is read again.
    """
    lease = leases.read(lease.split)
    if routes.as_left(release, lease, together):
        return None
    drift = routes.drift(release, lease)
    # A shift under way writes down what it is about to do first: then the lease has changed.
    if drift and _known(leases.read(lease.split)) == _known(lease):
        return drift
    return None
