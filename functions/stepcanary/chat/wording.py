"""Announcement: what happened to a release, in words for a chat. Pure."""

from stepcanary.domain.events import Happened

LONGEST_TEXT = 2_000


def title(happened: Happened) -> str:
    return f"{happened.service}: {_title(happened)}"[:250]


def _title(happened: Happened) -> str:
    match happened.detail_type:
        case "Release Rejected":
            said = "a release was rejected"
        case "Release Started":
            said = "a release has started"
        case "Release Shifted":
            on_primary = happened.weight == 0
            said = "all traffic is on the primary again" if on_primary else _share(happened)
        case "Release Waiting":
            failed = "the promotion failed, and " if happened.waits == "promotion failed" else ""
            said = f"{failed}a decision is needed"
        case "Release Promoting":
            said = "the primary gets the new version"
        case "Release Ended":
            said = happened.outcome or "ended"
    return said


def _share(happened: Happened) -> str:
    return f"the canary has {happened.weight} %"


def text(happened: Happened) -> str:
    """What there is to say beside the title; never empty."""
    name = happened.execution.rpartition(":")[2]
    parts = [f"{container} = {image}" for container, image in (happened.images or {}).items()]
    if happened.cause:
        parts.append(happened.cause)
    if happened.ends_on:
        parts.append("It ends on " + ", ".join(happened.ends_on) + ".")
    parts.append(f"Release {name}" + (f", by {happened.by}" if happened.by else ""))
    return "\n".join(parts)[:LONGEST_TEXT]


def escaped(said: str) -> str:
    """So that nobody calls a whole channel with what they write.

    See https://docs.slack.dev/messaging/formatting-message-text
    """
    return said.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
