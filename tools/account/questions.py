"""Questions: what each of them asks, and what the answer means."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Literal

from stepcanary.domain.settings import StackSettings
from tools.account.world import World

WARM = ("RelayAlarmFunction", "RevertFunction")
LEAST_CALLS_AN_HOUR = 50
"""Of what is called each minute."""
DOLLARS_PER_GB_SECOND = 0.0000133334
"""On arm64, in most Regions; see https://aws.amazon.com/lambda/pricing/"""
SLACK_SECONDS = 3.0
STATISTICS = ("TC(0.5:)", "PR(0.5:)")
SPARE_CONCURRENCY = 100
"""What Lambda insists on that nobody has reserved."""


@dataclass(frozen=True, slots=True)
class Answer:
    """`not yet` asks for something that has to happen first; `not known here` is of an emulator."""

    kind: Literal["yes", "no", "not yet", "not known here"]
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """`heading` is that of its section in docs/first-account.md; `calls` is all that it does."""

    heading: str
    calls: tuple[str, ...]
    ask: Callable[[World], Answer]


def _complete(world: World) -> Answer:
    status = world.described["StackStatus"]
    guard = world.resource("DeletionGuard")["ResourceStatus"]
    if status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
        return Answer("no", f"the stack is in {status}")
    return Answer("yes", f"the stack is in {status}, and its DeletionGuard in {guard}")


def _named(world: World) -> Answer:
    parameter = world.client("ssm").get_parameter(Name=world.physical("Settings"))["Parameter"]
    settings = StackSettings.model_validate_json(parameter["Value"])
    empty = [
        parameter
        for parameter, named in (
            ("ClusterArns", settings.clusters),
            ("TaskRoleArns", settings.task_roles),
            ("ImageRepositories", settings.repositories),
        )
        if not named
    ]
    if empty:
        return Answer("not yet", f"{', '.join(empty)} name nothing, so releases are refused")
    return Answer("yes", f"releases may deploy to {', '.join(settings.clusters)}")


def _swept(world: World) -> Answer:
    name = world.physical("SweepMissingAlarm")
    alarm = next((alarm for alarm in world.alarms() if alarm["AlarmName"] == name), None)
    if alarm is None:
        return Answer("no", f"{name} was deleted; update the stack, which makes it again")
    if alarm["StateValue"] == "OK":
        return Answer("yes", "sweeps come to their end")
    age = datetime.now(UTC) - alarm["AlarmConfigurationUpdatedTimestamp"]
    kind: Literal["not yet", "no"] = "not yet" if age < timedelta(minutes=10) else "no"
    return Answer(kind, f"{name} is in {alarm['StateValue']}")


def _quiet(world: World) -> Answer:
    fired = [alarm["AlarmName"] for alarm in world.alarms() if alarm["StateValue"] == "ALARM"]
    if fired:
        return Answer("no", f"in ALARM: {', '.join(sorted(fired))}")
    return Answer("yes", "none of the stack's alarms is in ALARM")


def _allowed(world: World) -> Answer:
    denied = world.logged("?AccessDenied ?AccessDeniedException ?UnauthorizedOperation")
    if denied:
        return Answer("no", f"{len(denied)} log lines of a day tell of it: {denied[-1]['message']}")
    return Answer("yes", "no log line of a day tells of a call that was denied")


def _whole_seconds(world: World) -> Answer:
    for event in world.events():
        failed = event.get("executionFailedEventDetails", {})
        if failed.get("error") in ("States.Runtime", "States.QueryEvaluationError"):
            return Answer("no", failed.get("cause", failed["error"]))
        for kind in ("taskScheduledEventDetails", "taskSucceededEventDetails"):
            if _waits(details := event.get(kind, {})):
                seconds = details.get("timeoutInSeconds")
                return Answer(
                    "yes", f"a wait was given {seconds} s" if seconds else "one has waited"
                )
    return Answer("not yet", "no release has baked; start one")


def _signalled(world: World) -> Answer:
    if denied := world.logged('"SendTaskSuccess" "AccessDenied"'):
        return Answer("no", denied[-1]["message"])
    for event in world.events():
        if _waits(event.get("taskSucceededEventDetails", {})):
            return Answer("yes", "a wait was ended by a function's SendTaskSuccess")
    return Answer("not yet", "no wait was ended by a signal; promote a release that bakes")


def _waits(details: dict[str, Any]) -> bool:
    return str(details.get("resource", "")).endswith("waitForTaskToken")


def _warm(world: World) -> Answer:
    told = []
    for function in WARM:
        calls = world.sum_of_last_hour("Invocations", function)
        if calls < LEAST_CALLS_AN_HOUR:
            return Answer("not yet", f"{function} was called {calls:.0f} times in an hour")
        seconds = world.sum_of_last_hour("Duration", function) / 1000
        memory = world.client("lambda").get_function_configuration(
            FunctionName=world.physical(function)
        )["MemorySize"]
        dollars = seconds * memory / 1024 * DOLLARS_PER_GB_SECOND * 24 * 30
        told.append(f"{function} {seconds / calls:.3f} s a call, ${dollars:.2f} a month")
    return Answer("yes", "; ".join(told))


def _statistics(world: World) -> Answer:
    asked = [each for each in _of_targets(world) if _values(world, each[1], "SampleCount")]
    lacking = [
        f"{statistic} of {name}"
        for name, metric in asked
        for statistic in STATISTICS
        if not _values(world, metric, statistic)
    ]
    if not asked:
        return Answer("not yet", "no canary of a stored profile has had a request for an hour")
    if lacking:
        return Answer("no", f"CloudWatch has no {', '.join(lacking)}")
    return Answer("yes", f"CloudWatch has {' and '.join(STATISTICS)}")


