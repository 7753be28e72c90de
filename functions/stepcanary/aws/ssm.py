"""SSM Parameter Store: the profiles of the services."""

from stepcanary.aws import clients
from stepcanary.aws.errors import aws_failures
from stepcanary.errors import AwsRefused, RequestRejected
from stepcanary.settings import ProfileSettings


@aws_failures
def _get(name: str) -> str:
    return clients.ssm().get_parameter(Name=name)["Parameter"]["Value"]


@aws_failures
def read_profiles() -> list[tuple[str, str]]:
    """Every service that has a profile, and the profile's text."""
    prefix = ProfileSettings.from_env().prefix
    pages = clients.ssm().get_paginator("get_parameters_by_path").paginate(Path=prefix)
    found = [parameter for page in pages for parameter in page["Parameters"]]
    return [(each["Name"].removeprefix(f"{prefix}/"), each["Value"]) for each in found]


NAMES_PER_CALL = 10
"""See https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html"""


@aws_failures
def read_profiles_of(services: list[str]) -> list[tuple[str, str]]:
    """Those of these services that have a profile, and the profile's text."""
    prefix = ProfileSettings.from_env().prefix
    names = [f"{prefix}/{service}" for service in services]
    found = []
    for first in range(0, len(names), NAMES_PER_CALL):
        some = names[first : first + NAMES_PER_CALL]
        found += clients.ssm().get_parameters(Names=some)["Parameters"]
    return [(each["Name"].removeprefix(f"{prefix}/"), each["Value"]) for each in found]


def read_profile(service: str) -> tuple[str, str]:
    """The profile's parameter name and its text."""
    name = f"{ProfileSettings.from_env().prefix}/{service}"
    try:
        return name, _get(name)
    except AwsRefused as refused:
        if refused.code != "ParameterNotFound":
            raise
        raise RequestRejected(
            f"service: there is no profile {name}; store one as an SSM parameter, or send"
            " `profile` in the request"
        ) from refused
