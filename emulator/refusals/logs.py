"""CloudWatch Logs: the subscription filters that it refuses."""

import re
from collections.abc import Collection, Set
from typing import Any

from emulator import filter_pattern

Json = dict[str, Any]

MOST_FILTERS = 2
UNREACHABLE = (
    "Could not execute the lambda function. Make sure you have given CloudWatch Logs permission to"
    " execute your function."
)


def refusal(wanted: Json, others: Set[str], functions: Collection[str]) -> tuple[str, str] | None:
    """The code and the message with which AWS refuses the parameters of PutSubscriptionFilter; None
    if it takes them.

    `others` are the names of the filters that the log group has, and `functions` the ARNs that
    CloudWatch Logs may invoke.
    """
    name, pattern = wanted["filterName"], wanted["filterPattern"]
    if not re.fullmatch(r"[^:*]{1,512}", name):
        return "InvalidParameterException", _constraint(name, "filterName", "[^:*]*")
    try:
        filter_pattern.matcher(pattern)
    except filter_pattern.Invalid as error:
        return bad_pattern(error)
    if len(others - {name}) >= MOST_FILTERS:
        return "LimitExceededException", "Resource limit exceeded."
    if wanted["destinationArn"] not in functions:
        return "InvalidParameterException", UNREACHABLE
    return None


def bad_pattern(error: filter_pattern.Invalid) -> tuple[str, str]:
    return "InvalidParameterException", f"Invalid filter pattern: {error}"


def _constraint(value: str, parameter: str, pattern: str) -> str:
    return (
        f"1 validation error detected: Value '{value}' at '{parameter}' failed to satisfy"
        f" constraint: Member must satisfy regular expression pattern: {pattern}"
    )
