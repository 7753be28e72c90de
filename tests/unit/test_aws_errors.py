"""AWS's error codes: what time mends, and what a person has to."""

from collections.abc import Iterator
from typing import Any

import boto3
import botocore.session
import pytest
from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from stepcanary.aws import clients, ecr, eventbridge
from stepcanary.aws.errors import (
    KEY_DENIED_CODES,
    KEY_UNUSABLE_CODES,
    NOT_SET_UP,
    THROTTLED_CODES,
    UNANSWERED,
    aws_failures,
)
from stepcanary.domain import events
from stepcanary.errors import AwsRefused, AwsThrottled, AwsUnavailable, SdkMisused
from tests.unit.examples import a_release


def raised(code: str, status: int, message: str = "message") -> None:
    @aws_failures
    def call() -> None:
        meta = {"HTTPStatusCode": status}
        answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": meta}
        raise ClientError(answer, "Describe")  # type: ignore[arg-type]

    call()


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("Throttling", 400),
        ("ThrottlingException", 400),
        ("TooManyRequestsException", 400),
        ("KmsThrottlingException", 400),
        ("KMSThrottling", 400),
        ("InternalServerException", 400),
        ("InternalFailure", 400),
        ("ServiceUnavailable", 400),
        ("HealthUnavailable", 400),
        ("SomethingNew", 500),
        ("SomethingNew", 429),
    ],
)
def test_time_mends_it(code: str, status: int) -> None:
    with pytest.raises(AwsUnavailable, match=f"Describe: {code}: message") as failed:
        raised(code, status)
    throttled = "Throttl" in code or code.startswith("TooMany") or status == 429
    assert isinstance(failed.value, AwsThrottled) is throttled


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("ServiceQuotaExceededException", 402),
        ("ConflictException", 409),
        ("ResourceNotFoundException", 404),
        ("RuleNotFound", 400),
        ("TooManyActions", 400),
        ("OperationNotPermitted", 400),
        ("ValidationError", 400),
        ("SomethingNew", 400),
    ],
)
def test_a_person_has_to_mend_it(code: str, status: int) -> None:
    with pytest.raises(AwsRefused, match=f"Describe: {code}: message$") as refused:
        raised(code, status)
    assert refused.value.code == code


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException", "ForbiddenException"])
def test_what_is_denied_says_what_to_grant(code: str) -> None:
    with pytest.raises(AwsRefused, match="Grant the function's role Describe on this resource"):
        raised(code, 403)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("KmsAccessDeniedException", "message"),
        ("KMSAccessDenied", "message"),
        # DynamoDB and Secrets Manager pass on what IAM has said.
        ("AccessDeniedException", "x is not authorized to perform: kms:Decrypt on resource: y"),
    ],
)
def test_a_key_that_may_not_be_used_is_named_as_what_to_grant(code: str, message: str) -> None:
    with pytest.raises(AwsRefused, match="Let the function's role use the KMS key") as refused:
        raised(code, 400, message)
    assert "Grant the function's role" not in str(refused.value)


@pytest.mark.parametrize("code", ["KmsInvalidStateException", "KMSDisabled"])
def test_a_key_that_is_disabled_says_so(code: str) -> None:
    with pytest.raises(AwsRefused, match="Enable the KMS key"):
        raised(code, 400)


KMS_SPEAKS = ("stepfunctions", "sns")
"""The services that we call and whose API has errors of KMS's."""


@pytest.mark.parametrize("service", KMS_SPEAKS)
def test_every_error_of_kms_that_a_service_passes_on_is_known(service: str) -> None:
    shapes = botocore.session.get_session().get_service_model(service)
    codes = {
        shape.metadata.get("error", {}).get("code", name)
        for name in shapes.shape_names
        if (shape := shapes.shape_for(name)).metadata.get("exception") and name[:3].upper() == "KMS"
    }
    assert codes - {"KMSOptInRequired"} <= THROTTLED_CODES | KEY_DENIED_CODES | KEY_UNUSABLE_CODES
    assert len(codes) >= 3


def raising(error: Exception) -> None:
    @aws_failures
    def call() -> None:
        raise error

    call()


def every(above: type[BotoCoreError]) -> Iterator[type[BotoCoreError]]:
    for below in above.__subclasses__():
        # Other libraries derive errors of their own.
        if below.__module__ == "botocore.exceptions":
            yield below
        yield from every(below)


