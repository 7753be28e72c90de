"""SSM Parameter Store: the profiles of the services."""

from canary.aws import clients
from canary.aws.failures import aws_failures
from canary.errors import AwsRefused, RequestRejected
from canary.settings import settings


@aws_failures
def _get(name: str) -> str:
    return clients.ssm().get_parameter(Name=name)["Parameter"]["Value"]


def read_profile(service: str) -> tuple[str, str]:
    """The profile's parameter name and its text."""
    name = f"{settings().profile_prefix}/{service}"
    try:
        return name, _get(name)
    except AwsRefused as refused:
        if refused.code != "ParameterNotFound":
            raise
        raise RequestRejected(
            f"service: there is no profile {name}; store one as an SSM parameter, or send"
            " `profile` in the request"
        ) from refused
