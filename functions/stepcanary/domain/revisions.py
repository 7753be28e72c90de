"""Revisions: which task definitions a side of a release may run, and what others deployed."""

from stepcanary.domain.capacity import Rolling
from stepcanary.domain.deployment import Service
from stepcanary.domain.lease import Lease
from stepcanary.domain.release import Release
from stepcanary.domain.split import SideName


def short_name(arn: str) -> str:
    """`family:revision` of the ARN of a task definition."""
    return arn.rpartition("/")[2]


def is_old(release: Release, lease: Lease, arn: str) -> bool:
    """Whether this is what the primary ran before the release, or the copy of it."""
    return arn == release.primary.task_definition or (bool(lease.copy) and arn == lease.copy)


def rolling_of(release: Release, lease: Lease, primary: Service) -> Rolling:
    """What runs on a primary that this release replaces, or that gets its old version back."""
    old = sum(
        int(deployment.get("runningCount", 0))
        for deployment in primary.deployments
        if is_old(release, lease, deployment["taskDefinition"])
    )
    return Rolling(old, kept=primary.keeps_count)


def foreign_revision(
    release: Release, lease: Lease, side: SideName, service: Service
) -> str | None:
    """What somebody else has deployed to this side, in a sentence; None where all is ours.

    Once the canary has weight nothing but this release's revision is right there. Before, it may
    run what it ran at rest. The primary may run its old version, and the new one once it was
    touched. A new deployment of the same revision is no other version, and what this release has
    not noted, as before its first deployment, is nobody's.
    """
    running = service.task_definition
    if not service.deployments or not running:
        return None
    if side == "canary":
        at_rest = lease.weight == 0 and running == release.canary.task_definition
        known = at_rest or lease.canary_revision in ("", running)
    else:
        new = lease.touched and lease.primary_revision in ("", running)
        known = new or is_old(release, lease, running)
    if known:
        return None
    return foreign_sentence(side, service)


def foreign_sentence(side: SideName, service: Service) -> str:
    running = short_name(service.task_definition)
    return f"somebody else deployed {running} to the {side} {service.name}"
