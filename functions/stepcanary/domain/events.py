"""Events that a release publishes to EventBridge."""

from typing import Literal

from pydantic import Field

from stepcanary.domain.model import Model
from stepcanary.domain.outcome import Outcome
from stepcanary.domain.release import Release
from stepcanary.domain.signals import Kind
from stepcanary.domain.text import is_text

DetailType = Literal[
    "Release Queued",
    "Release Rejected",
    "Release Started",
    "Release Shifted",
    "Release Waiting",
    "Release Resumed",
    "Release Promoting",
    "Release Ended",
    "Release Report",
    "Release Counted",
    "Canary Retired",
    "Manual Shift",
]
WAITS: dict[Kind, Literal["gate", "promotion failed"]] = {
    "retry": "promotion failed",
    "resume": "gate",
}
"""What a wait for a person is, by a signal that it ends on."""


class ReleaseEvent(Model):
    """The detail of an event with source `stepcanary`; keys that say nothing are left out."""

    detail_type: DetailType = Field(exclude=True)
    service: str
    """The service that is released."""
    execution: str
    """The ARN of the release's execution."""
    by: str = ""
    """Who or what has started the release; empty where nobody said so."""
    images: dict[str, str] | None = None
    """What is released: the new image of each container."""
    rolled_back_from: str | None = None
    """The version that a rollback goes back from."""
    commit: str | None = None
    """The commit that the version was built from, where the request says so."""
    pushed_at: str | None = None
    """When that was pushed, where the request says so."""
    link: str | None = None
    """A link for people, where the request has one."""
    report: str | None = None
    """A link to the report, which is there; none where it could not be written."""
    behind: str | None = None
    """The execution that a release waits for, which has its split."""
    weight: int | None = None
    """The percent of the traffic that the canary has from now on."""
    waits: Literal["gate", "promotion failed"] | None = None
    """What a person is waited for at: a gate, or a promotion that has failed."""
    wait: int | None = None
    """Names the wait, so that a signal can mean this one and no later one."""
    ends_on: list[Kind] | None = None
    """The signals that end the wait."""
    outcome: Outcome | None = None
    """The terminal state of the release."""
    cause: str | None = None
    """Why it ended so, why this was done, or why there is no report, in a sentence for people."""
    warnings: list[str] | None = None
    """What the plan takes and a person should know."""


def queued(execution: str, service: str, by: str, behind: str) -> ReleaseEvent:
    return ReleaseEvent(
        detail_type="Release Queued", service=service, execution=execution, by=by, behind=behind
    )


def rejected(execution: str, request: object, cause: str) -> ReleaseEvent | None:
    """None for a request without a service that an event could name."""
    document = request if isinstance(request, dict) else {}
    service, by = document.get("service"), document.get("by", "")
    if not is_text(service):
        return None
    return ReleaseEvent(
        detail_type="Release Rejected",
        service=service,
        execution=execution,
        by=by if is_text(by) else "",
        cause=cause,
    )


def started(release: Release) -> ReleaseEvent:
    return _of(
        release,
        "Release Started",
        images=release.images,
        warnings=release.warnings or None,
        rolled_back_from=release.fled.version if release.fled else None,
        **release.origin.model_dump(),
    )


def shifted(release: Release, weight: int) -> ReleaseEvent:
    return _of(release, "Release Shifted", weight=weight)


def waiting(release: Release, wait: int, ends_on: list[Kind]) -> ReleaseEvent | None:
    """None for a bake, which waits for nobody."""
    waits = next((word for signal, word in WAITS.items() if signal in ends_on), None)
    if waits is None:
        return None
    return _of(release, "Release Waiting", waits=waits, wait=wait, ends_on=sorted(ends_on))


def resumed(release: Release) -> ReleaseEvent:
    """After a pause. What else ends a wait for a person is told by what follows at once."""
    return _of(release, "Release Resumed")


def promoting(release: Release) -> ReleaseEvent:
    return _of(release, "Release Promoting")


def ended(release: Release, outcome: Outcome, cause: str) -> ReleaseEvent:
    origin = release.origin.model_dump()
    return _of(release, "Release Ended", outcome=outcome, cause=cause, **origin)


def counted(release: Release) -> ReleaseEvent:
    return _of(release, "Release Counted", **release.origin.model_dump())


def report_of(service: str, execution: str, **known: object) -> ReleaseEvent:
    """Of the release whose report it is, with what the ledger knows of it."""
    kept = {key: value for key, value in known.items() if value is not None}
    return ReleaseEvent.model_validate(
        {"detail_type": "Release Report", "service": service, "execution": execution, **kept}
    )


def reported(release: ReleaseEvent, report: str) -> ReleaseEvent:
    return release.model_copy(update={"report": report})


def not_reported(release: ReleaseEvent, why: str) -> ReleaseEvent:
    return release.model_copy(update={"cause": why})


def retired(release: Release, why: str) -> ReleaseEvent:
    """The sweep has scaled the canary in, after its release was over."""
    return _of(release, "Canary Retired", cause=why)


def shifted_by_hand(release: Release, weight: int, why: str) -> ReleaseEvent:
    return _of(release, "Manual Shift", weight=weight, cause=why)


def _of(release: Release, detail_type: DetailType, **more: object) -> ReleaseEvent:
    return ReleaseEvent.model_validate(
        {
            "detail_type": detail_type,
            "service": release.service,
            "execution": release.execution,
            "by": release.by,
            **more,
        }
    )
