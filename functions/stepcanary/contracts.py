"""Contracts: what the state machine and EventBridge send to each function."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from stepcanary.domain.deployment import Started
from stepcanary.domain.events import Happened
from stepcanary.domain.model import Model
from stepcanary.domain.outcome import Failure, Told
from stepcanary.domain.release import Release
from stepcanary.domain.request import By
from stepcanary.domain.signals import TOKENS_PER_WAIT, Kind
from stepcanary.domain.split import SideName


class PlanInput(Model):
    """`waited` says that it was told to wait before."""

    execution: str
    request: Any = None
    waited: bool


class TakeInput(Model):
    execution: str
    request: Any = None


class OpenInput(Model):
    release: Release
    request: Any = None


class FencedInput(Model):
    release: Release
    fence: int


class CheckInput(FencedInput):
    side: SideName
    deployment: Started
    restoring: bool


class StepInput(FencedInput):
    step: int = Field(ge=0)


class JudgeInput(StepInput):
    holds: int = Field(ge=0)
    approved: bool


class WaitInput(FencedInput):
    """`entered_at` is the ISO time at which the waiting state was entered, `retries` how often it
    was tried again since. `paused` says that a pause has led to it, and nothing else."""

    token: str = Field(min_length=1, max_length=2_048)
    entered_at: str
    retries: int = Field(ge=0, lt=TOKENS_PER_WAIT)
    obeyed: list[Kind] = Field(min_length=1)
    paused: bool = False

    @property
    def wait(self) -> int:
        """Names the wait, and rises with each."""
        return int(datetime.fromisoformat(self.entered_at).timestamp() * 1_000)

    @property
    def number(self) -> int:
        """Rises with each wait, and within a wait with each token."""
        return self.wait * TOKENS_PER_WAIT + self.retries


class PromotionInput(FencedInput):
    attempt: int = Field(ge=0)


class ReturnInput(PromotionInput):
    restored: bool


class RestoreInput(PromotionInput):
    """`returned` says that the primary, which is to get its old version, has the traffic again."""

    failure: Failure
    returned: bool = False


class ConfirmInput(FencedInput):
    """`promoted` says that the primary has the new version, so that the alarms still judge it."""

    corrections: int = Field(ge=0)
    promoted: bool


class CloseInput(FencedInput):
    """`parked` keeps the lease for a person, out of the reach of help from outside."""

    outcome: Literal["Released", "Reverted", "PromotionFailed", "RevertFailed"]
    told: Told
    parked: bool


class SignalInput(Model):
    """The detail of a `Release Signal` event, or what a person sends to the function by hand.

    `wait` is the one that the event `Release Waiting` told of: only that one is meant.
    """

    service: str = Field(min_length=1, max_length=64)
    signal: Kind
    reason: str = Field(default="", max_length=1_000)
    by: By = ""
    execution: str = Field(default="", max_length=400)
    wait: int | None = None


class SignalEvent(BaseModel):
    """`Release Signal`, as it came over the bus."""

    id: str
    time: datetime
    detail: SignalInput


class Push(BaseModel):
    repository_name: str = Field(alias="repository-name")
    image_digest: str = Field(alias="image-digest", pattern=r"^sha256:[0-9a-f]{64}$")
    image_tag: str = Field(alias="image-tag", min_length=1)


class ImagePushed(BaseModel):
    """ECR Image Action, of a push that has a tag; AWS may add keys to it at any time."""

    id: str
    account: str
    region: str
    time: datetime
    detail: Push

    @property
    def registry(self) -> str:
        suffix = "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"
        return f"{self.account}.dkr.ecr.{self.region}.{suffix}"


class Succeeded(BaseModel):
    pipeline: str
    state: Literal["SUCCEEDED"]


class PipelineSucceeded(BaseModel):
    """CodePipeline Pipeline Execution State Change."""

    id: str
    time: datetime
    detail: Succeeded


class AlarmState(BaseModel):
    value: str
    reason: str = ""
    timestamp: datetime


class AlarmDetail(BaseModel):
    alarm_name: str = Field(alias="alarmName")
    state: AlarmState


class AlarmEvent(BaseModel):
    """CloudWatch Alarm State Change; AWS may add keys to it at any time."""

    detail: AlarmDetail


class ReleaseEvent(BaseModel):
    """One of the stack's own, as it came over the bus."""

    id: str
    detail_type: str = Field(alias="detail-type")
    detail: dict[str, Any]

    @property
    def happened(self) -> Happened:
        return Happened.model_validate({**self.detail, "detail_type": self.detail_type})
