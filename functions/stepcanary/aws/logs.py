"""CloudWatch Logs: log groups, and subscription filters, which bring their lines to a function."""

from dataclasses import dataclass

from botocore.exceptions import ClientError

from stepcanary.aws import clients
from stepcanary.aws.errors import aws_failures
from stepcanary.errors import AwsRefused, AwsUnavailable

MOST_FILTERS = 2
"""Of a log group; see
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html"""
SUBSCRIBED = "STANDARD"
"""The one class of log groups that takes subscription filters; see
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CloudWatch_Logs_Log_Classes.html"""
SAMPLE = "a line"


@dataclass(frozen=True, slots=True)
class SubscriptionFilter:
    """What of a log group is brought where: `destination` is an ARN."""

    group: str
    name: str
    pattern: str
    destination: str


@dataclass(frozen=True, slots=True)
class LogGroup:
    """What of a log group says whether a release may use it: `kind` is its class."""

    kind: str
    tags: set[tuple[str, str]]


@aws_failures
def find_group(group: str) -> LogGroup | None:
    """None where there is no such group."""
    pages = clients.logs().get_paginator("describe_log_groups").paginate(logGroupNamePrefix=group)
    found = (each for page in pages for each in page["logGroups"] if each["logGroupName"] == group)
    known = next(found, None)
    if known is None:
        return None
    arn = known["arn"].removesuffix(":*")
    tags = clients.logs().list_tags_for_resource(resourceArn=arn)["tags"]
    return LogGroup(known.get("logGroupClass", SUBSCRIBED), set(tags.items()))


@aws_failures
def filters_of(group: str) -> list[SubscriptionFilter]:
    """Raises `AwsRefused` where there is no such group."""
    pages = clients.logs().get_paginator("describe_subscription_filters")
    return [
        SubscriptionFilter(
            group, found["filterName"], found.get("filterPattern", ""), found["destinationArn"]
        )
        for page in pages.paginate(logGroupName=group)
        for found in page["subscriptionFilters"]
    ]


@aws_failures
def put_filter(wanted: SubscriptionFilter) -> None:
    """Also over one of this name. Raises `AwsRefused` with LimitExceededException where the group
    has no place: that is a quota, and not a rate as with other services."""
    try:
        clients.logs().put_subscription_filter(
            logGroupName=wanted.group,
            filterName=wanted.name,
            filterPattern=wanted.pattern,
            destinationArn=wanted.destination,
        )
    except ClientError as error:
        raise _of_logs(error) from error


@aws_failures
def delete_filter(group: str, name: str) -> None:
    """Nothing where neither is there any more."""
    try:
        clients.logs().delete_subscription_filter(logGroupName=group, filterName=name)
    except ClientError as error:
        if error.response["Error"].get("Code") != "ResourceNotFoundException":
            raise _of_logs(error) from error


@aws_failures
def why_no_pattern(pattern: str) -> str | None:
    """Why CloudWatch Logs takes no such filter pattern; None where it does."""
    if not pattern:
        return None
    try:
        clients.logs().test_metric_filter(filterPattern=pattern, logEventMessages=[SAMPLE])
    except ClientError as error:
        if error.response["Error"].get("Code") != "InvalidParameterException":
            raise
        return error.response["Error"].get("Message", "")
    return None


def _of_logs(error: ClientError) -> Exception:
    """What these codes mean here; whatever else AWS says is as always."""
    code, message = error.response["Error"].get("Code"), error.response["Error"].get("Message", "")
    if code == "LimitExceededException":
        return AwsRefused(f"{error.operation_name}: {code}: {message}", code)
    if code == "OperationAbortedException":
        # Somebody else changes the same group at this moment.
        return AwsUnavailable(f"{error.operation_name}: {code}: {message}")
    return error
