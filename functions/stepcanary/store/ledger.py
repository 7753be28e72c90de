"""Ledger: what became of each release, and what happened within it.

A release's document is stored once; `service#…` and `day#…` have what a page of releases shows of
it. `stepcanary.store.table` has the keys.
"""

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from stepcanary import clock
from stepcanary.domain.content import Content
from stepcanary.domain.model import Document
from stepcanary.domain.origin import Origin
from stepcanary.domain.outcome import Outcome
from stepcanary.domain.release import Release
from stepcanary.domain.rollback import Good, remembered
from stepcanary.domain.signals import Signal
from stepcanary.errors import AwsRefused, AwsUnavailable, DocumentUnreadable
from stepcanary.observability import logger
from stepcanary.store import documents, table
from stepcanary.store.table import Change, Item, ItemKey, Put, execution_name

if TYPE_CHECKING:
    # Every function has the ledger, and few of them the comparison that comes with a verdict.
    from stepcanary.domain.judged import Judged

VERDICT = "verdict"
EVENT_KEYS = ("pk", "sk", "kind", "expires_at")
KEPT_SECONDS = 400 * 86_400
RUNNING: Outcome = "Running"
RELEASED: Outcome = "Released"
RECORDS_PER_PAGE = 50
NOWHERE = Origin()
"""Of a version of which nobody said where it comes from."""


def _of_release(execution: str, sk: str) -> ItemKey:
    return ItemKey(f"release#{execution_name(execution)}", sk)


def _document_key(execution: str) -> ItemKey:
    return _of_release(execution, "document")


@dataclass(frozen=True, slots=True)
class Record:
    """What became of a release; times are in epoch seconds. `by` is empty where an older version of
    this stack wrote it. `restored_seconds` is how long it took from a doubt until the primary had
    all weight again; None where nothing was doubted."""

    execution: str
    service: str
    outcome: Outcome
    cause: str
    started_at: int
    updated_at: int
    by: str = ""
    origin: Origin = NOWHERE
    is_rollback: bool = False
    restored_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class Shipped:
    """What a release that is over had brought: the `content` and the task definition that its
    primary got, or would have got; empty where it did not come so far. `is_new` is false where the
    primary ran these very images before. `restored_seconds` are as of a record."""

    content: Content
    revision: str
    is_new: bool = True
    restored_seconds: int | None = None


def _record_of(item: Item) -> Record:
    return Record(
        execution=item["execution"],
        service=item["service"],
        outcome=item["outcome"],
        cause=item["cause"],
        started_at=item["started_at"],
        updated_at=item["updated_at"],
        by=item.get("by", ""),
        origin=Origin.model_validate(item.get("origin", {}), extra="ignore"),
        is_rollback=item.get("is_rollback", False),
        restored_seconds=item.get("restored_seconds"),
    )


def keep_document(release: Release) -> Change:
    """What taking the lease writes down: all that the way back needs.

    It is never written again: help from outside may know less of it than who wrote it.
    """
    return Change(
        _document_key(release.execution),
        first={"schema": documents.SCHEMA, "release": documents.written(release)},
        set={
            "execution": release.execution,
            "service": release.service,
            "by": release.by,
            "origin": release.origin.model_dump(exclude_none=True),
            "is_rollback": release.fled is not None,
            "expires_at": clock.epoch_seconds() + KEPT_SECONDS,
        },
    )


def release_of(execution: str) -> Release:
    """By its ARN or its name, which an execution of another state machine may have too. Raises
    `DocumentUnreadable`."""
    item = table.get(_document_key(execution))
    if item is None or execution not in (item["execution"], execution_name(item["execution"])):
        raise DocumentUnreadable(f"the ledger has no document of {execution}")
    return documents.read(item["release"], item.get("schema", documents.SCHEMA))


def has_document(execution: str) -> bool:
    return table.get(_document_key(execution)) is not None


def keep_way_back(
    execution: str, task_definition: Document, changes: list[str] | None = None
) -> None:
    """What the primary ran before the release, in case that its revision goes in mid-release; and
    what a ready task definition `changes` in it, in sentences."""
    item = {
        "task_definition": json.dumps(task_definition),
        "changes": changes or [],
        "expires_at": clock.epoch_seconds() + KEPT_SECONDS,
    }
    table.put(Put(_of_release(execution, "way_back"), item))


def way_back(execution: str) -> Document | None:
    """What `keep_way_back` has kept."""
    item = table.get(_of_release(execution, "way_back"))
    return cast("Document", json.loads(item["task_definition"])) if item else None


def changes(execution: str) -> list[str]:
    """What the release changes in the primary's task definition beside its images, in sentences."""
    item = table.get(_of_release(execution, "way_back")) or {}
    return list(item.get("changes", []))


