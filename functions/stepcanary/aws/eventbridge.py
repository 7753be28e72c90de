"""EventBridge: publish the stack's own events."""

from botocore.exceptions import BotoCoreError, ClientError

from stepcanary.aws import clients
from stepcanary.domain.events import ReleaseEvent
from stepcanary.observability import logger


def publish(event: ReleaseEvent) -> None:
    """Tried once: nothing of a release waits for it, or fails with it.

    A function that is invoked again publishes it again.
    """
    try:
        answer = clients.events().put_events(
            Entries=[
                {
                    "Source": "stepcanary",
                    "DetailType": event.detail_type,
                    "Detail": event.model_dump_json(exclude_none=True),
                    "Resources": [event.execution],
                }
            ]
        )
    except (BotoCoreError, ClientError) as error:
        logger.warning("an event was not published", extra={"error": str(error)})
        return
    if answer["FailedEntryCount"]:
        logger.warning("an event was not published", extra={"entries": answer["Entries"]})
