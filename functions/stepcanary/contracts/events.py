"""Events: what EventBridge and others of AWS send to each function.

AWS may add keys to its events at any time.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from stepcanary.domain.events import ReleaseEvent
from stepcanary.domain.request import SignalInput
from stepcanary.domain.text import unwritable


class Event(BaseModel):
    """Built when it is first used, as every other model: see `domain.model`."""

    model_config = ConfigDict(defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _of_text(cls, document: object) -> object:
        """What cannot be written, no call to AWS can send on."""
        for place in unwritable(document):
            where = ascii(".".join(map(str, place)))
            raise ValueError(f"{where} has half a character in it (a lone surrogate)")
        return document


class SignalEvent(Event):
    """`Release Signal`, as it came over the bus."""

    id: str
    time: datetime
    detail: SignalInput


class Push(Event):
    repository_name: str = Field(alias="repository-name")
    image_digest: str = Field(alias="image-digest", pattern=r"^sha256:[0-9a-f]{64}$")
    image_tag: str = Field(alias="image-tag", min_length=1)


class ImagePushed(Event):
    """ECR Image Action, of a push that has a tag."""

    id: str
    account: str
    region: str = Field(pattern=r"^[a-z]+(-[a-z]+)+-[0-9]+$")
    time: datetime
    detail: Push


class Succeeded(Event):
    pipeline: str
    state: Literal["SUCCEEDED"]


class PipelineSucceeded(Event):
    """CodePipeline Pipeline Execution State Change."""

    id: str
    time: datetime
    detail: Succeeded


class AlarmState(Event):
    value: str
    reason: str = ""
    timestamp: datetime


class AlarmDetail(Event):
    alarm_name: str = Field(alias="alarmName")
    state: AlarmState


class AlarmEvent(Event):
    """CloudWatch Alarm State Change."""

    detail: AlarmDetail


class Packed(Event):
    data: str


class LogsEvent(Event):
    """What CloudWatch Logs calls a function with; `domain.log_lines` unpacks it."""

    awslogs: Packed


class BusEvent(Event):
    """One of the stack's own, as it came over the bus."""

    id: str
    time: datetime
    detail_type: str = Field(alias="detail-type")
    detail: dict[str, Any]

    @property
    def release_event(self) -> ReleaseEvent:
        return ReleaseEvent.model_validate({**self.detail, "detail_type": self.detail_type})


class OldVersions(Event):
    """What the schedule says of the stack: its id, its state machine's ARN and the names of its
    functions, which a function cannot have in its environment without a cycle."""

    stack: str
    state_machine: str
    functions: list[str]