def find(release: Release) -> Record | None:
    """How the release stands; None when nothing was written down yet."""
    return record_of(release.execution)


def record_of(execution: str) -> Record | None:
    """How the release of this execution, by ARN or by name, stands; None where there is none."""
    item = table.get(_document_key(execution))
    return _record_of(item) if item and "outcome" in item else None


def is_running(execution: str, service: str) -> bool:
    """Whether this is a release of the service, and not over."""
    item = table.get(_document_key(execution)) or {}
    return (item.get("service"), item.get("outcome")) == (service, RUNNING)


def record(
    release: Release,
    outcome: Outcome,
    cause: str,
    shipped: Shipped | None = None,
    moments: list[str] | None = None,
) -> None:
    """Write down how the release stands, and what its lease has had of it; a second call only
    updates it."""
    now = clock.epoch_seconds()
    document = keep_document(release)
    kept: Item = (
        {}
        if shipped is None
        else {
            "content": shipped.content,
            "primary_revision": shipped.revision,
            "restored_seconds": shipped.restored_seconds,
        }
    )
    if moments is not None:
        kept["moments"] = moments
    written = table.change(
        Change(
            document.key,
            set={**document.set, "outcome": outcome, "cause": cause, "updated_at": now, **kept},
            first={**document.first, "started_at": now},
        )
    )
    for key in _pages_of(written):
        table.put(Put(key, _shown(written)))


def _pages_of(document: Item) -> list[ItemKey]:
    started_at = document["started_at"]
    name = execution_name(document["execution"])
    day = datetime.fromtimestamp(started_at, UTC).date().isoformat()
    return [
        ItemKey(f"service#{document['service']}", f"release#{started_at:012d}#{name}"),
        ItemKey(f"day#{day}", f"{started_at:012d}#{name}"),
    ]


def _shown(document: Item) -> Item:
    """What a page of releases shows of one."""
    kept = ("execution", "service", "outcome", "cause", "started_at", "updated_at", "expires_at")
    may_be = ("origin", "is_rollback", "restored_seconds")
    return {
        "by": document.get("by", ""),
        **{name: document[name] for name in kept},
        **{name: document[name] for name in may_be if document.get(name)},
    }


def moments(execution: str) -> list[str]:
    """What a release that is over has done, as its lease had it."""
    item = table.get(_document_key(execution)) or {}
    return list(item.get("moments", []))


def shipped(execution: str) -> Shipped:
    item = table.get(_document_key(execution)) or {}
    return Shipped(item.get("content", {}), item.get("primary_revision", ""))


def known_contents(service: str) -> list[Content]:
    """What the two sides ran in the last release that ended, with the tags of then."""
    found = last(service)
    item = table.get(_document_key(found.execution)) if found else None
    if item is None:
        return []
    with suppress(DocumentUnreadable):
        document = documents.read(item["release"], item.get("schema", documents.SCHEMA))
        return [item.get("content", {}), document.primary.content]
    return [item.get("content", {})]


def close(
    release: Release,
    outcome: Outcome,
    cause: str,
    shipped: Shipped,
    moments: list[str] | None = None,
) -> None:
    """Write down how a release ended, also where the next one looks for the last."""
    record(release, outcome, cause, shipped, moments)
    pointer = {
        "execution": release.execution,
        "service": release.service,
        "outcome": outcome,
        "cause": cause,
        "updated_at": clock.epoch_seconds(),
    }
    table.put(Put(ItemKey(f"service#{release.service}", "last"), pointer))
    if outcome == RELEASED and shipped.is_new:
        newest = Good(execution=release.execution, version=release.version)
        named = [asdict(each) for each in remembered(good(release.service), newest)]
        _keep_for_rollback(release)
        table.put(Put(_last_good_key(release.service), {**pointer, "good": named}))


def _last_good_key(service: str) -> ItemKey:
    return ItemKey(f"service#{service}", f"last#{RELEASED}")


def good(service: str) -> list[Good]:
    """The last releases that were Released, the newest first."""
    item = table.get(_last_good_key(service)) or {}
    return [Good(each["execution"], each["version"]) for each in item.get("good", [])]


def _keep_for_rollback(release: Release) -> None:
    """The document of the last good release does not expire, however long it is the last."""
    before = last(release.service, RELEASED)
    if before is not None and before.execution != release.execution:
        expires_at = clock.epoch_seconds() + KEPT_SECONDS
        table.change(Change(_document_key(before.execution), set={"expires_at": expires_at}))
    table.change(Change(_document_key(release.execution), remove=("expires_at",)))


@dataclass(frozen=True, slots=True)
class Last:
    """The last release that ended; `updated_at` is in epoch seconds."""

    execution: str
    outcome: Outcome
    cause: str
    updated_at: int


