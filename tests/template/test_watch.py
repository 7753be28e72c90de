"""The stack's watch on itself: whatever runs unseen has an alarm, and each alarm its section."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from emulator import template
from tests.docs.test_docs import anchors

DOCUMENT = template.document()
RESOURCES: dict[str, Any] = DOCUMENT["Resources"]
RUNBOOK = template.ROOT / "docs/runbook.md"
FUNCTIONS = {f.name: RESOURCES[f.name] for f in template.functions()}
ALARMS = {n: r for n, r in RESOURCES.items() if r["Type"] == "AWS::CloudWatch::Alarm"}
each_alarm = pytest.mark.parametrize("alarm", ALARMS)
URL, PERMISSION = "AWS::Lambda::Url", "AWS::Lambda::Permission"
DOLLARS = 0.1
"""Of one metric in an alarm and a month; see https://aws.amazon.com/cloudwatch/pricing/"""
ASKED = {"AnswerQuestionFunction"}
"""Whoever invokes it waits for its answer."""
MOST_METRICS = 10
"""Of an alarm on an expression; see PutMetricAlarm."""


class Watched(NamedTuple):
    """`thing` is the value of the metric's only dimension."""

    name: str
    thing: str
    stat: str
    condition: str | None = None


def watched(alarm: str) -> list[Watched]:
    """The metrics of an alarm, with the conditions on which it has them."""
    resource = ALARMS[alarm]
    properties, condition = resource["Properties"], resource.get("Condition")
    if "Metrics" not in properties:
        return [_watched(properties, properties["Statistic"], condition)]
    found = []
    for each in properties["Metrics"]:
        # `!If` is read as a list.
        own, query = (each[0], each[1]) if isinstance(each, list) else (condition, each)
        if "MetricStat" in query:
            found.append(_watched(query["MetricStat"]["Metric"], query["MetricStat"]["Stat"], own))
    return found


def _watched(metric: dict[str, Any], stat: str, condition: str | None) -> Watched:
    (dimension,) = metric["Dimensions"]
    return Watched(metric["MetricName"], dimension["Value"], stat, condition)


def on(name: str) -> dict[str, str | None]:
    """What has an alarm on this metric, and on which condition."""
    return {
        metric.thing: metric.condition
        for alarm in ALARMS
        for metric in watched(alarm)
        if metric.name == name
    }


