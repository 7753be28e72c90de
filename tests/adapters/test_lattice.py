"""The Lattice router sends exactly these requests, and names every refusal."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from stepcanary.aws import clients
from stepcanary.domain.profile import LatticeTraffic
from stepcanary.domain.split import Split
from stepcanary.errors import AwsRefused, AwsUnavailable, RequestRejected
from stepcanary.traffic.lattice import LatticeRouter
from stepcanary.traffic.shift import Known, force, shift

SERVICE, LISTENER = "svc-0e7f4c1a2b3d5968f", "listener-0b1c2d3e4f5a69788"
RULE = "rule-0a9b8c7d6e5f41302"
A, B, OTHER = "tg-0f9cb5af0bb75ab50", "tg-0594385e7ae170b9c", "tg-00000000000000000"
ARN = "arn:aws:vpc-lattice:us-east-1:123456789012"
WHERE = {"serviceIdentifier": SERVICE, "listenerIdentifier": LISTENER}
AT_REST = Known(weight=0, target=0, version=None)


def router(**changed: Any) -> LatticeRouter:
    written: dict[str, Any] = {
        "service": SERVICE,
        "listener": LISTENER,
        "rule": RULE,
        "primary_target_group": A,
        "canary_target_group": B,
    }
    return LatticeRouter(LatticeTraffic(router="lattice", **{**written, **changed}))


@pytest.fixture
def stubber(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    client = boto3.client("vpc-lattice", region_name="us-east-1")
    monkeypatch.setattr(clients, "vpc_lattice", lambda: client)
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()


def forward(*weights: tuple[str, int]) -> dict[str, Any]:
    groups = [{"targetGroupIdentifier": id, "weight": weight} for id, weight in weights]
    return {"forward": {"targetGroups": groups}}


def get(stubber: Stubber, action: dict[str, Any], *, default: bool = False) -> None:
    answer = {"id": RULE, "isDefault": default, "priority": 9, "action": action}
    stubber.add_response("get_rule", answer, {**WHERE, "ruleIdentifier": RULE})


def update(stubber: Stubber, action: dict[str, Any]) -> None:
    sent = {**WHERE, "ruleIdentifier": RULE, "action": action}
    stubber.add_response("update_rule", {"action": action}, sent)


def test_a_shift_is_read_write_read_and_nothing_else_is_sent(stubber: Stubber) -> None:
    get(stubber, forward((OTHER, 7), (B, 0), (A, 200)))
    update(stubber, forward((OTHER, 7), (B, 10), (A, 190)))
    get(stubber, forward((A, 190), (B, 10), (OTHER, 7)))
    assert shift(router(), AT_REST, 5).split == Split(primary=190, canary=10)


def test_ids_and_arns_are_the_same_groups(stubber: Stubber) -> None:
    get(stubber, forward((f"{ARN}:targetgroup/{A}", 100), (f"{ARN}:targetgroup/{B}", 0)))
    update(stubber, forward((A, 50), (B, 50)))
    get(stubber, forward((f"{ARN}:targetgroup/{B}", 50), (A, 50)))
    by_arn = router(canary_target_group=f"{ARN}:targetgroup/{B}")
    assert shift(by_arn, AT_REST, 50).split == Split(50, 50)


def test_a_lone_group_gets_a_second_and_is_alone_again_at_rest(stubber: Stubber) -> None:
    alone = {"forward": {"targetGroups": [{"targetGroupIdentifier": A}]}}
    get(stubber, alone)
    reading = router().read()
    assert (reading.split, reading.rest_weight) == (Split(100, 0), 100)
    get(stubber, alone)
    update(stubber, forward((A, 95), (B, 5)))
    get(stubber, forward((A, 95), (B, 5)))
    shift(router(rest_weight=100), AT_REST, 5)
    get(stubber, forward((A, 95), (B, 5)))
    update(stubber, forward((A, 100)))
    get(stubber, forward((A, 100)))
    assert force(router(rest_weight=100), 0).now == reading


def test_a_default_action_is_updated_with_its_listener(stubber: Stubber) -> None:
    stubber.add_response("get_listener", {"defaultAction": forward((A, 100), (B, 0))}, WHERE)
    sent = {**WHERE, "defaultAction": forward((A, 50), (B, 50))}
    stubber.add_response("update_listener", {}, sent)
    stubber.add_response("get_listener", {"defaultAction": forward((A, 50), (B, 50))}, WHERE)
    assert shift(router(rule=None), AT_REST, 50).split == Split(50, 50)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ({"fixedResponse": {"statusCode": 404}}, "does not forward, its action is fixedResponse"),
        (forward((A, 1), (A, 2), (B, 0)), "lists a target group twice"),
        (forward((A, 1), (f"{ARN}:targetgroup/{A}", 2)), "lists a target group twice"),
        (forward((OTHER, 1), (B, 0)), f"does not forward to {A}"),
    ],
)
def test_an_action_that_cannot_be_divided_is_rejected(
    stubber: Stubber, action: dict[str, Any], message: str
) -> None:
    get(stubber, action)
    with pytest.raises(RequestRejected, match=message):
        router().read()


def test_a_default_rule_is_rejected(stubber: Stubber) -> None:
    get(stubber, forward((A, 100)), default=True)
    with pytest.raises(RequestRejected, match="leave rule out"):
        router().read()


def test_a_canary_that_the_rule_does_not_list_is_asked_about(stubber: Stubber) -> None:
    get(stubber, forward((A, 100)))
    used = {"serviceArns": [f"{ARN}:service/{SERVICE}"]}
    stubber.add_response("get_target_group", used, {"targetGroupIdentifier": B})
    router().check(router().read())


def list_targets(stubber: Stubber, *pages: list[str]) -> None:
    for number, states in enumerate(pages):
        params = {"targetGroupIdentifier": B} | ({"nextToken": str(number)} if number else {})
        more = {"nextToken": str(number + 1)} if number + 1 < len(pages) else {}
        answer = {"items": [{"id": "10.0.0.1", "status": s} for s in states], **more}
        stubber.add_response("list_targets", answer, params)


def test_healthy_targets_of_every_page(stubber: Stubber) -> None:
    list_targets(stubber, ["HEALTHY", "INITIAL"], ["HEALTHY", "DRAINING"], ["UNUSED", "UNHEALTHY"])
    assert router().healthy_targets("canary") == 2


def test_a_group_without_health_checks_cannot_tell(stubber: Stubber) -> None:
    list_targets(stubber, ["UNAVAILABLE", "UNAVAILABLE"])
    assert router().healthy_targets("canary") is None


def test_dimensions() -> None:
    by_arn = router(canary_target_group=f"{ARN}:targetgroup/{B}")
    assert by_arn.dimensions("canary").values == {"TargetGroup": B}


def test_names() -> None:
    assert router().name == f"rule {RULE} of {LISTENER} of Lattice service {SERVICE}"
    by_default = router(rule=None).name
    assert by_default == f"default action of {LISTENER} of Lattice service {SERVICE}"


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("ResourceNotFoundException", 404, AwsRefused),
        ("AccessDeniedException", 403, AwsRefused),
        ("ValidationException", 400, AwsRefused),
        ("ConflictException", 409, AwsRefused),
        ("ServiceQuotaExceededException", 402, AwsRefused),
        ("ThrottlingException", 429, AwsUnavailable),
        ("InternalServerException", 500, AwsUnavailable),
    ],
)
def test_every_error_is_named(
    stubber: Stubber, code: str, status: int, expected: type[Exception]
) -> None:
    stubber.add_client_error("get_rule", code, "message", status)
    with pytest.raises(expected, match=f"GetRule: {code}: message"):
        router().read()
