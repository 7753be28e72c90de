"""Lattice: the rules and default actions that list a target group of each service."""

from collections.abc import Iterator
from typing import Any

from stepcanary_cli.connecting import Connection
from stepcanary_cli.dividing.route import Route, pages, route
from stepcanary_cli.outcomes import Answer


def routes(connection: Connection, primary: Answer, canary: Answer) -> Iterator[Route]:
    ours, theirs = _groups(primary), _groups(canary)
    if not (ours and theirs):
        return
    client = connection.client("vpc-lattice")
    services: set[str] = set()
    for group in ours:
        found = connection.call(client.get_target_group, targetGroupIdentifier=group)
        services |= set(found.get("serviceArns", []))
    for service in sorted(services):
        for listener in pages(
            connection, client, "list_listeners", "items", serviceIdentifier=service
        ):
            place = {"serviceIdentifier": service, "listenerIdentifier": listener["arn"]}
            for arn, action in _actions(connection, client, place):
                listed = {
                    _id(each["targetGroupIdentifier"])
                    for each in action.get("forward", {}).get("targetGroups", [])
                }
                for one in [group for group in ours if _id(group) in listed]:
                    for other in [group for group in theirs if _id(group) in listed]:
                        yield _route(connection, client, place, arn, (one, other))


def _groups(service: Answer) -> list[str]:
    return sorted(
        {
            each["targetGroupArn"]
            for deployment in service.get("deployments", [])
            for each in deployment.get("vpcLatticeConfigurations", [])
        }
    )


def _id(arn: str) -> str:
    return arn.rpartition("/")[2]


def _actions(
    connection: Connection, client: Any, place: dict[str, str]
) -> Iterator[tuple[str, Answer]]:
    """Of the listener and of its rules, by their ARNs."""
    listener = connection.call(client.get_listener, **place)
    yield place["listenerIdentifier"], listener["defaultAction"]
    for rule in pages(connection, client, "list_rules", "items", **place):
        if not rule.get("isDefault"):
            whole = connection.call(client.get_rule, **place, ruleIdentifier=rule["arn"])
            yield rule["arn"], whole["action"]


def _route(
    connection: Connection, client: Any, place: dict[str, str], arn: str, groups: tuple[str, str]
) -> Route:
    primary, canary = groups
    listener = place["listenerIdentifier"]
    traffic = {
        "router": "lattice",
        "service": place["serviceIdentifier"],
        "listener": listener,
        **({} if arn == listener else {"rule": arn}),
        "primary_target_group": primary,
        "canary_target_group": canary,
    }
    return route(
        arn,
        traffic,
        connection.call(client.list_tags_for_resource, resourceArn=arn).get("tags", {}),
        f"aws vpc-lattice tag-resource --resource-arn {arn} --tags stepcanary=managed",
    )
