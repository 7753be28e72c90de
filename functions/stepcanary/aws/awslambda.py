"""Lambda: the published versions of a function, what its aliases name, and the end of one.

`lambda` is a word of Python's own.
"""

from stepcanary.aws import clients
from stepcanary.aws.errors import aws_failures


@aws_failures
def published(function: str) -> list[int]:
    """The numbers of its versions, without `$LATEST`, which is none."""
    pages = clients.awslambda().get_paginator("list_versions_by_function")
    found = [
        v["Version"] for page in pages.paginate(FunctionName=function) for v in page["Versions"]
    ]
    return [int(version) for version in found if version.isdecimal()]


@aws_failures
def aliased(function: str) -> frozenset[int]:
    """The versions that an alias names, whoever's it is; it may lead to two."""
    pages = clients.awslambda().get_paginator("list_aliases")
    named: set[str] = set()
    for page in pages.paginate(FunctionName=function):
        for alias in page["Aliases"]:
            named.add(alias["FunctionVersion"])
            named |= alias.get("RoutingConfig", {}).get("AdditionalVersionWeights", {}).keys()
    return frozenset(int(version) for version in named if version.isdecimal())


@aws_failures
def remove_version(function: str, version: int) -> bool:
    """Whether it is gone: not where an alias names it by now. Never the function: the version is
    always said. See https://docs.aws.amazon.com/lambda/latest/api/API_DeleteFunction.html
    """
    client = clients.awslambda()
    try:
        client.delete_function(FunctionName=function, Qualifier=str(version))
    except client.exceptions.ResourceNotFoundException:
        return True
    except client.exceptions.ResourceConflictException:
        return False
    return True
