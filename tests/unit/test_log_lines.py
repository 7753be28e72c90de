import base64
import gzip
import json
import tracemalloc
from typing import Any

import pytest

from emulator import log_subscription
from stepcanary.domain import log_lines
from stepcanary.domain.log_lines import LONGEST_LINE, MOST_BYTES, Read, read, unpacked
from stepcanary.domain.log_source import LogSource
from stepcanary.errors import BatchUnreadable

TASK = "ab" * 16
JSON = LogSource(group="/ecs/checkout", status="status")
INNER = LogSource(group="/ecs/checkout", status="http.response.status")
LINES = LogSource(group="/ecs/checkout", pattern=r'" (?P<status>[0-9]+) ')
GOOD, WRONG, UNREAD = Read(requests=1), Read(requests=1, bad=1), Read(unread=1)


def packed(document: dict[str, Any]) -> str:
    data: str = log_subscription.packed(document)["awslogs"]["data"]
    return data


def message(**more: Any) -> dict[str, Any]:
    return {
        "messageType": "DATA_MESSAGE",
        "owner": "123456789012",
        "logGroup": "/ecs/checkout",
        "logStream": f"app/app/{TASK}",
        "subscriptionFilters": ["stepcanary/release-1/logs"],
        "logEvents": [{"id": "1", "timestamp": 1_000, "message": '{"status": 503}'}],
        **more,
    }


def test_a_batch_is_unpacked() -> None:
    batch = unpacked(packed(message(another="key of AWS's")))
    assert batch.kind == "DATA_MESSAGE"
    assert batch.filters == ["stepcanary/release-1/logs"]
    assert batch.task == TASK
    assert [event.timestamp for event in batch.events] == [1_000]


def test_a_control_message_has_no_lines() -> None:
    control = {"messageType": "CONTROL_MESSAGE", "logEvents": []}
    assert unpacked(packed(control)).events == []


@pytest.mark.parametrize(
    "stream",
    [
        "app/app/i-0123",
        "app/app",
        "",
        TASK.upper(),
        # The id of a container, as the log driver of Docker names its stream without a prefix.
        TASK * 2,
        f"app/app/{TASK * 2}",
        f"app/app/{TASK}\n",
    ],
)
def test_a_stream_of_no_task_names_none(stream: str) -> None:
    assert unpacked(packed(message(logStream=stream))).task is None


def test_a_batch_is_the_same_at_each_delivery() -> None:
    events = [{"id": str(n), "timestamp": n, "message": "x"} for n in range(3)]
    one = unpacked(packed(message(logEvents=events)))
    again = unpacked(packed(message(logEvents=events[::-1])))
    assert one.digest("a") == again.digest("a")
    assert one.digest("a") != one.digest("b")
    assert one.digest("a") != unpacked(packed(message(logEvents=events[:2]))).digest("a")


