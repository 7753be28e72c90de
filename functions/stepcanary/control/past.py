"""Past: the releases of a service as the ledger has them, and one of them in full."""

from stepcanary.contracts.questions import (
    History,
    HistoryQuestion,
    PastRelease,
    ReleaseStory,
    ShowQuestion,
    StoryEvent,
)
from stepcanary.control import picturing, status
from stepcanary.domain.model import Document
from stepcanary.domain.release import Release
from stepcanary.errors import DocumentUnreadable, RequestRejected
from stepcanary.store import leases, ledger, profiles
from stepcanary.store.ledger import Record
from stepcanary.store.table import Item

MOST_EVENTS = 500
"""A release accepts 200 signals, and others write a few notes."""


def history(question: HistoryQuestion) -> History:
    """Raises `ProfileMissing` for a service of which there is neither a release nor a profile."""
    page = ledger.releases_of_service(question.service, question.after)
    if not page.records and not question.after:
        profiles.stored(question.service)
    return History(
        service=question.service,
        releases=[_past(record) for record in page.records],
        after=page.after,
    )


def _past(record: Record) -> PastRelease:
    runs = record.outcome == ledger.RUNNING
    return PastRelease(
        execution=record.execution,
        service=record.service,
        outcome=record.outcome,
        cause=record.cause,
        by=record.by,
        started_at=record.started_at,
        ended_at=None if runs else record.updated_at,
        seconds=None if runs else record.updated_at - record.started_at,
    )


def show(question: ShowQuestion) -> ReleaseStory:
    """Raises `RequestRejected` where the ledger has no such release."""
    execution = named(question.release)
    try:
        release = ledger.release_of(execution)
    except DocumentUnreadable as unreadable:
        raise RequestRejected(f"release: {unreadable}") from unreadable
    record = ledger.record_of(execution)
    held = [
        lease for lease in leases.of_service(release.service) if lease.holder == release.execution
    ]
    now = status.running(held[0]) if held else None
    content = ledger.shipped(execution).content
    events = _events(execution)
    return ReleaseStory(
        execution=release.execution,
        service=release.service,
        past=_past(record) if record else None,
        now=now,
        plan=_told(release),
        content=content,
        events=events,
        picture=picturing.picture(
            release,
            record=record,
            lease=held[0] if held else None,
            now=now,
            content=content or None,
            events=events,
        ),
    )


def named(name: str) -> str:
    """By its ARN or name, or by the service that it releases."""
    if name.startswith("arn:") or ledger.has_document(name):
        return name
    if leased := leases.of_service(name):
        return leased[0].holder
    if records := ledger.releases_of_service(name).records:
        return records[0].execution
    profiles.stored(name)
    raise RequestRejected(
        f"release: {name} has had no release that began; a request that was rejected is only in"
        " the executions of the state machine"
    )


def _told(release: Release) -> Document:
    """Without the external id, which is the key to a role."""
    document: Document = release.model_dump(mode="json", exclude={"account": {"external_id"}})
    return document


def _events(execution: str) -> list[StoryEvent]:
    found: list[Item] = []
    after: str | None = ""
    while after is not None and len(found) < MOST_EVENTS:
        page = ledger.story(execution, after)
        found += page.events
        after = page.after
    return [
        StoryEvent(
            at=int(item["sk"].split("#")[1]), kind=item["kind"], detail=ledger.detail_of(item)
        )
        for item in found
    ]
