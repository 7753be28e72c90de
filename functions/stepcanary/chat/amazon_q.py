"""Amazon Q: the event of a release as a custom notification."""

from stepcanary.chat.wording import LONGEST_TEXT, LONGEST_TITLE, escaped, text, title
from stepcanary.domain.events import ReleaseEvent
from stepcanary.domain.model import Document

NEXT_STEPS = {
    "promote": "promote it",
    "resume": "resume it: only this step is approved",
    "retry": "retry its promotion",
    "revert": "revert it",
}


def to_amazon_q(event: ReleaseEvent) -> Document:
    """The custom notification of Amazon Q Developer in chat applications, a thread per release.

    `additionalContext` is what a custom action (a button) of it can put into its command. See
    https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
    """
    # Escaping makes a text longer, and a rejected request may name any string as its service.
    heading = escaped(title(event))[:LONGEST_TITLE]
    context = {"service": event.service, "execution": event.execution}
    if event.wait is not None:
        context["wait"] = str(event.wait)
    steps = [NEXT_STEPS[signal] for signal in event.ends_on or [] if signal in NEXT_STEPS]
    content: Document = {
        "textType": "client-markdown",
        "title": heading,
        "description": escaped(text(event))[:LONGEST_TEXT],
        "keywords": [escaped(event.service)[:LONGEST_TITLE]],
    }
    if steps:
        content["nextSteps"] = steps
    return {
        "version": "1.0",
        "source": "custom",
        "content": content,
        "metadata": {
            "threadId": event.execution,
            "summary": heading,
            "eventType": event.detail_type,
            "relatedResources": [event.execution],
            "additionalContext": context,
        },
    }
