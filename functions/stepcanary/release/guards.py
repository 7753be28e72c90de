"""Guards: what stops a release from outside: alarms and foreign writes."""

from stepcanary.aws import cloudwatch
from stepcanary.domain.lease import Lease
from stepcanary.domain.release import Release
from stepcanary.domain.verdict import Alarm
from stepcanary.errors import CanaryAlarmed, SplitDrifted
from stepcanary.release import routes
from stepcanary.store import leases
from stepcanary.traffic.router import Reading


def alarms(release: Release, lease: Lease) -> list[Alarm]:
    """The alarms as they stand, and whether each has fired since the release began.

    The second line behind the event: EventBridge may lose one, and an alarm may clear again.
    """
    return cloudwatch.describe_alarms(release.alarms, lease.since)


def fired(release: Release, lease: Lease) -> str | None:
    """Which alarms have fired since the release began, in a sentence; None when none has."""
    return fired_of(alarms(release, lease))


def fired_of(found: list[Alarm]) -> str | None:
    """Which of these have fired, in a sentence."""
    sentences = [f"alarm {a.name} fired ({a.reason[:300]})" for a in found if a.fired]
    return "; ".join(sentences) or None


def gone_of(release: Release, found: list[Alarm]) -> str | None:
    """Which alarms of the release are not among these, in a sentence."""
    names = {alarm.name for alarm in found}
    gone = ", ".join(name for name in release.alarms if name not in names)
    return f"alarm {gone} no longer exists" if gone else None


def require_silent(release: Release, lease: Lease) -> None:
    """Raises `CanaryAlarmed` when an alarm has fired since the release began."""
    if alarmed := fired(release, lease):
        raise CanaryAlarmed(alarmed)


def require_unchanged(release: Release, lease: Lease, *, members: bool = True) -> None:
    """Raises `SplitDrifted` when somebody else wrote a route; without `members`, its weights."""
    if drift := routes.drift(release, lease, members=members):
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
