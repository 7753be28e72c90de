"""What a function gets of a subscription has the shape that AWS documents."""

import base64
import gzip
import json

from emulator.log_subscription import control_message, delivery, log_event, unpacked


def test_lines_come_as_aws_documents_it() -> None:
    lines = [log_event({"status": 500}, 1552518348220), log_event("plain", 1552518348221)]
    event = delivery(lines, group="/ecs/shop", stream="app/app/0af", filters=["release"])
    assert list(event) == ["awslogs"] and list(event["awslogs"]) == ["data"]
    decoded = json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))
    assert decoded == unpacked(event)
    assert decoded == {
        "messageType": "DATA_MESSAGE",
        "owner": "123456789012",
        "logGroup": "/ecs/shop",
        "logStream": "app/app/0af",
        "subscriptionFilters": ["release"],
        "logEvents": [
            {"id": lines[0].id, "timestamp": 1552518348220, "message": '{"status": 500}'},
            {"id": lines[1].id, "timestamp": 1552518348221, "message": "plain"},
        ],
    }
    assert lines[0].id != lines[1].id
    assert all(len(line.id) == 56 and line.id.isdigit() for line in lines)


def test_one_delivery_is_always_the_same_bytes() -> None:
    line = log_event("plain", 1552518348221)
    first, second = (delivery([line], group="g", stream="s", filters=["f"]) for _ in range(2))
    assert first == second


def test_a_destination_is_tried_with_a_message_of_its_own() -> None:
    decoded = unpacked(control_message(1434659094637))
    assert (decoded["messageType"], decoded["owner"]) == ("CONTROL_MESSAGE", "CloudwatchLogs")
    assert (decoded["logGroup"], decoded["logStream"]) == ("", "")
    assert decoded["subscriptionFilters"] == []
    assert [each["id"] for each in decoded["logEvents"]] == [""]
