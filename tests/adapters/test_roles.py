"""Roles: what is asked of STS, and what a call is signed with."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.stub import ANY, Stubber

from stepcanary import clock
from stepcanary.access import Access, current, entered, reading
from stepcanary.aws import clients, ecs, roles, sts
from stepcanary.errors import AwsRefused, AwsThrottled, RequestRejected
from tests.adapters.stands.stand import FACTORIES
from tests.fakes.accounts import EXTERNAL_ID, OF_A_SERVICE, ROLE

ACCESS = Access(ROLE, EXTERNAL_ID, "stepcanary-release-1")
ASKED = {
    "RoleArn": ROLE,
    "RoleSessionName": "stepcanary-release-1",
    "ExternalId": EXTERNAL_ID,
}
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def given(key: str = "ASIATESTING000000001", seconds: float = 3_600) -> dict[str, Any]:
    credentials = {
        "AccessKeyId": key,
        "SecretAccessKey": "secret",
        "SessionToken": "token",
        "Expiration": NOW + timedelta(seconds=seconds),
    }
    return {"Credentials": credentials}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """STS, which takes the requests that it is told of and no other."""
    client = FACTORIES["sts"]()
    monkeypatch.setattr(clients, "sts", lambda: client)
    monkeypatch.setattr(clock, "now", lambda: NOW)
    roles.forget()
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()
    roles.forget()


def signed_with(service: str, operation: str, **params: Any) -> str:
    """The access key in the signature of a call, which goes no further."""
    client, sent = FACTORIES[service](), []

    def catch(request: Any, **_: Any) -> AWSResponse:
        sent.append(request.headers)
        return AWSResponse("https://fake", 500, HTTPHeaders(), None)

    client.meta.events.register("before-send.*.*", catch)
    client.meta.config.retries["total_max_attempts"] = 1
    with pytest.raises(Exception):  # noqa: B017, PT011 - whatever botocore makes of no answer
        getattr(client, operation)(**params)
    authorization = sent[0]["Authorization"]
    text = authorization.decode() if isinstance(authorization, bytes) else authorization
    return str(text.partition("Credential=")[2].partition("/")[0])


def test_a_role_is_assumed_once_and_with_its_external_id(asked: Stubber) -> None:
    asked.add_response("assume_role", given(), ASKED)
    found = [roles.credentials(ACCESS, clients.sts()) for _ in range(3)]
    assert {each.access_key for each in found} == {"ASIATESTING000000001"}
    assert (found[0].secret_key, found[0].token) == ("secret", "token")


def test_who_only_reads_has_a_session_of_its_own_that_may_do_no_more(asked: Stubber) -> None:
    """Also in the look whether anybody may assume the role."""
    reads = {**ASKED, "Policy": roles.READS}
    asked.add_response("assume_role", given("ASIATESTING000000001"), reads)
    asked.add_client_error(
        "assume_role", roles.DENIED, expected_params={**reads, "ExternalId": ANY}
    )
    asked.add_response("assume_role", given("ASIATESTING000000003"), ASKED)
    with reading(), entered(ACCESS):
        access = current()
        assert access is not None
        sts.require_role(access)
        assert roles.credentials(access, clients.sts()).access_key == "ASIATESTING000000001"
    with entered(ACCESS):
        access = current()
        assert access is not None
        assert roles.credentials(access, clients.sts()).access_key == "ASIATESTING000000003"


@pytest.mark.parametrize(("seconds", "times"), [(301, 1), (300, 2), (10, 2)])
def test_credentials_that_expire_soon_are_not_used(
    seconds: float, times: int, asked: Stubber
) -> None:
    for _ in range(times):
        asked.add_response("assume_role", given(seconds=seconds), ASKED)
    for _ in range(2):
        roles.credentials(ACCESS, clients.sts())


def test_each_external_id_and_each_execution_has_a_session_of_its_own(asked: Stubber) -> None:
    """Whoever names a wrong id gets nothing of what a right one has brought."""
    asked.add_response("assume_role", given("ASIATESTING000000001"), ASKED)
    asked.add_client_error("assume_role", "AccessDenied", "no", 403)
    other = {**ASKED, "RoleSessionName": "stepcanary-release-2"}
    asked.add_response("assume_role", given("ASIATESTING000000003"), other)
    roles.credentials(ACCESS, clients.sts())
    with pytest.raises(AwsRefused, match="AssumeRole: AccessDenied"):
        roles.credentials(Access(ROLE, "guessed", ACCESS.session), clients.sts())
    again = Access(ROLE, EXTERNAL_ID, "stepcanary-release-2")
    assert roles.credentials(again, clients.sts()).access_key == "ASIATESTING000000003"


def test_a_role_is_looked_at_with_an_external_id_that_nobody_has(asked: Stubber) -> None:
    asked.add_response("assume_role", given(), ASKED)
    asked.add_client_error(
        "assume_role", "AccessDenied", expected_params={**ASKED, "ExternalId": ANY}
    )
    sts.require_role(ACCESS)


def test_a_role_that_anybody_may_have_assumed_is_refused(asked: Stubber) -> None:
    asked.add_response("assume_role", given(), ASKED)
    asked.add_response("assume_role", given(), {**ASKED, "ExternalId": ANY})
    with pytest.raises(RequestRejected, match="any external id"):
        sts.require_role(ACCESS)


def test_a_look_that_is_throttled_says_nothing_of_the_role(asked: Stubber) -> None:
    asked.add_response("assume_role", given(), ASKED)
    asked.add_client_error("assume_role", "Throttling", "Rate exceeded", 400)
    with pytest.raises(AwsThrottled):
        sts.require_role(ACCESS)


CALLS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "application-autoscaling": (
        "autoscaling",
        "describe_scalable_targets",
        {"ServiceNamespace": "ecs"},
    ),
    "appmesh": ("appmesh", "list_meshes", {}),
    "cloudwatch": ("cloudwatch", "describe_alarms", {}),
    "ecs": ("ecs", "list_clusters", {}),
    "elbv2": ("elbv2", "describe_rules", {}),
    "servicediscovery": (
        "servicediscovery",
        "discover_instances",
        {"NamespaceName": "n", "ServiceName": "s"},
    ),
    "vpc-lattice": ("vpc_lattice", "list_services", {}),
}
"""Factory and a call, by service."""


def test_every_service_of_a_release_has_a_call_here() -> None:
    assert CALLS.keys() == OF_A_SERVICE


@pytest.mark.parametrize("service", CALLS)
def test_what_a_service_consists_of_is_called_with_the_role(service: str, asked: Stubber) -> None:
    factory, operation, params = CALLS[service]
    asked.add_response("assume_role", given(), ASKED)
    assert signed_with(factory, operation, **params) == "testing"
    with entered(ACCESS):
        assert signed_with(factory, operation, **params) == "ASIATESTING000000001"
        with entered(None):
            assert signed_with(factory, operation, **params) == "testing"


@pytest.mark.parametrize(
    ("factory", "operation", "params"),
    [
        ("dynamodb", "list_tables", {}),
        ("events", "list_rules", {}),
        ("sns", "list_topics", {}),
        ("ssm", "describe_parameters", {}),
        ("stepfunctions", "list_state_machines", {}),
        ("secretsmanager", "list_secrets", {}),
        ("sts", "get_caller_identity", {}),
    ],
)
def test_what_is_the_stacks_own_never_is(
    factory: str, operation: str, params: dict[str, Any]
) -> None:
    with entered(ACCESS):
        assert signed_with(factory, operation, **params) == "testing"


def test_a_refusal_is_one_of_the_call_that_needs_the_role(
    asked: Stubber, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = FACTORIES["ecs"]()
    monkeypatch.setattr(clients, "ecs", lambda: client)
    asked.add_client_error("assume_role", "AccessDenied", "not authorized", 403)
    with entered(ACCESS), pytest.raises(AwsRefused, match="AssumeRole: AccessDenied"):
        ecs.describe_services("shop", ["checkout"])


def test_an_access_is_left_also_by_an_error() -> None:
    with pytest.raises(RuntimeError), entered(ACCESS):
        raise RuntimeError
    assert current() is None
