"""Events: what EventBridge sends to each function."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from stepcanary.domain.events import ReleaseEvent
from stepcanary.domain.request import SignalInput


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
    region: str = Field(pattern=r"^[a-z]+(-[a-z]+)+-[0-9]+$")
    time: datetime
    detail: Push


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


class Packed(BaseModel):
    data: str


class LogsEvent(BaseModel):
    """What CloudWatch Logs calls a function with; `domain.log_lines` unpacks it."""

    awslogs: Packed


class BusEvent(BaseModel):
    """One of the stack's own, as it came over the bus."""

    id: str
    time: datetime
    detail_type: str = Field(alias="detail-type")
    detail: dict[str, Any]

    @property
    def release_event(self) -> ReleaseEvent:
        return ReleaseEvent.model_validate({**self.detail, "detail_type": self.detail_type})


class OldVersions(BaseModel):
    """What the schedule says of the stack: its id, its state machine's ARN and the names of its
    functions, which a function cannot have in its environment without a cycle."""

    stack: str
    state_machine: str
    functions: list[str]
