"""Messages: post them to Slack's channel, those of one release in one thread."""

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry import RateLimitErrorRetryHandler

from stepcanary.aws.secretsmanager import slack_secret
from stepcanary.chat.slack.blocks import message
from stepcanary.chat.wording import escaped, title
from stepcanary.domain.events import ReleaseEvent
from stepcanary.environment import slack_api
from stepcanary.errors import AwsRefused, AwsUnavailable
from stepcanary.store import ledger, settings

LOUD = ("Release Rejected", "Release Waiting", "Release Ended")
"""Shown in the channel too, not in the thread alone."""
PASSING = ("ratelimited", "internal_error", "fatal_error", "service_unavailable", "request_timeout")


def post(event: ReleaseEvent) -> None:
    """Raises `AwsUnavailable` when it is worth a second try, which Lambda makes, and `AwsRefused`
    when only a person can mend it: the function's errors have an alarm, and the event is kept."""
    stack = settings.of_stack()
    thread = ledger.thread(event.execution)
    blocks = message(event, may_ask=_may_ask(event))
    try:
        answer = _client(stack.slack_secret).chat_postMessage(
            channel=stack.slack_channel,
            text=escaped(title(event)),
            blocks=blocks,
            unfurl_links=False,
            reply_broadcast=thread is not None and event.detail_type in LOUD,
            thread_ts=thread,
        )
    except SlackApiError as error:
        code = error.response.get("error", "")
        if code in PASSING or error.response.status_code >= 429:
            raise AwsUnavailable(f"Slack did not take a message: {code}") from error
        # A channel that the app is not in, a token that was revoked.
        raise AwsRefused(f"Slack refused a message: {code}", code) from error
    except OSError as error:
        raise AwsUnavailable(f"Slack did not answer: {error}") from error
    if thread is None:
        ledger.keep_thread(event.execution, str(answer["ts"]))


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
