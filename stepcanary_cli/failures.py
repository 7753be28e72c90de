"""Failures: what AWS and the SDK say, as texts that say what to do."""

from pathlib import Path

from botocore import exceptions as sdk
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from stepcanary_cli.outcomes import Exit

PERMISSIONS = "docs/permissions.md has the policy for people who use the command line"
LOGIN = "log in again (`aws sso login` or `aws login`), or renew the keys"


class Garbled(Exception):
    """An answer that lacks what every answer of AWS has: it was cut off, or is somebody else's.

    The SDK takes what is no JSON for an answer without members.
    """


UNANSWERED: tuple[type[Exception], ...] = (
    Garbled,
    sdk.HTTPClientError,
    sdk.ConnectionError,
    sdk.IncompleteReadError,
    sdk.ChecksumError,
    # Whatever stood between us and AWS has answered.
    ResponseParserError,
)
NOT_SET_UP: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    (
        (sdk.NoCredentialsError, sdk.PartialCredentialsError),
        "Give --aws-profile, set AWS_PROFILE, or log in with `aws sso login`",
    ),
    (
        (sdk.ProfileNotFound,),
        "`aws configure list-profiles` lists those that there are",
    ),
    (
        (
            sdk.TokenRetrievalError,
            sdk.CredentialRetrievalError,
            sdk.SSOError,
            sdk.LoginError,
        ),
        f"The credentials for AWS cannot be used: {LOGIN}",
    ),
    ((sdk.NoRegionError, sdk.InvalidRegionError), "Give --region, or set AWS_REGION"),
)
"""What is wrong with the session, and what to do."""
STALE_CODES = {"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
FALSE_CODES = {
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
}
DENIED_CODES = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
BUSY_CODES = {"RequestLimitExceeded", "TooManyRequestsException", "ServiceUnavailable"}


class Failure(Exception):
    """What is told on standard error, with the exit code that says so."""

    exit_code = Exit.FAULT


class Misuse(Failure):
    """The command line, or what it is to be used with, is not as it has to be."""

    exit_code = Exit.MISUSE


class Refused(Failure):
    """The stack has not accepted it, or would not. Nothing was changed."""

    exit_code = Exit.REJECTED


class Lost(Failure):
    """AWS does not answer."""

    exit_code = Exit.LOST


class Interrupted(Failure):
    """Somebody pressed Ctrl-C."""

    exit_code = Exit.INTERRUPTED


NOT_CONFIGURED: tuple[type[Exception], ...] = (OSError, ValueError, EOFError)
"""What the SDK lets through of a set-up that it cannot use: a file that is not there, a
credential_process that answers no JSON, an endpoint that is no URL, a code that nobody can type."""


def unusable(error: Exception) -> Misuse:
    """What to do about one of `NOT_CONFIGURED`."""
    what = _line(error)
    if isinstance(error, EOFError):
        what = "a code or a password has to be typed, and there is no terminal for it"
    return Misuse(
        f"AWS cannot be called: {what}. Look at the AWS profile, and at the variables AWS_… that"
        " are set; `aws sts get-caller-identity` says whether the credentials can be used"
    )


def fault(error: BaseException) -> Failure:
    """What nobody has thought of: where it happened is for whoever mends it."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = f" ({Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno})" if place else ""
    return Failure(
        f"a fault of this command: {type(error).__name__}: {_line(error)}{where}. What was started"
        " goes on; `stepcanary status` shows it. Please report this line"
    )


def is_lost(error: Exception) -> bool:
    return isinstance(error, UNANSWERED)


def is_busy(error: Exception) -> bool:
    """Whether it is worth asking again: AWS has answered, and that it cannot now."""
    if not isinstance(error, ClientError):
        return False
    code, status = _code(error), _status(error)
    return "Throttl" in code or code in BUSY_CODES or status == 429 or status >= 500


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def explained(error: Exception) -> Failure:
    """What to do about it."""
    if is_lost(error):
        return Lost(f"AWS does not answer: {_line(error)}. Look at the network, and try again")
    if isinstance(error, ClientError):
        return _refused(error)
    for kinds, advice in NOT_SET_UP:
        if isinstance(error, kinds):
            return Misuse(f"{_line(error)}. {advice}")
    return Misuse(f"AWS cannot be called: {_line(error)}")


def _refused(error: ClientError) -> Failure:
    code = _code(error)
    message = _line(Exception(error.response.get("Error", {}).get("Message", "")))
    if code in STALE_CODES:
        return Misuse(f"the credentials for AWS have expired: {LOGIN} ({code})")
    if code in FALSE_CODES:
        return Misuse(f"AWS does not know these credentials: {LOGIN} ({code}: {message})")
    if code in DENIED_CODES:
        return Misuse(f"you may not do {error.operation_name}: {message}. {PERMISSIONS}")
    if 300 <= _status(error) < 400:
        return Lost(
            f"AWS does not answer: something in between answers {error.operation_name} with"
            f" {_status(error)}, as a proxy or a login page does. Look at the network, and try"
            " again"
        )
    if is_busy(error):
        return Lost(f"AWS cannot answer now: {error.operation_name}: {code}. Try again")
    return Misuse(f"AWS refuses {error.operation_name}: {code}: {message}")


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())
