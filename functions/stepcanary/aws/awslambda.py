"""Lambda: the published versions of a function, what its aliases name, the end of one, and the
answer of one.

`lambda` is a word of Python's own.
"""

import json
from typing import cast

from stepcanary.aws import clients
from stepcanary.aws.errors import aws_failures
from stepcanary.domain.model import Document
from stepcanary.errors import AwsRefused, AwsUnavailable

PASSES = {"AwsUnavailable", "AwsThrottled", "Sandbox.Timedout"}
"""Errors of a function that time mends."""


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


@aws_failures
def answer_of(function: str, event: Document, *, patient: bool = False) -> Document:
    """What a function answers to whoever waits for it; who is patient waits until it has run out of
    time. Raises `AwsUnavailable` to try again. See
    https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
    """
    client = clients.patient_lambda() if patient else clients.awslambda()
    answer = client.invoke(FunctionName=function, Payload=json.dumps(event))
    payload = json.loads(answer["Payload"].read())
    if "FunctionError" not in answer:
        return cast("Document", payload)
    kind = payload.get("errorType", answer["FunctionError"])
    message = f"{function}: {kind}: {payload.get('errorMessage', '')}"
    if kind in PASSES:
        raise AwsUnavailable(message)
    raise AwsRefused(message, kind)
