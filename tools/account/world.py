"""World: a deployed stack, as its owner's credentials see it. Nothing here changes anything."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Any

import boto3
from botocore.config import Config

QUICK = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard"})
NEWEST_EXECUTIONS = 5


class ResourceMissing(Exception):
    """The stack lacks a resource of its template."""


class World:
    def __init__(self, stack: str, session: boto3.Session) -> None:
        self.stack, self._session = stack, session

    def client(self, service: str) -> Any:
        return self._session.client(service, config=QUICK)  # type: ignore[call-overload]

    @cached_property
    def described(self) -> dict[str, Any]:
        answer = self.client("cloudformation").describe_stacks(StackName=self.stack)
        described: dict[str, Any] = answer["Stacks"][0]
        return described

    @cached_property
    def outputs(self) -> dict[str, str]:
        return {
            each["OutputKey"]: each["OutputValue"] for each in self.described.get("Outputs", [])
        }

    @cached_property
    def resources(self) -> dict[str, dict[str, Any]]:
        """By logical id."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        return {
            resource["LogicalResourceId"]: resource
            for page in pages.paginate(StackName=self.stack)
            for resource in page["StackResourceSummaries"]
        }

    def resource(self, logical: str) -> dict[str, Any]:
        """Raises `ResourceMissing`."""
        try:
            return self.resources[logical]
        except KeyError:
            raise ResourceMissing(f"the stack here has no {logical}") from None

    def physical(self, logical: str) -> str:
        """Raises `ResourceMissing`."""
        found: str = self.resource(logical)["PhysicalResourceId"]
        return found

    def alarms(self) -> list[dict[str, Any]]:
        """The stack's own."""
        pages = self.client("cloudwatch").get_paginator("describe_alarms")
        pages = pages.paginate(AlarmNamePrefix=f"{self.stack}-")
        own = {
            resource["PhysicalResourceId"]
            for resource in self.resources.values()
            if resource["ResourceType"] == "AWS::CloudWatch::Alarm"
        }
        return [a for page in pages for a in page["MetricAlarms"] if a["AlarmName"] in own]

    def sum_of_last_hour(self, metric: str, function: str) -> float:
        now = datetime.now(UTC)
        points = self.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric,
            Dimensions=[{"Name": "FunctionName", "Value": self.physical(function)}],
            StartTime=now - timedelta(hours=1),
            EndTime=now,
            Period=3600,
            Statistics=["Sum"],
        )["Datapoints"]
        return sum((point["Sum"] for point in points), 0.0)

    def events(self) -> Iterator[dict[str, Any]]:
        """Of the newest executions."""
        states = self.client("stepfunctions")
        machine = self.outputs["ReleaseStateMachineArn"]
        pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine)
        executions = (each for page in pages for each in page["executions"])
        for execution in islice(executions, NEWEST_EXECUTIONS):
            history = states.get_paginator("get_execution_history")
            for page in history.paginate(executionArn=execution["executionArn"]):
                yield from page["events"]

    def logged(self, pattern: str) -> list[dict[str, Any]]:
        """What the functions have logged in a day that has these words."""
        since = datetime.now(UTC) - timedelta(days=1)
        pages = self.client("logs").get_paginator("filter_log_events")
        pages = pages.paginate(
            logGroupName=self.physical("FunctionLogGroup"),
            filterPattern=pattern,
            startTime=int(since.timestamp() * 1000),
            PaginationConfig={"MaxItems": 100},
        )
        return [event for page in pages for event in page["events"]]
