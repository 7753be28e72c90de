"""EventBridge: events of services that are the sandbox's here."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from ministack.services import eventbridge

Json = dict[str, Any]

ELSEWHERE = {"aws.cloudwatch", "aws.codepipeline", "aws.ecr"}

_put = eventbridge._put_events


@contextmanager
def crossed() -> Iterator[None]:
    """AWS: CloudWatch, ECR and CodePipeline put their events on the bus themselves, and nobody else
    may. MiniStack: so too, but they are not MiniStack's here, so their events come by PutEvents.

    No event of Step Functions comes so: its executions are MiniStack's own.
    """
    with patch.object(eventbridge, "_put_events", _from_elsewhere):
        yield


def _from_elsewhere(data: Json, allow_aws_source: bool = False) -> Any:
    sources = {entry.get("Source") for entry in data.get("Entries", [])}
    return _put(data, allow_aws_source=allow_aws_source or sources <= ELSEWHERE)
