"""Dividing: which rule, listener or route divides requests between two ECS services.

Asked with the rights of whoever sets a service up, since the stack may have none there yet.
"""

from stepcanary_cli.connecting import Connection
from stepcanary_cli.dividing import alb, appmesh, lattice
from stepcanary_cli.dividing.route import Route
from stepcanary_cli.outcomes import Answer


def routes(connection: Connection, primary: Answer, canary: Answer) -> list[Route]:
    """All that there are, of services as DescribeServices has them."""
    return [
        route
        for router in (alb, lattice, appmesh)
        for route in router.routes(connection, primary, canary)
    ]
