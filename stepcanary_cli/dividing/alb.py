"""ALB: the listener rules and default actions that list a target group of each service."""

from collections.abc import Iterator
from typing import Any

from stepcanary_cli.connecting import Connection
from stepcanary_cli.dividing.route import Route, pages, route
from stepcanary_cli.outcomes import Answer


def routes(connection: Connection, primary: Answer, canary: Answer) -> Iterator[Route]:
    ours, theirs = _groups(primary), _groups(canary)
    if not (ours and theirs):
        return
    client = connection.client("elbv2")
    groups = connection.call(client.describe_target_groups, TargetGroupArns=ours)["TargetGroups"]
    for balancer in sorted({arn for group in groups for arn in group["LoadBalancerArns"]}):
        listeners = pages(
            connection, client, "describe_listeners", "Listeners", LoadBalancerArn=balancer
        )
        for listener in (each["ListenerArn"] for each in listeners):
            rules = pages(connection, client, "describe_rules", "Rules", ListenerArn=listener)
            for rule in rules:
                listed = _listed(rule)
                for group in [group for group in ours if group in listed]:
                    for other in [group for group in theirs if group in listed]:
                        yield _route(connection, client, listener, rule, (group, other))


def _groups(service: Answer) -> list[str]:
    balancers = service.get("loadBalancers", [])
    return [each["targetGroupArn"] for each in balancers if each.get("targetGroupArn")]


def _listed(rule: Answer) -> set[str]:
    forwards = [action for action in rule["Actions"] if action["Type"] == "forward"]
    several = {
        group["TargetGroupArn"]
        for action in forwards
        for group in action.get("ForwardConfig", {}).get("TargetGroups", [])
    }
    return several | {each["TargetGroupArn"] for each in forwards if "TargetGroupArn" in each}


def _route(
    connection: Connection, client: Any, listener: str, rule: Answer, groups: tuple[str, str]
) -> Route:
    primary, canary = groups
    arn = listener if rule["IsDefault"] else rule["RuleArn"]
    described = connection.call(client.describe_tags, ResourceArns=[arn])["TagDescriptions"]
    traffic = {
        "router": "alb",
        "listener" if rule["IsDefault"] else "listener_rule": arn,
        "primary_target_group": primary,
        "canary_target_group": canary,
    }
    return route(
        arn,
        traffic,
        {tag["Key"]: tag["Value"] for each in described for tag in each["Tags"]},
        f"aws elbv2 add-tags --resource-arns {arn} --tags Key=stepcanary,Value=managed",
    )
