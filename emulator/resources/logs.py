"""Log groups."""

from functools import partial

from emulator.resources.making import Made, Make, Wanted, call, undoing


def log_group(wanted: Wanted) -> Made:
    logs = wanted.client("logs")
    (days,) = wanted.take("RetentionInDays")
    wanted.properties.setdefault("LogGroupName", wanted.name)
    name = wanted.properties["LogGroupName"]
    call(logs, "create_log_group", wanted.properties)
    undo = partial(logs.delete_log_group, logGroupName=name)
    with undoing(undo):
        if days is not None:
            logs.put_retention_policy(logGroupName=name, retentionInDays=int(days))
    found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    (arn,) = [group["arn"] for group in found if group["logGroupName"] == name]
    return Made(name, {"Arn": arn}, (undo,))


TABLE: dict[str, Make] = {"AWS::Logs::LogGroup": log_group}