def zipped(content: bytes) -> str:
    """Without the time in its header, by which two workers would name one test otherwise."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def bomb() -> str:
    return zipped(b" " * (MOST_BYTES + 1))


@pytest.mark.parametrize(
    "data",
    [
        "not base64!",
        "\x80",
        base64.b64encode(b"not gzip").decode(),
        packed(message())[:40],
        packed({"messageType": "ANOTHER"}),
        zipped(b"{"),
        zipped(b"[" * 100_000),
        bomb(),
    ],
)
def test_what_cloudwatch_does_not_send_is_refused(data: str) -> None:
    with pytest.raises(BatchUnreadable):
        unpacked(data)


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """However large it says it is: what is over the limit is never made."""
    monkeypatch.setattr(log_lines, "MOST_BYTES", 100)
    with pytest.raises(BatchUnreadable, match="100 bytes"):
        unpacked(packed(message()))


@pytest.mark.parametrize(
    ("line", "source", "found"),
    [
        ('{"status": 200}', JSON, GOOD),
        ('{"status": "404"}', JSON, GOOD),
        ('{"status": 500}', JSON, WRONG),
        ('{"status": "503"}', JSON, WRONG),
        ('{"status": 600}', JSON, UNREAD),
        ('{"status": 0}', JSON, UNREAD),
        ('{"status": true}', JSON, UNREAD),
        ('{"status": 503.0}', JSON, WRONG),
        ('{"status": 503.5}', JSON, UNREAD),
        ('{"status": 101}', JSON, GOOD),
        # Of the address of a client, and no status of an answer.
        ('{"status": 123}', JSON, UNREAD),
        ('{"status": "5xx"}', JSON, UNREAD),
        ('{"status": null}', JSON, UNREAD),
        ('{"state": 503}', JSON, UNREAD),
        ("[503]", JSON, UNREAD),
        ("Traceback (most recent call last):", JSON, UNREAD),
        ("", JSON, UNREAD),
        ("[" * LONGEST_LINE, JSON, UNREAD),
        ('{"status": ' + "9" * 10_000 + "}", JSON, UNREAD),
        ('{"status": 503}' + " " * LONGEST_LINE, JSON, UNREAD),
        ('{"http": {"response": {"status": 503}}}', INNER, WRONG),
        ('{"http.response.status": 503}', INNER, WRONG),
        ('{"http": {"response.status": 503}}', INNER, WRONG),
        ('{"http": 503}', INNER, UNREAD),
        ('"GET / HTTP/1.1" 503 -', LINES, WRONG),
        ('"GET / HTTP/1.1" 302 -', LINES, GOOD),
        ('"GET / HTTP/1.1" 0 DC', LINES, UNREAD),
        ("another line", LINES, UNREAD),
    ],
)
def test_a_line_is_a_request_or_cannot_be_read(line: str, source: LogSource, found: Read) -> None:
    assert read(line, source) == found


LONE = ["\\ud800", "\\uDFFF", "\\ud800\\ud800", "\\\\\\ud800", "\\ud83d\\u0041"]
WHOLE = ["\\ud83d\\ude00", "\\\\ud800", "\\\\\\\\udfff", "\\u0041", '\\"']


@pytest.mark.parametrize("escaped", [*LONE, *WHOLE])
def test_half_a_character_costs_no_other_line(escaped: str) -> None:
    """JSON can say it, also beside escaped backslashes, which are text."""
    texts = [f"one {escaped} two", '{"status": 503}']
    events = [{"id": str(n), "timestamp": n, "message": "@"} for n, _ in enumerate(texts)]
    document = json.dumps(message(logEvents=events))
    document = document.replace("@", texts[0], 1).replace("@", json.dumps(texts[1])[1:-1], 1)
    broken, other = unpacked(zipped(document.encode())).events
    assert (other.id, read(other.message, JSON)) == ("1", WRONG)
    assert broken.message.startswith("one ")
    assert broken.message.endswith(" two")
    assert ("\ufffd" in broken.message) == (escaped in LONE)
    if escaped in WHOLE:
        assert broken.message == json.loads(f'"{texts[0]}"')


def test_half_a_character_is_mended_wherever_it_is() -> None:
    document = json.dumps(message(subscriptionFilters=["\ud800", "stepcanary/release-1/logs"]))
    assert unpacked(zipped(document.encode())).filters[1:] == ["stepcanary/release-1/logs"]


def test_an_outage_says_the_same_in_each_line() -> None:
    """Lines pack the better the less they differ. An event of Lambda has a megabyte."""
    line = ("upstream connect error or disconnect/reset before headers. " * 7)[:400]
    events = [
        {"id": f"{10**55 + 7_919 * n}", "timestamp": 1_795_764_666_000 + n // 10, "message": line}
        for n in range(40_000)
    ]
    data = packed(message(logEvents=events))
    assert len(data) < 1 << 20
    tracemalloc.start()
    found = unpacked(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found.events) == 40_000
    # A third of the largest batch, of the 512 MB of a function that needs a hundred for itself.
    assert peak < 120 << 20
