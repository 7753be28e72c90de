"""Guards: what stops a release from outside: alarms, signals and foreign writes."""

from stepcanary.aws import cloudwatch
from stepcanary.domain.lease import Lease
from stepcanary.domain.release import Release
from stepcanary.domain.verdict import Alarm
from stepcanary.errors import CanaryAlarmed, RevertRequested, SplitDrifted
from stepcanary.release.routes import foreign_writes, read
from stepcanary.store import leases


def alarms(release: Release, lease: Lease) -> list[Alarm]:
    """The alarms as they stand, and whether each has fired since the release began.

    The second line behind the event: EventBridge may lose one, and an alarm may clear again.
    """
    return cloudwatch.describe_alarms(release.alarms, lease.since)


def fired(release: Release, lease: Lease) -> str | None:
    """Which alarms have fired since the release began, in a sentence; None when none has."""
    found = [alarm for alarm in alarms(release, lease) if alarm.fired]
    if not found:
        return None
    return "; ".join(f"alarm {alarm.name} fired ({alarm.reason[:300]})" for alarm in found)


def require_unchanged(release: Release, lease: Lease) -> None:
    """Raises `SplitDrifted` when somebody else wrote a route."""
    if drift := foreign_writes(release, lease, read(release)):
        raise SplitDrifted(drift)


def require_undisturbed(release: Release, lease: Lease) -> None:
    """Raise if a revert is pending, a route was changed by others, or an alarm fired.

    `RevertRequested`, `SplitDrifted` or `CanaryAlarmed`; for a phase that waits for ECS.
    """
    if lease.reverting:
        raise RevertRequested(str(lease.signal))
    require_unchanged(release, lease)
    if alarmed := fired(release, lease):
        raise CanaryAlarmed(alarmed)


def _known(lease: Lease) -> tuple[object, ...]:
    return lease.weight, lease.target, lease.versions


def doubt(release: Release, lease: Lease) -> str | None:
    """Why a release that waits should revert, seen by somebody who is not its execution."""
    moved = foreign_writes(release, lease, read(release))
    # A shift under way writes down what it is about to do first: then the lease has changed.
    if moved and _known(leases.read(lease.split)) == _known(lease):
        return moved
    return fired(release, lease)
