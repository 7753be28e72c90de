"""Messages: post them to Slack's channel, those of one release in one thread.

A gate that was decided elsewhere is known by what happens to its release next: then its message
loses its buttons, and says who has decided.
"""

from collections.abc import Callable
from typing import Any

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry import RateLimitErrorRetryHandler

from stepcanary.aws.secretsmanager import slack_secret
from stepcanary.chat.slack.blocks import BUTTONS, decided_elsewhere, message, picture
from stepcanary.chat.timeline import timeline
from stepcanary.chat.wording import escaped, title, what
from stepcanary.domain.comparison import judge_of, spoken
from stepcanary.domain.events import ReleaseEvent
from stepcanary.domain.signals import Signal
from stepcanary.environment import slack_api
from stepcanary.errors import AwsRefused, AwsUnavailable, DocumentUnreadable
from stepcanary.observability import logger
from stepcanary.release.comparing import standing
from stepcanary.store import ledger, settings

LOUD = ("Release Rejected", "Release Waiting", "Release Ended")
"""Shown in the channel too, not in the thread alone."""
PICTURED = ("Release Waiting", "Release Ended")
"""With the timeline so far."""
ON_ITS_WAY = (
    "Release Shifted",
    "Release Waiting",
    "Release Resumed",
    "Release Promoting",
    "Release Ended",
)
"""With what both sides have counted so far. Each of them also ends the gate before it."""
NOBODY = "nobody decided in time"
UNKNOWN = "an alarm or the stack itself; the end of the release says why"
PASSING = ("ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout")


def post(event: ReleaseEvent, at: int) -> None:
    """`at` is when it happened, in epoch seconds.

    Raises `AwsUnavailable` when it is worth a second try, which Lambda makes, and `AwsRefused`
    when only a person can mend it: the function's errors have an alarm, and the event is kept."""
    stack = settings.of_stack()
    client = _client(stack.slack_secret)
    thread = ledger.thread(event.execution)
    may_ask = _may_ask(event)
    blocks = message(event, may_ask=may_ask, numbers=_numbers(event))
    told = [*ledger.told(event.execution), (at, _told(event))]
    if event.detail_type in PICTURED:
        drawn = timeline([(second, str(each["what"]), each.get("weight")) for second, each in told])
        blocks.append(picture(drawn))
    answer = _call(
        lambda: client.chat_postMessage(
            channel=stack.slack_channel,
            text=escaped(title(event)),
            blocks=blocks,
            unfurl_links=False,
            reply_broadcast=thread is not None and event.detail_type in LOUD,
            thread_ts=thread,
        )
    )
    ts = str(answer["ts"])
    if thread is None:
        ledger.keep_thread(event.execution, ts)
    asked = {"ts": ts, "wait": event.wait, "blocks": blocks, "at": at} if may_ask else {}
    ledger.keep_told(event.execution, at, {**_told(event), **asked})
    if event.detail_type in ON_ITS_WAY:
        gates = [each for second, each in told[:-1] if second <= at and _is_open(each, event)]
        for gate in gates:
            _take_back(client, stack.slack_channel, event, gate)


def _told(event: ReleaseEvent) -> dict[str, Any]:
    told: dict[str, Any] = {"what": what(event)}
    return told if event.weight is None else {**told, "weight": event.weight}


def _is_open(told: dict[str, Any], event: ReleaseEvent) -> bool:
    """Whether this was the message of a gate that has its buttons yet, and not that of the event's
    own."""
    return "ts" in told and not told.get("closed") and told.get("wait") != event.wait


def _take_back(client: WebClient, channel: str, event: ReleaseEvent, gate: dict[str, Any]) -> None:
    """The buttons of a gate that is over. That this fails calls nobody: a click on one is told that
    the gate was decided."""
    who = _decider(event, gate["at"])
    blocks = decided_elsewhere(gate["blocks"], who)
    words = escaped(title(event))
    try:
        _call(lambda: client.chat_update(channel=channel, ts=gate["ts"], text=words, blocks=blocks))
    except (AwsRefused, AwsUnavailable) as failure:
        logger.warning("a gate keeps its buttons", extra={"error": str(failure)})
        return
    ledger.close_told(gate)


def _decider(event: ReleaseEvent, since: int) -> str:
    """The last signal since the gate was told of. Where its time is over there is a verdict
    instead. An alarm's signal is in the ledger at the release's end, of which the event has the
    cause."""
    story = ledger.story(event.execution, ledger.since(since - 1)).events
    signals = [
        Signal.model_validate(each["signal"], extra="ignore")
        for each in story
        if each["kind"] == "signal"
    ]
    if decided := [signal for signal in signals if signal.kind in BUTTONS]:
        return str(decided[-1])
    # The verdict that led to the gate may be of the second in which it was told of.
    after = ledger.since(since + 1)
    if any(each["kind"] == ledger.VERDICT and each["sk"] >= after for each in story):
        return NOBODY
    return event.cause or UNKNOWN


def _numbers(event: ReleaseEvent) -> list[str]:
    """What the judge has counted, in periods of whichever length and by the log, of a release that
    the ledger knows. Without them there is a message all the same."""
    if event.detail_type not in ON_ITS_WAY or event.weight == 0:
        return []
    try:
        release = ledger.release_of(event.execution)
        if release.judge is None:
            return []
        tallies = standing(release).tallies
    except (AwsRefused, AwsUnavailable, DocumentUnreadable):
        logger.exception("what the judge has counted is not told")
        return []
    found = judge_of(release.judge, len(release.steps)).judgement(tallies)
    return [spoken(each) for each in found.verdicts if each.rule.metric in tallies]


def _call(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except SlackApiError as error:
        code = error.response.get("error", "")
        if code in PASSING or error.response.status_code >= 429:
            raise AwsUnavailable(f"Slack did not take a message: {code}") from error
        # A channel that the app is not in, a token that was revoked.
        raise AwsRefused(f"Slack refused a message: {code}", code) from error
    except OSError as error:
        raise AwsUnavailable(f"Slack did not answer: {error}") from error


def _may_ask(event: ReleaseEvent) -> bool:
    """Whether there is something to decide. Anybody who may put events on the bus can tell of a
    wait, but only of a release that runs is there one in the ledger."""
    return event.wait is not None and ledger.is_running(event.execution, event.service)


def _client(secret: str) -> WebClient:
    return WebClient(
        token=slack_secret(secret).bot_token.get_secret_value(),
        base_url=slack_api(),
        timeout=5,
        retry_handlers=[RateLimitErrorRetryHandler(max_retry_count=1)],
    )
