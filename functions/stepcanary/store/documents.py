"""Documents: a release as the ledger keeps it, once, readable by every version of this stack.

Functions of two versions read one ledger: executions end on the code that they began with, while
the sweep, the alarms and the next release are new at once. So whoever reads a document ignores keys
that it does not know and defaults those that are missing. Where even that does not fit, the stable
part is enough to bring traffic home.
"""

from contextlib import suppress
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from stepcanary.domain.account import Account
from stepcanary.domain.names import TaskDefinitions
from stepcanary.domain.profile import Deployment, Promotion, Traffic
from stepcanary.domain.release import Release, Side
from stepcanary.errors import DocumentUnreadable

SCHEMA = 1
"""Rises with each change after which an older reader would misunderstand a document."""


ELSEWHERE = '{"in_another_account":'
"""Begins a document of a release in another account. A version of this stack that knows no accounts
cannot read it, and so does not look for the release in its own."""

# Whoever reads the ledger reads a release.
Release.model_rebuild()


class StablePart(BaseModel):
    """What the way back needs. Its keys stay what they are for good; a new one has a default."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)
    execution: str
    service: str
    account: Account | None = None
    cluster: str
    primary: Side
    canary: Side
    primary_tasks: int
    canary_tasks: int
    capacity_grace_seconds: int = 60
    images: dict[str, Any] | None = None
    task_definitions: TaskDefinitions | None = None
    traffic: list[Traffic]
    alarms: list[str] = []
    deployment: Deployment = Deployment()
    revert_seconds: int = 900
    settle_seconds: int
    drain_seconds: int = 0
    by: str = ""


def written(release: Release) -> str:
    document = release.model_dump_json()
    return f"{ELSEWHERE}{document}}}" if release.account else document


def read(text: str, schema: int = SCHEMA) -> Release:
    """Raises `DocumentUnreadable` where not even the stable part can be read.

    Of a document with a newer `schema` only the stable part is trusted.
    """
    if text.startswith(ELSEWHERE):
        text = text[len(ELSEWHERE) : -1]
    if schema <= SCHEMA:
        with suppress(ValidationError):
            return Release.model_validate_json(text, extra="ignore")
    try:
        stable = StablePart.model_validate_json(text, extra="ignore")
    except ValidationError as error:
        raise DocumentUnreadable(
            "another version of this stack wrote this release, and this one cannot read it:"
            f" {error.errors(include_url=False)[0]['msg']}. Update the stack, and see"
            " docs/runbook.md"
        ) from error
    known = {name: getattr(stable, name) for name in StablePart.model_fields}
    return Release.model_construct(**known, steps=[], holds=0, promotion=Promotion())
