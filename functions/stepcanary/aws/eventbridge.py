"""EventBridge: publish the stack's own events."""

from typing import TYPE_CHECKING

from stepcanary.aws import clients
from stepcanary.aws.errors import aws_failures
from stepcanary.domain.events import ReleaseEvent
from stepcanary.errors import AwsRefused, AwsUnavailable
from stepcanary.observability import logger

if TYPE_CHECKING:
    from mypy_boto3_events.type_defs import PutEventsResponseTypeDef


def publish(event: ReleaseEvent) -> None:
    """Tried once: nothing of a release waits for it, or fails with it.

    A function that is invoked again publishes it again.
    """
    try:
        answer = _put(event)
    except (AwsRefused, AwsUnavailable) as error:
        logger.warning("an event was not published", extra={"error": str(error)})
        return
    if answer["FailedEntryCount"]:
        logger.warning("an event was not published", extra={"entries": answer["Entries"]})


@aws_failures
def _put(event: ReleaseEvent) -> "PutEventsResponseTypeDef":
    return clients.events().put_events(
        Entries=[
            {
                "Source": "stepcanary",
                "DetailType": event.detail_type,
                "Detail": event.model_dump_json(exclude_none=True),
                "Resources": [event.execution],
            }
        ]
    )
