"""Wording: the events of a release in plain English, for any chat."""

from stepcanary.domain.events import ReleaseEvent

LONGEST_TITLE = 250
LONGEST_TEXT = 2_000


def title(event: ReleaseEvent) -> str:
    return f"{event.service}: {what(event)}"[:LONGEST_TITLE]


def what(event: ReleaseEvent) -> str:
    """What has happened, in a few words."""
    match event.detail_type:
        case "Release Queued":
            words = "a release waits for its turn"
        case "Release Rejected":
            words = "a release was rejected"
        case "Release Started":
            words = "a rollback" if event.rolled_back_from else "a release"
            words += " has started"
        case "Release Shifted":
            on_primary = event.weight == 0
            words = "all traffic is on the primary again" if on_primary else _share(event)
        case "Release Waiting":
            failed = "the promotion failed, and " if event.waits == "promotion failed" else ""
            words = f"{failed}a decision is needed"
        case "Release Resumed":
            words = "the pause is over, and its step bakes again"
        case "Release Promoting":
            words = "the primary gets the new version"
        case "Release Ended":
            words = event.outcome or "ended"
        case "Release Report":
            words = "the report is there" if event.report else "there is no report"
        case "Release Counted":
            words = "all that the canary answered is counted"
        case "Canary Retired":
            words = "the canary was scaled in later"
        case "Manual Shift":
            words = f"shifted by hand: {_share(event)}"
    return words


def _share(event: ReleaseEvent) -> str:
    return f"the canary has {event.weight} %"


def text(event: ReleaseEvent) -> str:
    """What the title leaves out; never empty."""
    name = event.execution.rpartition(":")[2]
    parts = [f"{container} = {image}" for container, image in (event.images or {}).items()]
    if event.rolled_back_from:
        parts.append(f"It goes back from {event.rolled_back_from}.")
    if event.behind:
        parts.append(f"It waits for {event.behind.rpartition(':')[2]}.")
    origin = [f"commit {event.commit}"] if event.commit else []
    origin += [event.link] if event.link else []
    if origin:
        parts.append(", ".join(origin))
    if event.report:
        parts.append(event.report)
    if event.cause:
        parts.append(event.cause)
    parts += [f"Warning: {warning}." for warning in event.warnings or []]
    if event.ends_on:
        parts.append("It ends on " + ", ".join(event.ends_on) + ".")
    parts.append(f"Release {name}" + (f", by {event.by}" if event.by else ""))
    return "\n".join(parts)[:LONGEST_TEXT]


def escaped(written: str) -> str:
    """So that nobody calls a whole channel with what they write.

    See https://docs.slack.dev/messaging/formatting-message-text
    """
    return written.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def code(written: str) -> str:
    """As a block of code, which nothing in it ends; cut to what Slack takes."""
    held = escaped(written)[:2_900].replace("`", "'")
    return f"```{held}```"
