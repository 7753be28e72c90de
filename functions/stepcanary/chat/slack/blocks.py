"""Blocks: the event of a release as a message of Slack's Block Kit.

Whatever comes from people or from AWS is escaped, so that nobody calls a whole channel with it.
"""

from collections.abc import Sequence
from typing import Any, cast

from stepcanary.chat.slack.commands import Button, Decision
from stepcanary.chat.wording import code, escaped, text, title
from stepcanary.domain.events import ReleaseEvent

Block = dict[str, Any]

DECIDE = "decide-"
"""How the ids of the buttons begin; the action follows."""
BUTTONS: dict[Button, tuple[str, str | None]] = {
    "promote": ("Promote", "primary"),
    "resume": ("Approve this step", None),
    "retry": ("Retry the promotion", "primary"),
    "revert": ("Revert", "danger"),
}


def section(markdown: str) -> Block:
    """At most 3,000 characters, which escaping may have made of fewer. It is verbatim: else Slack
    would take `@here` in what somebody wrote for a mention."""
    text = {"type": "mrkdwn", "text": markdown[:3_000], "verbatim": True}
    return {"type": "section", "text": text}


def message(
    event: ReleaseEvent, *, may_ask: bool = True, numbers: Sequence[str] = ()
) -> list[Block]:
    """With buttons where a release waits for a person, unless it may not ask, and with the numbers
    that the judge has seen."""
    blocks = [section(f"*{escaped(title(event))}*\n{_linked(escaped(text(event)), event.link)}")]
    if numbers:
        blocks.append(section(escaped("\n".join(numbers))))
    if may_ask and event.wait is not None and set(BUTTONS) & set(event.ends_on or []):
        blocks.append(_buttons(event, event.wait))
    return blocks


def _linked(written: str, link: str | None) -> str:
    """With the request's link as one: in what is verbatim Slack looks for none."""
    return written.replace(escaped(link), f"<{escaped(link)}>", 1) if link else written


def _buttons(event: ReleaseEvent, wait: int) -> Block:
    return {
        "type": "actions",
        "elements": [
            _button(
                Decision(
                    action=action,
                    service=event.service,
                    execution=event.execution,
                    wait=wait,
                ),
                label,
                style,
            )
            for action, (label, style) in BUTTONS.items()
            if action in (event.ends_on or [])
        ],
    }


def _button(decision: Decision, label: str, style: str | None) -> Block:
    button: Block = {
        "type": "button",
        "action_id": f"{DECIDE}{decision.action}",
        "text": {"type": "plain_text", "text": label},
        "value": decision.model_dump_json(exclude_unset=True),
    }
    return button if style is None else {**button, "style": style}


def picture(drawn: str) -> Block:
    """Lines in which all letters are as wide."""
    return section(code(drawn))


def decided_elsewhere(blocks: list[Block], who: str) -> list[Block]:
    """The message of a gate that was decided without its buttons."""
    return [*_without_buttons(blocks), section(f"*Decided*: {escaped(who)}")]


def _without_buttons(blocks: list[Block]) -> list[Block]:
    return [block for block in blocks if block.get("type") != "actions"]


def decided(blocks: list[Block], action: str, user_id: str) -> list[Block]:
    """The message of a gate, after its decision."""
    label, _ = BUTTONS[cast("Button", action)]
    return [*_without_buttons(blocks), section(f"*{label}*: <@{user_id}>")]
