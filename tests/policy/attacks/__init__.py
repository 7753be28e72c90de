"""Attacks: what somebody tries with this stack, and the layer that stops it.

| layer | what it is |
|---|---|
| `iam` | the policies of the stack's roles, functions and buses |
| `plan` | the plan, or whatever else reads an execution's input: it is rejected, with these words |
| `pattern` | the pattern of a rule on an event bus |
| `bus` | who may put which event on which bus, and which rules listen there |
| `signature` | Slack's signature, at the public URL |
| `allow-list` | a profile's `slack_users` |

Whoever attacks through a role of the stack has made one of its functions do what they want: that is
what an execution's input, a profile or a hole in the code may come to.
"""

from tests.policy.attacks.calls import BY_CALL
from tests.policy.attacks.events import BY_EVENT
from tests.policy.attacks.inputs import BY_INPUT
from tests.policy.attacks.posts import BY_POST

ATTACKS = [*BY_CALL, *BY_EVENT, *BY_INPUT, *BY_POST]

SUCCEED_TODAY: dict[str, list[str]] = {
    "a bus of its own for signals, or ObeySignals off by default": [
        "promote, by whoever may publish",
        "revert, by whoever may publish",
        "retry, by whoever may publish",
        "a message with buttons, by whoever may publish",
    ],
    "events:detail-type as a condition of what functions publish": [
        "a signal, by a function that publishes",
    ],
    "account, region and replay-name in the patterns": [
        "a push of another account",
        "a push of another Region",
        "a push, replayed",
        "a pipeline's success of another account",
        "a pipeline's success of another Region",
        "a pipeline's success, replayed",
        "an alarm of another account",
        "an alarm of another Region",
        "an alarm, replayed",
        "a signal, replayed",
    ],
    "dynamodb:LeadingKeys for each function": [
        "a lease, forged by what signals",
        "a lease, forged by what hears of images",
        "an outcome, forged by what hears of alarms",
        "an outcome, forged by what reverts",
    ],
    "a parameter for the families that may be registered": [
        "a revision in another team's family",
    ],
}
"""Attacks that nothing stops yet, by what is to stop them. The list has to shrink."""

ACCEPTED = {
    "another team's revision goes": "IAM knows no resource for ecs:DeregisterTaskDefinition",
    "who may write which log": "IAM knows no resource for what a state machine needs to log",
    "lines in another team's log": (
        "SAM gives each function AWSLambdaBasicExecutionRole, which names no log group"
    ),
    "another team's services, in a profile of the attacker's": (
        "whoever may write a profile and start an execution may release what is opted in"
    ),
}
"""Attacks that nothing in this stack stops, and why."""