def rules() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Function, logical name and properties of each rule; a schedule is one."""
    for name, function in FUNCTIONS.items():
        for event, rule in function["Properties"].get("Events", {}).items():
            assert rule["Type"] in ("EventBridgeRule", "Schedule")
            yield name, f"{name}{event}", rule["Properties"]


def invoked_asynchronously() -> set[str]:
    """Functions that rules and CloudWatch Logs call, and those that functions invoke."""
    called = {name for name, _, _ in rules()} | called_by_logs()
    for function in FUNCTIONS.values():
        for policy in function["Properties"]["Policies"]:
            for statement in template.statements(policy) if isinstance(policy, dict) else []:
                if "lambda:InvokeFunction" in statement["Action"]:
                    called |= _named(statement["Resource"])
    return called - ASKED


def called_by_logs() -> set[str]:
    permitted = (r["Properties"] for r in RESOURCES.values() if r["Type"] == PERMISSION)
    return {
        each["FunctionName"].removesuffix(".Alias")
        for each in permitted
        if each["Principal"] == "logs.amazonaws.com"
    }


def _named(resource: str | list[str]) -> set[str]:
    if isinstance(resource, list):
        # To be kept warm: of an event that asks for nothing, nothing is lost.
        assert resource == ["RelayAlarmFunction.Alias", "RevertFunction.Alias"]
        return set()
    full = re.search(r"function:(\S+):live$", resource)
    assert full is not None
    named = {n for n, f in FUNCTIONS.items() if f["Properties"].get("FunctionName") == full[1]}
    assert named
    return named


def called_from_outside() -> set[str]:
    """By rules, by functions, through a URL, for an action or for an answer."""
    targets = [r["Properties"]["TargetFunctionArn"] for r in RESOURCES.values() if r["Type"] == URL]
    urls = {target.removesuffix(".Alias") for target in targets}
    return invoked_asynchronously() | urls | {"TakeActionFunction"} | ASKED


def queue_of(function: str) -> str:
    destination = FUNCTIONS[function]["Properties"]["EventInvokeConfig"]["DestinationConfig"]
    assert destination["OnFailure"]["Type"] == "SQS"
    return str(destination["OnFailure"]["Destination"].removesuffix(".Arn"))


def test_what_is_called_from_outside() -> None:
    """So that a test of all of them is not one of none."""
    assert {name.removesuffix("Function") for name in called_from_outside()} == {
        "AnnounceRelease",
        "AnswerQuestion",
        "AnswerSlack",
        "CountRequests",
        "IndexProfiles",
        "PostToSlack",
        "PromoteOnImage",
        "PromoteOnPipeline",
        "Reconcile",
        "RelayAlarm",
        "RemoveVersions",
        "SignalRelease",
        "StartOnImage",
        "TakeAction",
        "WatchReleases",
        "WriteReport",
    }


def test_the_errors_of_what_is_called_from_outside_have_an_alarm() -> None:
    alarmed = on("Errors")
    assert set(alarmed) == called_from_outside()
    for function, condition in alarmed.items():
        assert FUNCTIONS[function].get("Condition") == condition, function


def test_an_event_that_fails_is_kept_and_a_person_is_called() -> None:
    queues = {name: queue_of(name) for name in invoked_asynchronously()}
    # What a schedule starts is made up for by the next run.
    assert queues.pop("ReconcileFunction") == "FailedSweeps"
    assert queues.pop("IndexProfilesFunction") == "FailedSweeps"
    assert queues.pop("RemoveVersionsFunction") == "FailedSweeps"
    assert queues.pop("WatchReleasesFunction") == "FailedSweeps"
    # What lines say is of the moment; metrics and alarms say the same later.
    assert queues.pop("CountRequestsFunction") == "FailedSweeps"
    assert set(queues.values()) == {"FailedEvents"}
    assert set(on("ApproximateNumberOfMessagesVisible")) == {"FailedEvents.QueueName"}
    dropped = on("AsyncEventsDropped")
    assert set(dropped) == set(queues)
    for function, condition in dropped.items():
        assert FUNCTIONS[function].get("Condition") == condition, function


def test_a_rule_that_cannot_call_its_function_keeps_the_event_where_the_function_would() -> None:
    for function, name, properties in rules():
        assert properties["DeadLetterConfig"] == {"Arn": f"{queue_of(function)}.Arn"}, name
        # Neither gives up later than an hour: then the event may be about what is over.
        assert properties["RetryPolicy"]["MaximumEventAgeInSeconds"] <= 3600, name
        invoked = FUNCTIONS[function]["Properties"]["EventInvokeConfig"]
        assert invoked["MaximumEventAgeInSeconds"] <= 3600, name


def test_rules_that_fail_have_an_alarm() -> None:
    failed = on("FailedInvocations")
    assert set(failed) == {name for _, name, _ in rules()}
    for function, name, _ in rules():
        assert FUNCTIONS[function].get("Condition") == failed[name], name


@pytest.mark.parametrize("queue", ["FailedEvents", "FailedSweeps"])
def test_who_may_send_to_a_queue(transformed: dict[str, Any], queue: str) -> None:
    """Each rule by the queue's policy, each function by its own role, and nobody in clear."""
    (policy,) = (
        r["Properties"]
        for r in transformed.values()
        if r["Type"] == "AWS::SQS::QueuePolicy" and r["Properties"]["Queues"] == [{"Ref": queue}]
    )
    arn = {"Fn::GetAtt": [queue, "Arn"]}
    allowed, denied = policy["PolicyDocument"]["Statement"]
    assert allowed["Principal"] == {"Service": "events.amazonaws.com"}
    assert (allowed["Action"], allowed["Resource"]) == ("sqs:SendMessage", arn)
    assert (denied["Effect"], denied["Resource"]) == ("Deny", arn)
    assert denied["Condition"] == {"Bool": {"aws:SecureTransport": False}}
    senders = {}
    for sender in allowed["Condition"]["ArnEquals"]["aws:SourceArn"]:
        condition, got, _ = sender.get("Fn::If", (None, sender, None))
        senders[got["Fn::GetAtt"][0]] = condition
    ours = {name: function for function, name, _ in rules() if queue_of(function) == queue}
    assert senders == {
        name: FUNCTIONS[function].get("Condition") for name, function in ours.items()
    }
    for name in {n for n in invoked_asynchronously() if queue_of(n) == queue}:
        policies = transformed[f"{name}Role"]["Properties"]["Policies"]
        statements = [s for p in policies for s in p["PolicyDocument"]["Statement"]]
        sends = [s["Resource"] for s in statements if s["Action"] == "sqs:SendMessage"]
        assert sends == [arn], name
    assert transformed[queue]["Properties"]["SqsManagedSseEnabled"] is True


