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

SUCCEED_TODAY: dict[str, list[str]] = {}
"""Attacks that nothing stops yet, by what is to stop them. The list has to shrink."""

ACCEPTED = {
    "a message with buttons, by whoever may publish": (
        "only of a release that runs, and a button still asks who may press it"
    ),
    "an end of a release, by whoever may publish": (
        "a report is only of a release that the ledger knows to be over, and says what the ledger"
        " says"
    ),
    "a count of a release, by whoever may publish": (
        "its page is written again, as the ledger has it, and nobody is told"
    ),
    "an outcome, forged by what reverts": (
        "what works on a release writes its records; only the state machine can call it"
    ),
    "a revision in another team's family": (
        "the plan takes task definitions of the two services' families alone; IAM would need a list"
    ),
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
