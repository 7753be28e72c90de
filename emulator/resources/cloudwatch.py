"""Alarms of CloudWatch."""

from functools import partial

from emulator.resources.making import Made, Make, Wanted, call


def alarm(wanted: Wanted) -> Made:
    return _put(wanted, "put_metric_alarm")


def composite_alarm(wanted: Wanted) -> Made:
    return _put(wanted, "put_composite_alarm")


def _put(wanted: Wanted, operation: str) -> Made:
    cloudwatch = wanted.client("cloudwatch")
    wanted.properties.setdefault("AlarmName", wanted.name)
    call(cloudwatch, operation, wanted.properties)
    name = wanted.properties["AlarmName"]
    every = cloudwatch.describe_alarms(
        AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    (arn,) = [each["AlarmArn"] for each in every["MetricAlarms"] + every["CompositeAlarms"]]
    return Made(name, {"Arn": arn}, (partial(cloudwatch.delete_alarms, AlarmNames=[name]),))


TABLE: dict[str, Make] = {
    "AWS::CloudWatch::Alarm": alarm,
    "AWS::CloudWatch::CompositeAlarm": composite_alarm,
}
