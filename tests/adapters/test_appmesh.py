"""The App Mesh router sends exactly these requests, and names every refusal."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from stepcanary import clock
from stepcanary.aws import clients
from stepcanary.domain.profile import AppMeshTraffic
from stepcanary.domain.split import Split
from stepcanary.errors import AwsRefused, AwsUnavailable, RequestRejected, SplitDrifted
from stepcanary.traffic.appmesh import AppMeshRouter
from stepcanary.traffic.shift import READS_AGAIN, Known, shift

WHERE = {"meshName": "m", "virtualRouterName": "r", "routeName": "n", "meshOwner": "210987654321"}
ROUTER = AppMeshRouter(
    AppMeshTraffic(
        router="appmesh",
        mesh="m",
        virtual_router="r",
        route="n",
        primary_node="a",
        canary_node="b",
        mesh_owner="210987654321",
    )
)


@pytest.fixture
def stubber(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    client = boto3.client("appmesh", region_name="us-east-1")
    monkeypatch.setattr(clients, "appmesh", lambda: client)
    with Stubber(client) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses before a read is repeated."""
    pauses: list[float] = []
    monkeypatch.setattr(clock, "sleep", pauses.append)
    return pauses


def spec(primary: int, canary: int) -> dict[str, Any]:
    targets = [{"virtualNode": "b", "weight": canary}, {"virtualNode": "a", "weight": primary}]
    return {
        "priority": 3,
        "grpcRoute": {
            "match": {"serviceName": "shop.Cart"},
            "action": {"weightedTargets": targets},
            "timeout": {"perRequest": {"value": 9, "unit": "s"}},
        },
    }


def answer(document: dict[str, Any], version: int = 1) -> dict[str, Any]:
    times = {"createdAt": 0, "lastUpdatedAt": 0}
    owners = {"meshOwner": "210987654321", "resourceOwner": "210987654321"}
    return {
        "route": {
            "meshName": "m",
            "virtualRouterName": "r",
            "routeName": "n",
            "spec": document,
            "status": {"status": "ACTIVE"},
            "metadata": {"arn": "arn", "uid": "1", "version": version, **times, **owners},
        }
    }


AT_REST = Known(weight=0, target=0, version=1)


def test_a_shift_is_read_write_read_and_nothing_else_changes(stubber: Stubber) -> None:
    stubber.add_response("describe_route", answer(spec(100, 0)), WHERE)
    sent = {**WHERE, "spec": spec(95, 5)}
    stubber.add_response("update_route", answer(spec(95, 5), 2), sent)
    stubber.add_response("describe_route", answer(spec(95, 5), 2), WHERE)
    reading = shift(ROUTER, AT_REST, 5)
    assert (reading.split, reading.version) == (Split(primary=95, canary=5), 2)


def test_a_weight_that_is_there_already_is_not_written(stubber: Stubber) -> None:
    stubber.add_response("describe_route", answer(spec(95, 5), 2), WHERE)
    lost = Known(weight=0, target=5, version=1)
    assert shift(ROUTER, lost, 5).split == Split(primary=95, canary=5)


@pytest.mark.parametrize(
    ("found", "version", "known"),
    [
        (spec(60, 40), 2, AT_REST),
        (spec(100, 0), 2, AT_REST),
        (spec(95, 5), 2, AT_REST),
        (spec(95, 5), 9, Known(weight=0, target=5, version=1)),
        (spec(95, 5), 1, Known(weight=0, target=5, version=1)),
    ],
    ids=["other weights", "touched", "never tried", "too many versions", "no version of ours"],
)
def test_a_foreign_write_is_told_apart_and_nothing_is_written(
    stubber: Stubber, slept: list[float], found: dict[str, Any], version: int, known: Known
) -> None:
    for _ in range(1 + READS_AGAIN):
        stubber.add_response("describe_route", answer(found, version), WHERE)
    with pytest.raises(SplitDrifted, match="somebody else wrote route n"):
        shift(ROUTER, known, 5)
    assert len(slept) == READS_AGAIN


@pytest.mark.parametrize("behind", [1, READS_AGAIN])
def test_a_read_that_lags_behind_the_write_is_repeated(
    stubber: Stubber, slept: list[float], behind: int
) -> None:
    stubber.add_response("describe_route", answer(spec(100, 0)), WHERE)
    sent = {**WHERE, "spec": spec(95, 5)}
    stubber.add_response("update_route", answer(spec(95, 5), 2), sent)
    for _ in range(behind):
        stubber.add_response("describe_route", answer(spec(100, 0)), WHERE)
    stubber.add_response("describe_route", answer(spec(95, 5), 2), WHERE)
    assert shift(ROUTER, AT_REST, 5).split == Split(primary=95, canary=5)
    assert len(slept) == behind


def test_a_write_over_ours_is_seen_when_it_is_read_back(stubber: Stubber) -> None:
    stubber.add_response("describe_route", answer(spec(100, 0)), WHERE)
    sent = {**WHERE, "spec": spec(95, 5)}
    stubber.add_response("update_route", answer(spec(95, 5), 2), sent)
    for _ in range(1 + READS_AGAIN):
        stubber.add_response("describe_route", answer(spec(50, 50), 3), WHERE)
    with pytest.raises(SplitDrifted, match="does not read back"):
        shift(ROUTER, AT_REST, 5)


@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("NotFoundException", 404, AwsRefused),
        ("ForbiddenException", 403, AwsRefused),
        ("BadRequestException", 400, AwsRefused),
        ("ConflictException", 409, AwsRefused),
        ("TooManyRequestsException", 429, AwsUnavailable),
        ("InternalServerErrorException", 500, AwsUnavailable),
        ("ServiceUnavailableException", 503, AwsUnavailable),
        ("SomethingNew", 502, AwsUnavailable),
    ],
)
def test_every_error_is_named(
    stubber: Stubber, code: str, status: int, expected: type[Exception]
) -> None:
    stubber.add_client_error("describe_route", code, "message", status, expected_params=WHERE)
    with pytest.raises(expected, match=f"DescribeRoute: {code}: message"):
        ROUTER.read()


def test_a_route_without_the_canary_is_rejected(stubber: Stubber) -> None:
    document = spec(100, 0)
    del document["grpcRoute"]["action"]["weightedTargets"][0]
    stubber.add_response("describe_route", answer(document), WHERE)
    with pytest.raises(RequestRejected, match="no weighted target b"):
        ROUTER.read()
