"""Reports of real releases: one object for each end, told of once it is there, and never in the way
of a release."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from moto.core import models as moto_models

from emulator import template
from emulator.events import Bus, event_of
from emulator.moto_gaps import events as moto_gaps
from stepcanary.aws import clients
from stepcanary.domain.events import ReleaseEvent
from stepcanary.errors import AwsRefused, AwsUnavailable
from stepcanary.report.facts import Facts
from stepcanary.store import due
from tests.builders import profile, request
from tests.fakes.cloud import Refusal
from tests.statemachine.runner import World
from tests.statemachine.test_judge import judged, watch, worse
from tests.statemachine.test_toll import count_later, picture
from tests.statemachine.timeline import FIRST_BAKE

BUCKET = "shop-reports"
ABOUT_REPORTS = ("Release Ended", "Release Report", "Release Counted")
LINK = re.compile(
    rf"https://us-east-1\.console\.aws\.amazon\.com/s3/object/{BUCKET}\?region=us-east-1"
    r"&prefix=(stepcanary/checkout/\S+\.html)"
)


class Reports:
    """What the rule of reports hears, what it leads to, and the bucket."""

    def __init__(self, here: World) -> None:
        self.here = here
        self.told: list[tuple[str, Any]] = []
        self.failed: list[Exception] = []
        self.calls = 0
        rules = [rule for rule in template.rules() if rule.function == "WriteReportFunction"]
        self.bus = Bus(rules, self._deliver, here.clock.after)

    def put(self, source: str, detail_type: str, detail: Any, resources: Any = ()) -> None:
        self.told.append((detail_type, detail))
        self.bus.put(source, detail_type, detail, resources)

    def _deliver(self, function: str, event: Any) -> Any:
        self.calls += 1
        try:
            return self.here.deliver(function, event)
        except Exception as error:
            self.failed.append(error)
            raise

    @property
    def objects(self) -> dict[str, str]:
        found = clients.s3().list_objects_v2(Bucket=BUCKET).get("Contents", [])
        read = {
            each["Key"]: clients.s3().get_object(Bucket=BUCKET, Key=each["Key"]) for each in found
        }
        assert {each["ContentType"] for each in read.values()} <= {"text/html; charset=utf-8"}
        return {key: each["Body"].read().decode() for key, each in read.items()}

    def events(self, *kinds: str) -> list[tuple[str, Any]]:
        return [(kind, detail) for kind, detail in self.told if kind in kinds]

    def settle(self) -> None:
        """Let what was invoked asynchronously happen, with all tries."""
        self.here.clock.sleep(400)


@pytest.fixture
def reports(here: World) -> Iterator[Reports]:
    clients.s3().create_bucket(Bucket=BUCKET)
    found = Reports(here)
    with moto_gaps.filled(found):  # type: ignore[arg-type]
        yield found


def stored(page: str) -> Any:
    [data] = re.findall(r'<script[^>]* id="report"[^>]*>(.*?)</script>', page, re.DOTALL)
    return json.loads(data)


def good(here: World) -> None:
    here.release(request())


def reverted(here: World) -> None:
    here.clock.after(FIRST_BAKE, lambda: here.signal("revert"))
    here.release(request())


def alarmed(here: World) -> None:
    here.clock.after(FIRST_BAKE, lambda: here.cloud.set_alarm("example2-5xx", "ALARM"))
    here.release(request())


def failed(here: World) -> None:
    here.cloud.broken_images = {("example1", "shop:v2")}
    staying = profile(promotion={"gate_seconds": 600, "on_failure_timeout": "stay"})
    here.release(request(profile=staying))


def refused(here: World) -> None:
    def refuse(name: str, _params: Any) -> None:
        if name == "appmesh.UpdateRoute":
            raise Refusal("ForbiddenException", "no", 403)

    def go_wrong() -> None:
        here.cloud.before_call = refuse
        here.signal("revert")

    here.clock.after(FIRST_BAKE, go_wrong)
    here.release(request())


def stopped(here: World) -> None:
    here.wait(here.start_and_stop(request(), "release-1", 400))
    here.pass_minutes(3)


def stopped_unheard(here: World) -> None:
    """The event of its end is lost, so that only the schedule finds it."""
    here.lost.add("ReconcileFunction")
    here.wait(here.start_and_stop(request(), "release-1", 400))
    here.lost.clear()
    here.pass_minutes(4)


def stopped_as_it_rolls(here: World) -> None:
    here.wait(here.start_and_stop(request(), "release-1", 1_040))
    here.pass_minutes(4)


ENDS: dict[str, tuple[Callable[[World], None], str]] = {
    "released": (good, "Released"),
    "reverted by a person": (reverted, "Reverted"),
    "reverted by an alarm": (alarmed, "Reverted"),
    "promotion failed": (failed, "PromotionFailed"),
    "revert failed": (refused, "RevertFailed"),
    "stopped": (stopped, "Reverted"),
    "stopped, unheard": (stopped_unheard, "Reverted"),
    "stopped as the primary rolls": (stopped_as_it_rolls, "Reverted"),
}


@pytest.mark.parametrize(("live", "outcome"), ENDS.values(), ids=ENDS)
def test_an_end_of_any_kind_leaves_one_page_and_an_event_with_its_link(
    here: World, reports: Reports, live: Callable[[World], None], outcome: str
) -> None:
    live(here)
    reports.settle()
    [(key, page)] = reports.objects.items()
    (_, ended), (kind, told) = reports.events("Release Ended", "Release Report")
    assert (kind, told["outcome"], ended["outcome"]) == ("Release Report", outcome, outcome)
    found = LINK.fullmatch(told["report"])
    assert found is not None
    assert found[1] == key
    assert (told["service"], told["execution"]) == ("checkout", here.arn("release-1"))
    assert "cause" not in told
    assert re.fullmatch(r"stepcanary/checkout/\d{4}-\d\d-\d\dT\d{6}Z-release-1\.html", key)
    data = stored(page)
    assert data["evidence"]["picture"]["outcome"] == outcome
    assert reports.failed == []
    if outcome not in ("PromotionFailed", "RevertFailed"):
        # It is what the command line makes of it, whenever somebody asks.
        again = Facts.gathered(lambda question: here.ask(**question), "release-1")
        assert again.sha256 == data["sha256"]


def test_what_was_rejected_has_no_report(here: World, reports: Reports) -> None:
    here.release(request(service="nobody-knows"))
    reports.settle()
    assert [kind for kind, _ in reports.told] == ["Release Rejected"]
    assert (reports.objects, reports.calls) == ({}, 0)


def test_a_second_end_takes_the_place_of_the_first(here: World, reports: Reports) -> None:
    """A person mends the primary, and the sweep brings the traffic home."""
    failed(here)
    here.signal("revert")
    here.pass_minutes(4)
    reports.settle()
    assert here.records() == {"release-1": "Reverted"}
    told = [(kind, detail["outcome"]) for kind, detail in reports.events("Release Report")]
    assert told == [("Release Report", "PromotionFailed"), ("Release Report", "Reverted")]
    [page] = reports.objects.values()
    assert stored(page)["evidence"]["picture"]["outcome"] == "Reverted"


def test_an_event_that_comes_twice_writes_the_same_again(here: World, reports: Reports) -> None:
    good(here)
    reports.settle()
    before = reports.objects
    [(_, ended)] = reports.events("Release Ended")
    here.clock.sleep(3_600)
    here.invoke("WriteReportFunction", event_of("stepcanary", "Release Ended", ended))
    assert reports.objects == before
    assert [detail["report"] for _, detail in reports.events("Release Report")] == 2 * [
        reports.events("Release Report")[0][1]["report"]
    ]


def test_an_execution_of_another_state_machine_is_none_of_ours(
    here: World, reports: Reports
) -> None:
    good(here)
    reports.settle()
    before = reports.objects
    [(_, ended)] = reports.events("Release Ended")
    ours = ended["execution"]
    foreign = "arn:aws:states:us-east-1:999999999999:execution:other:" + ours.rpartition(":")[2]
    event = event_of("stepcanary", "Release Ended", {**ended, "execution": foreign})
    here.invoke("WriteReportFunction", event)
    assert reports.objects == before
    told = reports.events("Release Report")[-1][1]
    assert ("report" in told, told["execution"]) == (False, foreign)
    assert f"the ledger has no document of {foreign}" in told["cause"]


def reverted_by_judge(here: World, reports: Reports) -> Any:
    """The figures of its page, which the judge has compared."""
    here.cloud.bad = worse(1.0)
    watch(here, *range(100, 600, 15))
    assert here.release(judged()).state == "Reverted"
    here.clock.wait_until(lambda: bool(reports.events("Release Report")), 60)
    return figures(reports)


def figures(reports: Reports) -> Any:
    [page] = reports.objects.values()
    return stored(page)["evidence"]["picture"]["exposure"]


def test_the_page_is_written_again_with_all_that_the_canary_answered(
    here: World, reports: Reports
) -> None:
    before = reverted_by_judge(here, reports)
    assert not before["whole"]
    [key] = reports.objects
    count_later(here)
    reports.settle()
    after = figures(reports)
    assert after["whole"]
    assert after["failed"] > before["failed"] > 0
    assert after == picture(here)["exposure"]
    # In the place of the first, whose link was told.
    assert [*reports.objects] == [key]
    assert [kind for kind, _ in reports.events(*ABOUT_REPORTS)] == [*ABOUT_REPORTS]
    assert (reports.calls, reports.failed) == (2, [])
    # It is what the command line makes of it from now on.
    [page] = reports.objects.values()
    again = Facts.gathered(lambda question: here.ask(**question), "release-1")
    assert again.sha256 == stored(page)["sha256"]


def test_a_count_that_comes_twice_writes_the_same_again(here: World, reports: Reports) -> None:
    """WatchReleases has died before it noted that it was done."""
    reverted_by_judge(here, reports)
    with patch.object(due, "done"):
        count_later(here)
    here.clock.wait_until(lambda: reports.calls == 2, 60)
    whole = reports.objects
    count_later(here)
    reports.settle()
    assert len(reports.events("Release Counted")) > 1
    assert len(reports.events("Release Report")) == 1
    assert reports.objects == whole
    assert figures(reports)["whole"]


def test_a_page_that_cannot_be_written_again_stays_as_it_was_and_calls_a_person(
    here: World, reports: Reports
) -> None:
    before = reverted_by_judge(here, reports)
    with answering(lambda **_: answered("AccessDenied", "Access Denied", 403)()):
        count_later(here)
        reports.settle()
    assert figures(reports) == before
    # Its link leads to the first one, so that no event takes it back.
    assert len(reports.events("Release Report")) == 1
    [failure] = reports.failed
    assert isinstance(failure, AwsRefused)
    # Replayed as it is, once the bucket takes it.
    [(_, event)] = reports.events("Release Counted")
    here.invoke("WriteReportFunction", event_of("stepcanary", "Release Counted", event))
    assert figures(reports)["whole"]
    assert len(reports.events("Release Report")) == 1


def test_an_alarm_before_the_first_minute_has_its_figures_in_the_page_in_the_end(
    here: World, reports: Reports
) -> None:
    here.cloud.bad = worse(1.0)
    here.clock.after(100, lambda: here.cloud.set_alarm("example2-5xx", "ALARM"))
    assert here.release(judged()).state == "Reverted"
    here.clock.wait_until(lambda: bool(reports.events("Release Report")), 60)
    assert figures(reports) is None
    count_later(here)
    reports.settle()
    assert figures(reports)["failed"] == picture(here)["exposure"]["failed"] > 0


def test_without_a_judge_there_is_one_page_and_no_count(here: World, reports: Reports) -> None:
    reverted(here)
    reports.settle()
    page = reports.objects
    count_later(here)
    reports.settle()
    assert [kind for kind, _ in reports.events(*ABOUT_REPORTS)] == [
        "Release Ended",
        "Release Report",
    ]
    assert (reports.calls, reports.objects) == (1, page)


def answered(code: str, message: str, status: int) -> Callable[..., AWSResponse]:
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()

    class Raw:
        def __init__(self) -> None:
            self.left = body

        def stream(self, **_: Any) -> Iterator[bytes]:
            yield self.left

    return lambda **_: AWSResponse("https://s3.fake", status, {}, Raw())  # type: ignore[arg-type]


@contextmanager
def answering(answer: Callable[..., AWSResponse | None]) -> Iterator[None]:
    """In the place of S3, for each request that is sent; of None S3 itself answers."""

    def respond(request: Any, **context: Any) -> AWSResponse | None:
        found = answer(request=request)
        return moto_models.botocore_stubber(request=request, **context) if found is None else found

    heard: Any = clients.s3().meta.events
    heard.unregister("before-send", moto_models.botocore_stubber)
    heard.register("before-send", respond)
    try:
        with patch("botocore.endpoint.time.sleep"):
            yield
    finally:
        heard.unregister("before-send", respond)
        heard.register("before-send", moto_models.botocore_stubber)


def unanswered(**_: Any) -> AWSResponse:
    raise ReadTimeoutError(endpoint_url="https://s3.fake")


KEY_DENIED = (
    "User: arn:aws:sts::123456789012:assumed-role/x is not authorized to perform:"
    " kms:GenerateDataKey on the resource associated with this ciphertext"
)
FAILURES: dict[str, tuple[Callable[..., AWSResponse], type[Exception], str, int]] = {
    "denied": (
        answered("AccessDenied", "Access Denied", 403),
        AwsRefused,
        "Grant the function's",
        1,
    ),
    "gone": (
        answered("NoSuchBucket", "The specified bucket does not exist", 404),
        AwsRefused,
        "NoSuchBucket",
        1,
    ),
    "key denied": (answered("AccessDenied", KEY_DENIED, 403), AwsRefused, "use the KMS key", 1),
    "key disabled": (
        answered("KMS.DisabledException", "key is disabled", 400),
        AwsRefused,
        "Enable the KMS key",
        1,
    ),
    "throttled": (answered("SlowDown", "Please reduce", 503), AwsUnavailable, "SlowDown", 6),
    "unanswered": (unanswered, AwsUnavailable, "AWS did not answer", 6),
}


@pytest.mark.parametrize(("answer", "raised", "words", "tries"), FAILURES.values(), ids=FAILURES)
def test_a_bucket_that_takes_nothing_harms_no_release_and_is_told_once(
    here: World,
    reports: Reports,
    answer: Callable[..., AWSResponse],
    raised: type[Exception],
    words: str,
    tries: int,
) -> None:
    sent: list[str] = []

    def respond(request: Any) -> AWSResponse:
        sent.append(request.url)
        return answer()

    with answering(respond):
        outcome = here.release(request())
        reports.settle()
    assert (outcome.state, here.records()) == ("Released", {"release-1": "Released"})
    assert here.lease().get("holder") is None
    assert here.cloud.split() == (100, 0)
    [(_, told)] = reports.events("Release Report")
    assert "report" not in told
    assert words in told["cause"]
    assert told["outcome"] == "Released"
    # Lambda keeps the event for a person, and tries no second time.
    [failure] = reports.failed
    assert isinstance(failure, raised)
    assert (reports.calls, len(sent)) == (1, tries)
    assert reports.objects == {}
    # Replayed as it is, once the bucket takes it.
    [(_, ended)] = reports.events("Release Ended")
    here.invoke("WriteReportFunction", event_of("stepcanary", "Release Ended", ended))
    assert len(reports.objects) == 1
    assert LINK.fullmatch(reports.events("Release Report")[-1][1]["report"])


def test_a_page_that_is_there_the_second_time_is_told_as_written(
    here: World, reports: Reports
) -> None:
    """S3 is busy for a moment."""
    busy = iter([True, True])

    def respond(**_: Any) -> AWSResponse | None:
        return answered("SlowDown", "Please reduce", 503)() if next(busy, False) else None

    with answering(respond):
        good(here)
        reports.settle()
    assert len(reports.objects) == 1
    [(_, told)] = reports.events("Release Report")
    assert told["report"]
    assert reports.failed == []


def test_a_stack_that_does_not_answer_is_told(here: World, reports: Reports) -> None:
    def silent(_function: str, _event: Any) -> Any:
        raise Refusal("ServiceException", "inside", 500)

    here.cloud.on_ask = silent
    with patch("botocore.endpoint.time.sleep"):
        good(here)
        reports.settle()
    assert here.records() == {"release-1": "Released"}
    [(_, told)] = reports.events("Release Report")
    assert "The report was not written" in told["cause"]
    assert [type(each) for each in reports.failed] == [AwsUnavailable]


@pytest.mark.parametrize(
    "forged",
    [
        {"execution": "arn:aws:states:us-east-1:123456789012:execution:stepcanary-release:none"},
        {"execution": "checkout"},
        {"service": "payments"},
    ],
    ids=["a release that there is not", "a release that runs", "a release of another service"],
)
def test_a_forged_end_writes_nothing_and_calls_nobody(
    here: World, reports: Reports, forged: dict[str, str]
) -> None:
    detail = {"service": "checkout", "execution": here.arn("release-1"), "outcome": "Released"}

    def tell() -> None:
        for kind in ("Release Ended", "Release Counted"):
            reports.put("stepcanary", kind, {**detail, **forged})

    seen: list[Any] = []

    def look() -> None:
        tell()
        here.clock.after(5, lambda: seen.append(reports.objects))

    here.clock.after(100, look)
    good(here)
    reports.settle()
    assert seen == [{}]
    # The true one is told all the same, and nobody is told of a count.
    [(_, told), _] = reports.events("Release Report")
    assert "There is no report" in told["cause"]
    assert reports.failed == []
    assert len(reports.objects) == 1


ORIGIN = {
    "commit": "4f0c2d1",
    "pushed_at": "2026-11-25T09:30:00Z",
    "link": "https://git.example/checkout/pull/7",
}
CLAIMED = {
    "by": "somebody else",
    "outcome": "RevertFailed",
    "cause": "look at the link",
    "commit": "0000000",
    "pushed_at": "2020-01-01T00:00:00Z",
    "link": "https://elsewhere.example",
    "report": "https://elsewhere.example/report",
    "images": {"app": "shop:v9"},
    "rolled_back_from": "shop:v8",
    "warnings": ["look at the link"],
    "weight": 100,
    "waits": "gate",
    "wait": 1,
    "ends_on": ["promote"],
    "behind": "another",
}


def test_what_an_event_claims_of_a_release_is_not_told_again(here: World, reports: Reports) -> None:
    assert CLAIMED.keys() == ReleaseEvent.model_fields.keys() - {
        "detail_type",
        "service",
        "execution",
    }
    here.release({**request(), **ORIGIN, "by": "jane"})
    reports.settle()
    [(_, true)] = reports.events("Release Report")
    for key, value in ORIGIN.items():
        assert true[key] == value
    forged = {"service": "checkout", "execution": here.arn("release-1"), **CLAIMED}
    reports.put("stepcanary", "Release Ended", forged)
    reports.settle()
    _, (_, told) = reports.events("Release Report")
    assert told == true


def test_of_a_release_that_cannot_be_asked_for_nothing_is_claimed(
    here: World, reports: Reports
) -> None:
    execution = here.arn("none")
    forged = {"service": "checkout", "execution": execution, **CLAIMED}
    reports.put("stepcanary", "Release Ended", forged)
    reports.settle()
    [(_, told)] = reports.events("Release Report")
    assert told.keys() - {"by"} == {"service", "execution", "cause"}
    assert not told.get("by")
    assert "There is no report" in told["cause"]
