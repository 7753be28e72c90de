"""AWS's many error classes as the two that matter: try again, or tell a person."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from stepcanary.errors import AwsRefused, AwsThrottled, AwsUnavailable

P = ParamSpec("P")
R = TypeVar("R")

# Whatever is in neither set is refused: not found, invalid, and a quota, whatever its status, which
# time does not mend. So is a ConflictException: somebody else changes the same thing. The codes
# that are worth a retry: https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
THROTTLED_CODES = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "ProvisionedThroughputExceededException",
    "LimitExceededException",
}
TRANSIENT_CODES = {
    "ServerException",
    "InternalServerError",
    "InternalServerErrorException",
    "InternalServerException",
    "InternalFailure",
    "HealthUnavailable",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "RequestTimeout",
    "TransactionConflictException",
    "TransactionInProgressException",
}
DENIED_CODES = {
    "AccessDenied",
    "AccessDeniedException",
    "ForbiddenException",
    "UnauthorizedOperation",
}


def aws_failures(call: Callable[P, R]) -> Callable[P, R]:
    """Turn what boto3 raises inside `call` into `AwsUnavailable` or `AwsRefused`."""

    @wraps(call)
    def translated(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(*args, **kwargs)
        except ClientError as error:
            raise _translate(error) from error
        except BotoCoreError as error:
            raise AwsUnavailable(f"AWS did not answer: {error}") from error
        except ResponseParserError as error:
            # No BotoCoreError: half an answer, or one that a proxy gave.
            raise AwsUnavailable(f"AWS's answer cannot be read: {error}") from error

    return translated


def _translate(error: ClientError) -> AwsUnavailable | AwsRefused:
    code = error.response["Error"].get("Code", "Unknown")
    message = error.response["Error"].get("Message", "")
    status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
    if code in THROTTLED_CODES or status == 429:
        return AwsThrottled(f"{error.operation_name}: {code}: {message}")
    if code in TRANSIENT_CODES or status >= 500:
        return AwsUnavailable(f"{error.operation_name}: {code}: {message}")
    if code in DENIED_CODES:
        message += f". Grant the function's role {error.operation_name} on this resource"
    return AwsRefused(f"{error.operation_name}: {code}: {message}", code)
