"""Dividing: which rule, listener or route divides requests between two ECS services.

Asked with the rights of whoever sets a service up, since the stack may have none there yet.
"""

from collections.abc import Callable

from stepcanary_cli.connecting import Connection
from stepcanary_cli.dividing import alb, appmesh, lattice
from stepcanary_cli.dividing.route import Route
from stepcanary_cli.failures import Failure
from stepcanary_cli.outcomes import Answer


def routes(
    connection: Connection, primary: Answer, canary: Answer, warn: Callable[[str], None]
) -> list[Route]:
    """All that there are, of services as DescribeServices has them.

    App Mesh has ended, and tasks that once had its Envoy may still name their mesh: where it does
    not answer, the other routers do.
    """
    found = [*alb.routes(connection, primary, canary), *lattice.routes(connection, primary, canary)]
    try:
        found += appmesh.routes(connection, primary, canary)
    except Failure as failure:
        warn(f"the tasks name a mesh, and App Mesh was left out: {failure}")
    return found
