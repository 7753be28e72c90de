"""SSM Parameter Store: the stack's settings, and the profiles of the services."""

from stepcanary.aws import clients
from stepcanary.aws.errors import aws_failures

NAMES_PER_CALL = 10


@aws_failures
def read(name: str) -> str:
    return clients.ssm().get_parameter(Name=name)["Parameter"]["Value"]


NAMES_PER_CALL = 10
"""See https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html"""


@aws_failures
def read_some(names: list[str]) -> dict[str, str]:
    """Those of them that there are, by name."""
    found: dict[str, str] = {}
    for first in range(0, len(names), NAMES_PER_CALL):
        some = names[first : first + NAMES_PER_CALL]
        answer = clients.ssm().get_parameters(Names=some)
        found |= {each["Name"]: each["Value"] for each in answer["Parameters"]}
    return found


@aws_failures
def read_below(prefix: str) -> dict[str, str]:
    """Every one right below this path, by what its name has more."""
    pages = clients.ssm().get_paginator("get_parameters_by_path").paginate(Path=prefix)
    found = [parameter for page in pages for parameter in page["Parameters"]]
    return {each["Name"].removeprefix(f"{prefix}/"): each["Value"] for each in found}
