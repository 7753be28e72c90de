"""Each attack of the list is stopped by the layer that the list says."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, get_args
from unittest.mock import patch

import pytest

from emulator.account import ACCOUNT
from sandbox.slack import SECRET
from stepcanary.aws import clients
from stepcanary.chat.slack import executions
from tests.builders import profile
from tests.fakes.accounts import ELSEWHERE, EXTERNAL_ID, ROLE
from tests.fakes.fronts import AlbCloud
from tests.policy.attacks import ACCEPTED, ATTACKS, SUCCEED_TODAY
from tests.policy.attacks.inputs import OWN, image
from tests.policy.attacks.kinds import (
    GIVEN,
    SLACK_SECRET,
    Attack,
    Calls,
    Event,
    Input,
    Invocations,
    Layer,
    Outsider,
    Post,
    arn,
)
from tests.policy.deployed import Deployed, Values
from tests.policy.iam import Decision, Policy, Principal, Request, decide
from tests.slack.conftest import JANE, JOHN, Workspace
from tests.statemachine.runner import Outcome, World, world


class Account:
    """The stack in an account, once for each set of parameters."""

    def __init__(self, template: dict[str, Any]) -> None:
        self._template = template
        self._stacks: dict[int, Deployed] = {}

    def stack(self, given: Values = GIVEN) -> Deployed:
        return self._stacks.setdefault(id(given), Deployed(self._template, given))


@pytest.fixture(scope="module")
def account(transformed_template: dict[str, Any]) -> Account:
    return Account(transformed_template)


OPEN = [name for names in SUCCEED_TODAY.values() for name in names]

Stop = tuple[Layer, str] | None
"""What stopped an attack, and what was said; None for one that succeeds."""


def run(attack: Attack, account: Account) -> Stop:
    match attack.what:
        case Calls() as calls:
            stack = account.stack(calls.given)
            if calls.unlike:
                assert _may(stack, calls.unlike, calls.by), "nobody may do the like of it"
            return None if _may(stack, calls.requests, calls.by) else ("iam", "denied")
        case Invocations() as invocations:
            return _invoke(account.stack(), invocations)
        case Event() as event:
            return _deliver(account.stack(), event)
        case Input() as given:
            outcome = _start(account.stack(), given)
            return ("plan", outcome.cause) if outcome.state == "Rejected" else None
        case Post() as post:
            return _post(account.stack(), post)


def _may(stack: Deployed, requests: Iterable[Request], by: str | Outsider | None) -> bool:
    """Whether somebody may do all of it."""
    if isinstance(by, Outsider):
        return all(_allowed(stack, request, by) for request in requests)
    roles = stack.roles() if by is None else [by]
    return any(all(_role_may(stack, role, r) for r in requests) for role in roles)


TRUSTING: Policy = {
    "Version": "2012-10-17",
    "Statement": {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
        "Action": "sts:AssumeRole",
    },
}
"""Of a role of another account, which leaves it to this one who may assume it."""


def _role_may(stack: Deployed, role: str, request: Request) -> bool:
    policies = stack.identity(role)
    if not request.resource.startswith(f"arn:aws:iam::{ELSEWHERE}:role/"):
        return decide(request, policies) == Decision.ALLOWED
    found = decide(
        request,
        policies,
        principal=Principal(stack.arn(role)),
        resource=TRUSTING,
        owner=ELSEWHERE,
    )
    return found == Decision.ALLOWED


def _allowed(stack: Deployed, request: Request, by: Outsider) -> bool:
    resource = stack.policy_of(request.resource)
    found = decide(request, by.policies, principal=by.principal, resource=resource, owner=ACCOUNT)
    return found == Decision.ALLOWED


def _invoke(stack: Deployed, invocations: Invocations) -> Stop:
    names = stack.roles() if invocations.on == "roles" else stack.functions()
    targets = [stack.arn(name) for name in names]
    if invocations.on == "functions":
        targets += [f"{target}:live" for target in targets]
    assert len(targets) > 20
    requests = [Request(invocations.action, t, invocations.context) for t in targets]
    allowed = [r.resource for r in requests if _allowed(stack, r, invocations.by)]
    return None if allowed else ("iam", "denied")


def _deliver(stack: Deployed, attack: Event) -> Stop:
    event = attack.event
    if attack.put:
        if event["source"].startswith("aws."):
            # https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEventsRequestEntry.html
            return "bus", "EventBridge takes no event in the name of AWS"
        keys = {"events:source": event["source"], "events:detail-type": event["detail-type"]}
        bus = arn("events", "event-bus/default")
        if not _allowed(stack, Request("events:PutEvents", bus, keys), attack.put):
            return "bus", "denied"
    hears = [each for each in stack.rules() if each.rule.input_for(event) is not None]
    if not hears:
        return "pattern", "no rule is about it"
    if all(each.bus != "default" or not each.is_on for each in hears):
        return "bus", "no rule that is on listens there"
    return None


# Inputs and posts reach the handlers, in a world where checkout has a profile.


@contextmanager
def _world(stack: Deployed, **changed: Any) -> Iterator[World]:
    with world() as here:
        here.cloud = AlbCloud(here.clock)
        here.cloud.parameters.update(stack.parameters())
        here.cloud.accounts.roles[ROLE] = EXTERNAL_ID
        here.cloud.secrets.update(dict.fromkeys((SLACK_SECRET, "slack"), json.dumps(SECRET)))
        for name in ("example1", "example2"):
            here.cloud.ecs_update(name, here.cloud.register(name, f"{OWN}:v1"))
        here.cloud.register("payments", f"{OWN}:v2")
        here.clock.sleep(60)
        _store(here, "checkout", **changed)
        yield here


def _store(here: World, service: str, **changed: Any) -> None:
    stored = profile(traffic=[AlbCloud.traffic], **changed)
    here.cloud.parameters[f"/stepcanary/profiles/{service}"] = json.dumps(stored)


def _start(stack: Deployed, attack: Input) -> Outcome:
    with _world(stack) as here:
        for service, changed in attack.stored.items():
            _store(here, service, **changed)
        return here.release(attack.document)


def _post(stack: Deployed, attack: Post) -> Stop:
    users = {"status": [JANE], "promote": [JOHN]}
    with (
        _world(stack, slack_users=users) as here,
        Workspace(here) as slack,
        patch.object(executions, "LOOK_SECONDS", 0.02),
    ):
        # Each function has a process of its own, and reads the secret in it.
        clients.secrets().clear_cache()  # type: ignore[no-untyped-call]

        def started() -> int:
            return len(here.sfn.list_executions(stateMachineArn=here.machine)["executions"])

        event = attack.event(slack)
        if attack.again:
            slack.to_function(dict(event))
            slack.work()
            assert started() == 1
        before = started()
        answer = slack.to_function(dict(event))
        slack.work()
        if started() > before:
            return None
        if attack.again or answer["statusCode"] == 401:
            return "signature", answer["body"]
        said = slack.replies[-1]["text"]
        return ("allow-list", said) if "you are not allowed to" in said else None


@pytest.mark.parametrize("attack", ATTACKS, ids=[attack.name for attack in ATTACKS])
def test_it_is_stopped_by_its_layer(attack: Attack, account: Account) -> None:
    stop = run(attack, account)
    if attack.name in OPEN or attack.name in ACCEPTED:
        assert stop is None, f"{stop} stops it by now: take it from the list"
        return
    assert stop is not None, "it succeeds"
    layer, said = stop
    assert layer == attack.layer
    if isinstance(attack.what, Input):
        assert re.search(attack.what.words, said)


def test_what_the_attacks_are_not_is_released(account: Account) -> None:
    """In the very world that rejects them."""
    with _world(account.stack()) as here:
        assert here.release(image(OWN)).state == "Released"


def test_the_attacks_are_many_and_of_every_layer() -> None:
    names = Counter(attack.name for attack in ATTACKS)
    assert names.most_common(1)[0][1] == 1
    assert {attack.layer for attack in ATTACKS} == set(get_args(Layer))
    assert len(names) >= 30 + len(ACCEPTED)
    listed = Counter([*OPEN, *ACCEPTED])
    assert listed.keys() <= names.keys()
    assert listed.most_common(1)[0][1] == 1


def test_the_stack_has_the_parameters_that_are_given(transformed_template: Any) -> None:
    assert GIVEN.keys() <= transformed_template["Parameters"].keys()