MISUSED = {
    "AliasConflictParameterError",
    "AwsChunkedWrapperError",
    "DataNotFoundError",
    "InvalidDNSNameError",
    "InvalidExpressionError",
    "InvalidHostLabelError",
    "InvalidS3AddressingStyleError",
    "InvalidS3UsEast1RegionalEndpointConfigError",
    "MD5UnavailableError",
    "MissingParametersError",
    "OperationNotPageableError",
    "ParamValidationError",
    "RangeError",
    "StubAssertionError",
    "StubResponseError",
    "UnStubbedResponseError",
    "UnknownClientMethodError",
    "UnknownKeyError",
    "UnknownParameterError",
    "UnknownServiceStyle",
    "UnknownSignatureVersionError",
    "UnseekableStreamError",
    "UnsupportedOutpostResourceError",
    "UnsupportedS3AccesspointConfigurationError",
    "UnsupportedS3ArnError",
    "UnsupportedS3ConfigurationError",
    "UnsupportedS3ControlArnError",
    "UnsupportedS3ControlConfigurationError",
    "UnsupportedServiceProtocolsError",
    "UnsupportedSignatureVersionError",
    "ValidationError",
    "WaiterConfigError",
    "WaiterError",
}
"""What nobody but the author of a call can mend."""


def test_every_error_of_the_sdk_is_of_one_kind() -> None:
    for error in set(every(BotoCoreError)):
        kinds = [
            error.__name__ in MISUSED,
            issubclass(error, UNANSWERED),
            issubclass(error, NOT_SET_UP),
        ]
        assert kinds.count(True) == 1, error


def test_a_wrong_parameter_is_a_fault_of_ours_and_says_so() -> None:
    sfn: Any = boto3.client("stepfunctions", region_name="us-east-1")
    with pytest.raises(SdkMisused, match="which is a fault of its own; report it") as misused:
        aws_failures(sfn.describe_execution)(executionArn=7)
    assert misused.value.code == "ParamValidationError"
    assert "Invalid type for parameter executionArn" in str(misused.value)
    assert "\n" not in str(misused.value)


@pytest.mark.parametrize(
    "error",
    [
        exceptions.NoCredentialsError(),
        exceptions.PartialCredentialsError(provider="env", cred_var="x"),
        exceptions.NoRegionError(),
        exceptions.ProfileNotFound(profile="x"),
        exceptions.EndpointResolutionError(msg="x"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_function_that_is_not_set_up_says_so(error: Exception) -> None:
    with pytest.raises(AwsRefused, match="not set up to call AWS") as refused:
        raising(error)
    assert not isinstance(refused.value, SdkMisused)
    assert refused.value.code == type(error).__name__


@pytest.mark.parametrize(
    "error",
    [
        exceptions.EndpointConnectionError(endpoint_url="https://x"),
        exceptions.ConnectTimeoutError(endpoint_url="https://x"),
        exceptions.ReadTimeoutError(endpoint_url="https://x"),
        exceptions.ConnectionClosedError(endpoint_url="https://x"),
        exceptions.SSLError(endpoint_url="https://x", error=OSError()),
        exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2),
        exceptions.CredentialRetrievalError(provider="x", error_msg="x"),
        ResponseParserError("Unable to parse response, invalid XML received"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_got_lost_on_the_way_is_tried_again(error: Exception) -> None:
    with pytest.raises(AwsUnavailable, match="AWS did not answer"):
        raising(error)


def test_nothing_waits_for_an_event_that_cannot_be_published(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Unreadable:
        def put_events(self, **_: Any) -> None:
            raise ResponseParserError("<html>")

    monkeypatch.setattr(clients, "events", Unreadable)
    eventbridge.publish(events.shifted(a_release(), 5))


@pytest.mark.parametrize(
    ("region", "suffix"),
    [
        ("us-east-1", "amazonaws.com"),
        ("us-gov-west-1", "amazonaws.com"),
        ("cn-north-1", "amazonaws.com.cn"),
        ("us-iso-east-1", "c2s.ic.gov"),
        ("us-isob-east-1", "sc2s.sgov.gov"),
        ("eusc-de-east-1", "amazonaws.eu"),
        # One that the SDK has never heard of.
        ("eu-central-9", "amazonaws.com"),
    ],
)
def test_a_registry_is_named_as_its_partition_names_things(region: str, suffix: str) -> None:
    assert ecr.registry("123456789012", region) == f"123456789012.dkr.ecr.{region}.{suffix}"


def test_a_registry_of_no_partition_is_refused() -> None:
    with pytest.raises(AwsRefused, match="Unknown region"):
        ecr.registry("123456789012", "xx-nowhere-1")
