"""Past: the releases of a service as the ledger has them, and one of them in full."""

from datetime import UTC, date, datetime, timedelta

from stepcanary import clock
from stepcanary.contracts.questions import (
    History,
    HistoryQuestion,
    PastRelease,
    ReleaseStory,
    ShowQuestion,
    StoryEvent,
)
from stepcanary.control import picturing, status
from stepcanary.domain import delivery
from stepcanary.domain.delivery import Delivered
from stepcanary.domain.model import Document
from stepcanary.domain.release import Release
from stepcanary.errors import DocumentUnreadable, RequestRejected
from stepcanary.store import leases, ledger, profiles
from stepcanary.store.ledger import RECORDS_PER_PAGE, Record, Records
from stepcanary.store.table import Item

ONE_DAY, DAYS = timedelta(days=1), timedelta(days=7)
MOST_DAYS = 31
"""Reads of one answer, where no day has more than a page."""
MOST_EVENTS = 500
"""A release accepts 200 signals, and others write a few notes."""


def history(question: HistoryQuestion) -> History:
    """Raises `ProfileMissing` for a service of which there is neither a release nor a profile, and
    `RequestRejected` for a day that there is not."""
    since = _day(question.since)
    if question.service is None:
        page = _of_all(since or clock.now().date() - DAYS, question.after)
    else:
        page = _of_service(question.service, since, question.after)
    found = delivery.figures([_change(record) for record in page.records])
    return History(
        service=question.service or "",
        releases=[_past(record) for record in page.records],
        after=page.after,
        delivery=found,
        summary=delivery.summary(found),
    )


def _change(record: Record) -> Delivered:
    return Delivered(
        record.service,
        record.outcome,
        record.started_at,
        record.updated_at,
        pushed_at=record.origin.pushed_second,
        is_rollback=record.is_rollback,
        restored_seconds=record.restored_seconds,
    )


def _day(since: str) -> date | None:
    try:
        return date.fromisoformat(since) if since else None
    except ValueError as error:
        raise RequestRejected(f"since: there is no day {since}; write it as 2026-11-20") from error


def _of_service(service: str, since: date | None, after: str) -> Records:
    if after.startswith("day#"):
        raise RequestRejected("after: it goes on with all services; leave the service out")
    page = ledger.releases_of_service(service, after)
    if not page.records and not after:
        profiles.stored(service)
    if since is None:
        return page
    begins = datetime(since.year, since.month, since.day, tzinfo=UTC).timestamp()
    kept = [record for record in page.records if record.started_at >= begins]
    return Records(kept, page.after if len(kept) == len(page.records) else None)


def _of_all(since: date, after: str) -> Records:
    """A page has the releases of some days, the newest first; a day is one read or more."""
    if after.startswith("release#"):
        raise RequestRejected("after: it goes on with one service; name it")
    _, day, mark = after.split("#", 2) if after else ("", clock.now().date().isoformat(), "")
    at, found = _day(day) or since, list[Record]()
    if at < since:
        return Records(found, None)
    for _ in range(MOST_DAYS):
        page = ledger.releases_of_day(at.isoformat(), mark)
        found += page.records
        if page.after is not None:
            return Records(found, f"day#{at}#{page.after}")
        if at == since:
            return Records(found, None)
        at, mark = at - ONE_DAY, ""
        if len(found) >= RECORDS_PER_PAGE:
            break
    return Records(found, f"day#{at}#")


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
        rollback=record.is_rollback,
        restored_seconds=record.restored_seconds,
        **record.origin.model_dump(),
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
        f"release: no release of {name} has begun yet; a request that was rejected is only in the"
        " executions of the state machine"
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
