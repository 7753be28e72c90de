"""AWS's many error classes, and the SDK's, as those that matter: try again, or tell a person."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from stepcanary.errors import AwsRefused, AwsThrottled, AwsUnavailable, SdkMisused

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
    # KMS throttled the service that asked it in our name: Step Functions, and SNS.
    "KmsThrottlingException",
    "KMSThrottling",
    "KMSThrottlingException",
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
KEY_DENIED_CODES = {"KmsAccessDeniedException", "KMSAccessDenied", "KMSAccessDeniedException"}
KEY_UNUSABLE_CODES = {
    "KmsInvalidStateException",
    "KMSInvalidState",
    "KMSInvalidStateException",
    "KMSDisabled",
    "KMSDisabledException",
    "KMSNotFound",
    "KMSNotFoundException",
    # As S3 says it.
    "KMS.DisabledException",
    "KMS.KMSInvalidStateException",
    "KMS.NotFoundException",
}


UNANSWERED: tuple[type[Exception], ...] = (
    exceptions.HTTPClientError,
    exceptions.ConnectionError,
    exceptions.IncompleteReadError,
    exceptions.ChecksumError,
    exceptions.FlexibleChecksumError,
    exceptions.PaginationError,
    exceptions.CredentialRetrievalError,
    exceptions.MetadataRetrievalError,
    exceptions.TokenRetrievalError,
    exceptions.CapacityNotAvailableError,
    # Whatever stood between us and AWS has answered; it is no BotoCoreError.
    ResponseParserError,
)
"""On the way, or in the answer: time mends these."""

NOT_SET_UP: tuple[type[Exception], ...] = (
    exceptions.NoCredentialsError,
    exceptions.PartialCredentialsError,
    exceptions.UnknownCredentialError,
    exceptions.NoAuthTokenError,
    exceptions.UnknownTokenProviderError,
    exceptions.RefreshWithMFAUnsupportedError,
    exceptions.SSOError,
    exceptions.LoginError,
    exceptions.ProfileNotFound,
    exceptions.ConfigNotFound,
    exceptions.ConfigParseError,
    exceptions.InvalidConfigError,
    exceptions.InvalidDefaultsMode,
    exceptions.InvalidEndpointConfigurationError,
    exceptions.InvalidEndpointDiscoveryConfigurationError,
    exceptions.InvalidIMDSEndpointError,
    exceptions.InvalidIMDSEndpointModeError,
    exceptions.InvalidProxiesConfigError,
    exceptions.InvalidRetryConfigurationError,
    exceptions.InvalidSTSRegionalEndpointsConfigError,
    exceptions.InvalidChecksumConfigError,
    exceptions.BaseEndpointResolverError,
    exceptions.EndpointProviderError,
    exceptions.InvalidRegionError,
    exceptions.ServiceNotInRegionError,
    exceptions.UnknownRegionError,
    exceptions.UnknownServiceError,
    exceptions.ApiVersionNotFoundError,
    exceptions.MissingDependencyException,
)
"""Of the function's environment or its package: a person has to mend these."""


def aws_failures(call: Callable[P, R]) -> Callable[P, R]:
    """Turn what boto3 raises inside `call` into `AwsUnavailable` or `AwsRefused`.

    Whatever the SDK refuses by itself, and not for its set-up, is `SdkMisused`: no call has left.
    """

    @wraps(call)
    def translated(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(*args, **kwargs)
        except ClientError as error:
            raise _translate(error) from error
        except UNANSWERED as error:
            raise AwsUnavailable(f"AWS did not answer: {_line(error)}") from error
        except NOT_SET_UP as error:
            raise AwsRefused(
                f"this function is not set up to call AWS: {_line(error)}. Look at its region, its"
                " credentials and its package",
                type(error).__name__,
            ) from error
        except BotoCoreError as error:
            raise SdkMisused(
                f"stepcanary called AWS in a wrong way, which is a fault of its own; report it:"
                f" {_line(error)}",
                type(error).__name__,
            ) from error

    return translated


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _translate(error: ClientError) -> AwsUnavailable | AwsRefused:
    code = error.response["Error"].get("Code", "Unknown")
    message = error.response["Error"].get("Message", "")
    status = error.response["ResponseMetadata"].get("HTTPStatusCode", 0)
    if code in THROTTLED_CODES or status == 429:
        return AwsThrottled(f"{error.operation_name}: {code}: {message}")
    if code in TRANSIENT_CODES or status >= 500:
        return AwsUnavailable(f"{error.operation_name}: {code}: {message}")
    if code in KEY_UNUSABLE_CODES:
        message += ". Enable the KMS key: what it encrypts is out of reach without it"
    elif code in KEY_DENIED_CODES or (code in DENIED_CODES and " kms:" in message):
        message += ". Let the function's role use the KMS key, in its own policy and in the key's"
    elif code in DENIED_CODES:
        message += f". Grant the function's role {error.operation_name} on this resource"
    return AwsRefused(f"{error.operation_name}: {code}: {message}", code)
