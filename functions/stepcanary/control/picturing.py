"""Picturing: the picture of a release from the ledger, and of one that runs from AWS as well."""

from contextlib import suppress

from pydantic import ValidationError

from stepcanary import clock
from stepcanary.access import entered
from stepcanary.contracts.actions import RunningRelease
from stepcanary.contracts.questions import StoryEvent
from stepcanary.domain import moments
from stepcanary.domain.content import Content
from stepcanary.domain.drawing import SECOND, Evidence, draw
from stepcanary.domain.judged import Judged
from stepcanary.domain.lease import Lease
from stepcanary.domain.picture import Picture, Tasks
from stepcanary.domain.release import Release
from stepcanary.domain.revisions import short_name
from stepcanary.domain.signals import Signal
from stepcanary.domain.split import SideName
from stepcanary.errors import AwsRefused, AwsUnavailable
from stepcanary.release import world
from stepcanary.release.comparing import standing
from stepcanary.store import ledger, tolls
from stepcanary.store.ledger import VERDICT, Record


def picture(
    release: Release,
    *,
    record: Record | None,
    lease: Lease | None,
    now: RunningRelease | None,
    content: Content | None,
    events: list[StoryEvent],
) -> Picture:
    """Of a release with its record and, where it holds one still, its lease and how that stands."""
    runs = record is None or record.outcome == ledger.RUNNING
    kept = lease.moments if lease else ledger.moments(release.execution)
    began = record.started_at if record else lease.since if lease else clock.epoch_seconds()
    return draw(
        Evidence(
            release=release,
            now=clock.epoch_milliseconds(),
            started_at=began * SECOND,
            moments=moments.read(kept),
            verdicts=_verdicts(events),
            signals=_signals(events, lease),
            compared=standing(release),
            tolls=tolls.read(release.execution),
            changes=ledger.changes(release.execution),
            content=content or (lease.content if lease else {}),
            phase=lease.stage.phase if lease else "opening",
            alive=now.alive if now else True,
            outcome=record.outcome if record else ledger.RUNNING,
            cause=record.cause if record else "",
            ended_at=None if runs or record is None else record.updated_at * SECOND,
            waits=bool(now and now.alive and lease and lease.token),
            wait=lease.wait if lease else 0,
            offers=lease.offers if lease else [],
            tasks=_tasks(release) if lease else {},
            routes=now.splits if now else {},
        )
    )


def _verdicts(events: list[StoryEvent]) -> list[Judged]:
    found = []
    for event in events:
        if event.kind == VERDICT:
            # Another version of this stack may say more, or something else.
            with suppress(ValidationError):
                found.append(
                    Judged.model_validate(event.detail[VERDICT], extra="ignore", strict=False)
                )
    return found


def _signals(events: list[StoryEvent], lease: Lease | None) -> list[Signal]:
    found = []
    for event in events:
        if event.kind == "signal":
            with suppress(ValidationError):
                found.append(Signal.model_validate(event.detail["signal"], extra="ignore"))
    if lease is not None and lease.signal is not None and lease.signal not in found:
        # An alarm's is noted when the release is over.
        found.append(lease.signal)
    return found


def _tasks(release: Release) -> dict[SideName, Tasks]:
    """Nothing where ECS does not say: the rest has to be seen all the more."""
    try:
        with entered(release.access):
            sides = world.see(release)
    except (AwsRefused, AwsUnavailable):
        return {}
    both: tuple[SideName, SideName] = ("primary", "canary")
    return {
        side: Tasks(
            service=sides.of(side).name,
            revision=short_name(sides.of(side).task_definition),
            desired=sides.of(side).desired,
            running=sides.of(side).running,
        )
        for side in both
    }
