"""Tolls: what a release with a judge has cost, and its report, which is written again with that.

CloudWatch's minutes are real ones here, so a toll is counted minutes after the end of its release.
"""

import json
import time
from collections import Counter

from deploycheck.deployed import Deployed
from deploycheck.reports import fetched, is_whole, wrong_with
from sandbox.demo.checks import Report
from stepcanary.domain.periods import MINUTE
from stepcanary_cli.saved import Saved

LONGEST_SECONDS = 420.0
"""The last minute ends, is final a minute later, is counted at the next look, and once more at the
one after the next."""
HEARD = "heard"
KINDS = ("Release Report", "Release Counted")


class Heard:
    """What the stack says on the bus of reports and tolls, from when this is made on."""

    def __init__(self, deployed: Deployed) -> None:
        self._sqs = deployed.client("sqs")
        self._queue = self._sqs.create_queue(QueueName=HEARD)["QueueUrl"]
        asked = {"QueueUrl": self._queue, "AttributeNames": ["QueueArn"]}
        arn = self._sqs.get_queue_attributes(**asked)["Attributes"]["QueueArn"]
        events = deployed.client("events")
        pattern = {"source": ["stepcanary"], "detail-type": KINDS}
        events.put_rule(Name=HEARD, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=HEARD, Targets=[{"Id": HEARD, "Arn": arn}])
        self._counts: Counter[tuple[str, str]] = Counter()

    def of(self, execution: str) -> dict[str, int]:
        """How often each kind of event came about a release."""
        receive = {"QueueUrl": self._queue, "MaxNumberOfMessages": 10}
        while messages := self._sqs.receive_message(**receive).get("Messages"):
            for message in messages:
                event = json.loads(message["Body"])
                self._counts[event["detail"]["execution"], event["detail-type"]] += 1
                receipt = message["ReceiptHandle"]
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=receipt)
        return {kind: self._counts[execution, kind] for kind in KINDS}


def wait_for_next_minute() -> None:
    """Of two releases of one canary in one minute, the toll of the first would have what the second
    answers in it, and the judge of the second what the first has answered."""
    time.sleep(MINUTE - time.time() % MINUTE)


def wrong_with_toll(deployed: Deployed, heard: Heard, released: Report) -> list[str]:
    """Of a release that is over, and whose page was there."""
    s3, execution = deployed.client("s3"), released["execution"]
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        pages = fetched(s3, released)
        if pages and is_whole(pages[0]):
            toll, events = deployed.toll(execution), heard.of(execution)
            released["toll"] = toll
            print(f"  {toll}", flush=True)
            return wrong_with(pages[0], released) + wrong(pages[0], released, toll, events)
        time.sleep(1)
    return [
        f"its page has no toll after {LONGEST_SECONDS:.0f} s; the ledger has"
        f" {deployed.toll(execution)}, and the bus had {heard.of(execution)}"
    ]


def wrong(
    report: Saved,
    released: Report,
    toll: dict[str, tuple[int, int]],
    events: dict[str, int],
) -> list[str]:
    """The toll is all that the canary has answered its client, in the ledger and in the page; that
    it is counted was told, and the link to the page but once."""
    answered = (sum(released["canary_answers"].values()), released["errors_from_canary"])
    cost = report.facts.picture.exposure
    found = []
    if toll.get("errors") != answered:
        found.append(f"the ledger's toll is {toll}, and the canary answered its client {answered}")
    if cost is None or (cost.requests, cost.failed) != answered:
        found.append(f"its page says {cost}, and the canary answered its client {answered}")
    if events != {"Release Report": 1, "Release Counted": 1}:
        found.append(f"the bus had {events} about it")
    return found