def _of_targets(world: World) -> Iterator[tuple[str, dict[str, Any]]]:
    """The canaries' response times."""
    prefix = world.outputs["ProfilePrefix"]
    pages = world.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=prefix)
    for parameter in (parameter for page in pages for parameter in page["Parameters"]):
        for split in json.loads(parameter["Value"]).get("traffic", []):
            if split.get("router") == "alb":
                group = split["canary_target_group"].rpartition(":")[2]
                place = split.get("listener_rule") or split["listener"]
                balancer = "/".join(place.partition("/")[2].split("/")[:3])
                dimensions = {"LoadBalancer": balancer, "TargetGroup": group}
                yield (
                    parameter["Name"],
                    _metric("AWS/ApplicationELB", "TargetResponseTime", dimensions),
                )
            elif split.get("router") == "lattice":
                group = split["canary_target_group"].rpartition("/")[2]
                yield (
                    parameter["Name"],
                    _metric("AWS/VpcLattice", "RequestTime", {"TargetGroup": group}),
                )


def _metric(namespace: str, name: str, dimensions: dict[str, str]) -> dict[str, Any]:
    listed = [{"Name": key, "Value": value} for key, value in dimensions.items()]
    return {"Namespace": namespace, "MetricName": name, "Dimensions": listed}


def _values(world: World, metric: dict[str, Any], statistic: str) -> list[float]:
    now = datetime.now(UTC)
    query = {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": statistic}}
    answer = world.client("cloudwatch").get_metric_data(
        MetricDataQueries=[query], StartTime=now - timedelta(hours=1), EndTime=now
    )
    return [value for result in answer["MetricDataResults"] for value in result["Values"]]


def _concurrent(world: World) -> Answer:
    limit = world.client("lambda").get_account_settings()["AccountLimit"]
    left = limit["UnreservedConcurrentExecutions"]
    if left <= SPARE_CONCURRENCY:
        return Answer("no", f"{left} of {limit['ConcurrentExecutions']} are not reserved")
    return Answer("yes", f"{left - SPARE_CONCURRENCY} can be reserved")


def _stored(world: World) -> Answer:
    settings = world.client("lambda").get_account_settings()
    used, most = (
        settings["AccountUsage"]["TotalCodeSize"],
        settings["AccountLimit"]["TotalCodeSize"],
    )
    text = f"{used / 1e9:.1f} of {most / 1e9:.1f} GB of code are used"
    return Answer("no" if used > 0.8 * most else "yes", text)


def _delivered(world: World) -> Answer:
    queue = world.outputs["FailedEventsQueueUrl"]
    answer = world.client("sqs").get_queue_attributes(
        QueueUrl=queue, AttributeNames=["ApproximateNumberOfMessages"]
    )
    number = int(answer["Attributes"]["ApproximateNumberOfMessages"])
    if number:
        return Answer(
            "no", f"{number} events had no effect; see docs/runbook.md#events-that-failed"
        )
    return Answer("yes", "no event was without effect")


def _slack(world: World) -> Answer:
    url = world.outputs.get("SlackRequestUrl")
    if url is None:
        return Answer("not yet", "the stack is without Slack")
    request = urllib.request.Request(url, data=b"command=/canary", method="POST")
    began = monotonic()
    try:
        urllib.request.urlopen(request, timeout=30).close()
        return Answer("no", "a request without a signature was taken")
    except urllib.error.HTTPError as refused:
        status = refused.code
    except OSError as error:
        return Answer("not known here", f"{url} cannot be reached from here: {error}")
    seconds = monotonic() - began
    if status != 401:
        return Answer("no", f"a request without a signature was answered with {status}, not 401")
    return Answer("yes" if seconds < SLACK_SECONDS else "no", f"refused after {seconds:.2f} s")


QUESTIONS = (
    Question(
        "The stack is complete",
        ("cloudformation:DescribeStacks", "cloudformation:ListStackResources"),
        _complete,
    ),
    Question("Something may be released", ("ssm:GetParameter",), _named),
    Question("The sweep runs", ("cloudwatch:DescribeAlarms",), _swept),
    Question("Nothing is in alarm", ("cloudwatch:DescribeAlarms",), _quiet),
    Question("Concurrency can be reserved", ("lambda:GetAccountSettings",), _concurrent),
    Question("There is room for code", ("lambda:GetAccountSettings",), _stored),
    Question(
        "What is kept warm costs little",
        ("cloudwatch:GetMetricStatistics", "lambda:GetFunctionConfiguration"),
        _warm,
    ),
    Question(
        "A wait gets whole seconds",
        ("states:ListExecutions", "states:GetExecutionHistory"),
        _whole_seconds,
    ),
    Question(
        "A signal ends a wait",
        ("states:ListExecutions", "states:GetExecutionHistory", "logs:FilterLogEvents"),
        _signalled,
    ),
    Question("No call is denied", ("logs:FilterLogEvents",), _allowed),
    Question("Events have an effect", ("sqs:GetQueueAttributes",), _delivered),
    Question(
        "CloudWatch has TC and PR",
        ("ssm:GetParametersByPath", "cloudwatch:GetMetricData"),
        _statistics,
    ),
    Question(
        "Slack is answered in time",
        ("a POST without a signature to the stack's public URL",),
        _slack,
    ),
)