def last(service: str, outcome: str | None = None) -> Last | None:
    """The last release that ended, or that ended so."""
    sk = "last" if outcome is None else f"last#{outcome}"
    item = table.get(ItemKey(f"service#{service}", sk))
    if item is None:
        return None
    return Last(item["execution"], item["outcome"], item["cause"], item["updated_at"])


def last_released(service: str) -> Release | None:
    """None also where another version of this stack wrote a document that this one cannot read."""
    found = last(service, RELEASED)
    if found is None:
        return None
    try:
        return release_of(found.execution)
    except DocumentUnreadable as unreadable:
        logger.warning("a document could not be read", extra={"cause": str(unreadable)})
        return None


@dataclass(frozen=True, slots=True)
class Records:
    """A page of releases, the newest first; `after` goes on from there, None on the last page."""

    records: list[Record]
    after: str | None


def releases_of_service(service: str, after: str = "") -> Records:
    return _records(f"service#{service}", "release#", after)


def last_begun(service: str) -> Record | None:
    """The release that began last; a manual shift is none."""
    found = releases_of_service(service).records
    return next((record for record in found if record.outcome != "Shifted"), None)


def releases_of_day(day: str, after: str = "") -> Records:
    """Of all services, those that began on this day, as `2026-11-25`."""
    return _records(f"day#{day}", "", after)


def _records(pk: str, prefix: str, after: str) -> Records:
    found = table.page(pk, prefix, after=after, most=RECORDS_PER_PAGE, newest_first=True)
    return Records([_record_of(item) for item in found.items], found.after)


def thread(execution: str) -> str | None:
    """Slack's name for the release's first message."""
    item = table.get(_of_release(execution, "thread"))
    return item["thread"] if item else None


def keep_thread(execution: str, thread: str) -> None:
    expires_at = clock.epoch_seconds() + KEPT_SECONDS
    table.put(Put(_of_release(execution, "thread"), {"thread": thread, "expires_at": expires_at}))


def keep_told(execution: str, at: int, told: Document) -> None:
    """What the thread was told, of this second of the epoch."""
    mark = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]
    item = {**told, "expires_at": clock.epoch_seconds() + KEPT_SECONDS}
    table.put(Put(_of_release(execution, f"told#{at:012d}#{mark}"), item))


def close_told(told: Item) -> None:
    """What it was about is over."""
    kept = {name: value for name, value in told.items() if name not in ("pk", "sk")}
    table.put(Put(ItemKey(told["pk"], told["sk"]), {**kept, "closed": True}))


def told(execution: str) -> list[tuple[int, Item]]:
    """What the thread was told, each with its second, in order."""
    items = table.every(f"release#{execution_name(execution)}", "told#")
    return [(int(item["sk"].split("#")[1]), item) for item in items]


def note(execution: str, kind: str, at: int, detail: dict[str, Any]) -> None:
    """What happened within a release, in epoch milliseconds, for whoever asks later.

    Of two notes that say the same of the same moment one is kept. What has happened stays so
    without it, so a failure goes to the log.
    """
    mark = hashlib.sha256(f"{kind} {sorted(detail.items())}".encode()).hexdigest()[:12]
    item = {**detail, "kind": kind, "expires_at": clock.epoch_seconds() + KEPT_SECONDS}
    try:
        table.put(Put(_of_release(execution, f"event#{at:015d}#{mark}"), item))
    except (AwsRefused, AwsUnavailable) as error:
        logger.warning("an event of a release was not noted", extra={"error": str(error)})


def detail_of(item: Item) -> Document:
    """What the item of an event says beside when, of what kind and how long it is kept."""
    detail = {key: value for key, value in item.items() if key not in EVENT_KEYS}
    if item["kind"] == VERDICT:
        # The table has no numbers that are not whole.
        detail[VERDICT] = json.loads(detail[VERDICT])
    return detail


def note_signal(execution: str, signal: Signal) -> None:
    note(execution, "signal", signal.at * 1_000, {"signal": signal.model_dump()})


def note_verdict(execution: str, verdict: "Judged") -> None:
    note(execution, VERDICT, verdict.at, {VERDICT: verdict.model_dump_json()})


@dataclass(frozen=True, slots=True)
class Story:
    """A page of what happened within a release, in order; `after` goes on from there."""

    events: list[Item]
    after: str | None


def since(second: int) -> str:
    """What a story goes on after, to have what happened from this second of the epoch on."""
    return f"event#{second * 1_000:015d}"


def story(execution: str, after: str = "") -> Story:
    part = table.page(
        f"release#{execution_name(execution)}", "event#", after=after, most=RECORDS_PER_PAGE
    )
    return Story(part.items, part.after)
