"""AWS's error codes: what time mends, and what a person has to."""

import pytest
from botocore.exceptions import ClientError

from stepcanary.aws.errors import aws_failures
from stepcanary.errors import AwsRefused, AwsThrottled, AwsUnavailable


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
    throttled = code.startswith(("Throttl", "TooMany")) or status == 429
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