def test_a_failed_event_waits_for_a_person_and_a_failed_sweep_for_nobody() -> None:
    days = {
        name: RESOURCES[name]["Properties"]["MessageRetentionPeriod"] / 86_400
        for name in ("FailedEvents", "FailedSweeps")
    }
    assert days == {"FailedEvents": 14, "FailedSweeps": 1}


def test_the_sweep_has_a_dead_mans_switch() -> None:
    """Five minutes without a sample are an alarm, whatever is missing and for whatever reason. The
    sample is of a metric that nobody but the sweep writes."""
    (metric,) = watched("SweepMissingAlarm")
    assert metric == Watched("LeftBehind", "AWS::StackName", "SampleCount")
    handlers = (template.ROOT / "functions/handlers").glob("*.py")
    writers = [path.stem for path in handlers if '"LeftBehind"' in path.read_text()]
    assert writers == ["reconcile"]
    properties = ALARMS["SweepMissingAlarm"]["Properties"]
    assert properties["TreatMissingData"] == "breaching"
    expression, sweeps = properties["Metrics"]
    assert expression["Expression"] == f"FILL({sweeps['Id']}, 0)"
    assert (sweeps["MetricStat"]["Period"], properties["EvaluationPeriods"]) == (60, 5)
    assert (properties["ComparisonOperator"], properties["Threshold"]) == ("LessThanThreshold", 1)
    assert properties.get("DatapointsToAlarm", 5) == 5
    assert FUNCTIONS["ReconcileFunction"]["Properties"]["Events"]["EveryMinute"]


def test_what_the_sweep_reports_stays_as_it_was_while_there_is_no_sweep() -> None:
    """And elsewhere no data is no failure: a function that is not called reports nothing."""
    for name, alarm in ALARMS.items():
        reported = {metric.name for metric in watched(name)} <= {"StrandedSplits", "LeftBehind"}
        expected = "ignore" if reported else "notBreaching"
        if name != "SweepMissingAlarm":
            assert alarm["Properties"]["TreatMissingData"] == expected, name


def test_throttles_of_what_brings_traffic_home_have_an_alarm() -> None:
    home = {"RelayAlarm", "CountRequests", "Reconcile", "SignalRelease", "TakeAction", "Revert"}
    alarmed = {name.removesuffix("Function") for name in on("Throttles")}
    # A flood of Slack's URL is another matter.
    assert alarmed == home | {"AnswerSlack"}
    assert {m.thing.removesuffix("Function") for m in watched("ThrottledAlarm")} == home


@pytest.mark.parametrize("function", ["RelayAlarm", "Reconcile"])
def test_concurrency_is_reserved_where_it_is_asked_for(function: str) -> None:
    parameter = DOCUMENT["Parameters"][f"{function}Concurrency"]
    assert (parameter["Default"], parameter["MinValue"]) == (0, 0)
    reserved = FUNCTIONS[f"{function}Function"]["Properties"]["ReservedConcurrentExecutions"]
    assert reserved == [f"Has{function}Concurrency", f"{function}Concurrency", "AWS::NoValue"]
    # A reservation of 0 would switch the function off.
    condition = DOCUMENT["Conditions"][f"Has{function}Concurrency"]
    assert condition == [[f"{function}Concurrency", 0]]


