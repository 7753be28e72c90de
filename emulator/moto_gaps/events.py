"""EventBridge: events reach the functions of the template's rules."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from moto.events.models import EventsBackend

from emulator.events import Bus, Event


@contextmanager
def filled(bus: Bus) -> Iterator[None]:
    """AWS: PutEvents invokes the functions of all rules that match.

    moto: has no Lambda function among its targets; here `bus` invokes them.
    """
    put_events = EventsBackend.put_events

    def put_events_on_bus(self: EventsBackend, events: list[Event]) -> list[Event]:
        answers = put_events(self, events)
        for event, answer in zip(events, answers, strict=True):
            if "EventId" in answer:
                detail = json.loads(event["Detail"])
                bus.put(event["Source"], event["DetailType"], detail, event.get("Resources", ()))
        return answers

    with patch.object(EventsBackend, "put_events", put_events_on_bus):
        yield
