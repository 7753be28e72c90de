"""Amazon Q: what happened to a release as its custom notification."""

from stepcanary.chat.wording import escaped, text, title
from stepcanary.domain.events import Happened

Document = dict[str, object]

NEXT_STEPS = {
    "promote": "promote it",
    "resume": "resume it: only this step is approved",
    "retry": "retry its promotion",
    "revert": "revert it",
}


def to_amazon_q(happened: Happened) -> Document:
    """The custom notification of Amazon Q Developer in chat applications, a thread per release.

    `additionalContext` is what a custom action (a button) of it can put into its command. See
    https://docs.aws.amazon.com/chatbot/latest/adminguide/custom-notifs.html
    """
    context = {"service": happened.service, "execution": happened.execution}
    if happened.wait is not None:
        context["wait"] = str(happened.wait)
    steps = [NEXT_STEPS[signal] for signal in happened.ends_on or [] if signal in NEXT_STEPS]
    content: Document = {
        "textType": "client-markdown",
        "title": escaped(title(happened)),
        "description": escaped(text(happened)),
        "keywords": [happened.service],
    }
    if steps:
        content["nextSteps"] = steps
    return {
        "version": "1.0",
        "source": "custom",
        "content": content,
        "metadata": {
            "threadId": happened.execution,
            "summary": escaped(title(happened)),
            "eventType": happened.detail_type,
            "relatedResources": [happened.execution],
            "additionalContext": context,
        },
    }