@each_alarm
def test_an_alarm_leads_to_its_section_of_the_runbook(alarm: str) -> None:
    properties = ALARMS[alarm]["Properties"]
    name = properties["AlarmName"].replace("${AWS::StackName}", "STACK")
    assert properties["AlarmDescription"].endswith(f". See docs/runbook.md#{name.lower()}")
    (section,) = re.findall(
        rf"^### {name}\n(.*?)^##", RUNBOOK.read_text(), re.MULTILINE | re.DOTALL
    )
    parts = re.findall(r"^\*\*(.+?)\.\*\* \S", section, re.MULTILINE)
    assert parts == ["What it means", "What users see", "What to do"]


def test_the_runbook_has_no_section_of_another_alarm() -> None:
    names = {a["Properties"]["AlarmName"].partition("-")[2] for a in ALARMS.values()}
    assert {a for a in anchors(RUNBOOK) if a.startswith("stack-")} == {f"stack-{n}" for n in names}
    mentioned = set(re.findall(r"`STACK-([a-z-]+)`", RUNBOOK.read_text()))
    assert mentioned <= names


@each_alarm
def test_an_alarm_calls_whoever_is_to_be_called(alarm: str) -> None:
    properties = ALARMS[alarm]["Properties"]
    topic = ["HasAlarmTopic", ["AlarmTopicArn"], "AWS::NoValue"]
    assert properties["AlarmActions"] == topic
    assert properties.get("OKActions", topic) == topic


@each_alarm
def test_an_expression_is_one_that_cloudwatch_takes(alarm: str) -> None:
    properties = ALARMS[alarm]["Properties"]
    assert len(watched(alarm)) <= MOST_METRICS
    queries = [q[1] if isinstance(q, list) else q for q in properties.get("Metrics", [])]
    ids = Counter(query["Id"] for query in queries)
    assert all(re.fullmatch("[a-z][a-zA-Z0-9_]*", name) for name in ids)
    assert [name for name, count in ids.items() if count > 1] == []
    if queries:
        shown = [query for query in queries if query.get("ReturnData", True)]
        assert [query["Expression"] for query in shown] == [queries[0]["Expression"]]


def test_the_runbook_says_what_the_alarms_cost() -> None:
    metrics = [metric for alarm in ALARMS for metric in watched(alarm)]
    always = [metric for metric in metrics if not metric.condition]
    text = " ".join(RUNBOOK.read_text().split())
    words = {18: "Eighteen", 22: "twenty-two"}
    unconditional = sum("Condition" not in alarm for alarm in ALARMS.values())
    assert (
        f"{words[unconditional]} alarms watch {len(always)} metrics; with announcements, reports"
        f" and Slack they are {words[len(ALARMS)]}, with {len(metrics)}."
    ) in text
    assert f"${DOLLARS * len(always):.2f} to ${DOLLARS * len(metrics):.2f} a month" in text
    first = (template.ROOT / "docs/getting-started.md").read_text()
    assert f"{len(always)} metrics x ${DOLLARS:.2f} | ${DOLLARS * len(always):.2f} a month" in first


def test_the_runbook_says_what_a_replay_does_of_every_failed_event() -> None:
    section = RUNBOOK.read_text().partition("## Events that failed")[2]
    rows = re.findall(r"^\| ([A-Z][^|]+?) \|", section, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"[A-Z]\w+", row)}
    kept = {name for name in invoked_asynchronously() if queue_of(name) == "FailedEvents"}
    assert {f"{name}Function" for name in named} == kept


def test_the_queue_is_an_output() -> None:
    assert DOCUMENT["Outputs"]["FailedEventsQueueUrl"]["Value"] == "FailedEvents"
