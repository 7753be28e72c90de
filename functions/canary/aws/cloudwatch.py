"""CloudWatch: the state of the alarms that judge a release."""

from canary.aws import clients
from canary.aws.failures import aws_failures
from canary.verdict import Alarm

NAMES_PER_CALL = 100


@aws_failures
def describe_alarms(names: list[str]) -> list[Alarm]:
    """Metric and composite alarms; a name that CloudWatch does not know is simply absent."""
    if not names:
        return []
    # Without AlarmTypes a composite alarm is left out, as if it did not exist.
    answer = clients.cloudwatch().describe_alarms(
        AlarmNames=names[:NAMES_PER_CALL],
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
        MaxRecords=NAMES_PER_CALL,
    )
    return [
        Alarm(alarm["AlarmName"], alarm["StateValue"], alarm.get("StateReason", ""))
        for alarm in [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
    ]
