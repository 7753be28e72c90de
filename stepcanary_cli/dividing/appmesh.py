"""App Mesh: the routes that list the virtual node of each service."""

from collections.abc import Iterator

from stepcanary_cli.connecting import Connection
from stepcanary_cli.dividing.route import Route, pages, route
from stepcanary_cli.outcomes import Answer

ENVOYS = ("APPMESH_RESOURCE_ARN", "APPMESH_VIRTUAL_NODE_NAME")
"""What tells a task's Envoy its virtual node; see
https://docs.aws.amazon.com/app-mesh/latest/userguide/envoy-config.html"""


def routes(connection: Connection, primary: Answer, canary: Answer) -> Iterator[Route]:
    (mesh, ours), (other, theirs) = _node(connection, primary), _node(connection, canary)
    if not mesh or mesh != other:
        return
    client = connection.client("appmesh")
    for router in pages(
        connection, client, "list_virtual_routers", "virtualRouters", meshName=mesh
    ):
        place = {"meshName": mesh, "virtualRouterName": router["virtualRouterName"]}
        for listed in pages(connection, client, "list_routes", "routes", **place):
            name = listed["routeName"]
            found = connection.call(client.describe_route, **place, routeName=name)["route"]
            if not {ours, theirs} <= _nodes(found["spec"]):
                continue
            arn = found["metadata"]["arn"]
            opt_in = f"--resource-arn {arn} --tags key=stepcanary,value=managed"
            tags = connection.call(client.list_tags_for_resource, resourceArn=arn)["tags"]
            traffic = {
                "router": "appmesh",
                "mesh": mesh,
                "virtual_router": router["virtualRouterName"],
                "route": name,
                "primary_node": ours,
                "canary_node": theirs,
            }
            yield route(
                arn,
                traffic,
                {tag["key"]: tag["value"] for tag in tags},
                f"aws appmesh tag-resource {opt_in}",
            )


def _nodes(spec: Answer) -> set[str]:
    return {
        target["virtualNode"]
        for kind in spec.values()
        if isinstance(kind, dict)
        for target in kind.get("action", {}).get("weightedTargets", [])
    }


def _node(connection: Connection, service: Answer) -> tuple[str, str]:
    """Mesh and virtual node, as the Envoy of the service's tasks is told; empty without one."""
    ecs = connection.client("ecs")
    answer = connection.call(ecs.describe_task_definition, taskDefinition=service["taskDefinition"])
    for container in answer["taskDefinition"]["containerDefinitions"]:
        for variable in container.get("environment", []):
            parts = variable["value"].rpartition(":")[2].split("/")
            is_node = len(parts) == 4 and parts[::2] == ["mesh", "virtualNode"]
            if variable["name"] in ENVOYS and is_node:
                return parts[1], parts[3]
    return "", ""
