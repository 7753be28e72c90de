"""Alarms of CloudWatch."""

from functools import partial

from emulator.resources.making import Made, Make, Wanted, call


def alarm(wanted: Wanted) -> Made:
    cloudwatch = wanted.client("cloudwatch")
    wanted.properties.setdefault("AlarmName", wanted.name)
    call(cloudwatch, "put_metric_alarm", wanted.properties)
    name = wanted.properties["AlarmName"]
    (found,) = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    undo = partial(cloudwatch.delete_alarms, AlarmNames=[name])
    return Made(name, {"Arn": found["AlarmArn"]}, (undo,))


TABLE: dict[str, Make] = {"AWS::CloudWatch::Alarm": alarm}
