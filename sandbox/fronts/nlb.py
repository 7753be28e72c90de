"""NLB: a network load balancer, before the gateway of a mesh or before tasks."""

from moto.ecs.models import ecs_backends
from moto.elbv2.models import elbv2_backends

from emulator.account import ACCOUNT, REGION
from emulator.refusals.elbv2 import groups_of
from sandbox.envoy import weighted
from sandbox.fronts.appmesh import Proxies
from sandbox.fronts.front import Cluster, Json, Plan, Series

GATEWAY = "/virtualGateway/"


class NetworkBalancer:
    """A network load balancer that somebody has made, by its ARN.

    Where the tasks behind it are Envoys of a virtual gateway, one Envoy is both: what a connection
    brings is routed as the gateway says.
    """

    def __init__(self, arn: str) -> None:
        self._arn = arn

    def series(self, cluster: str) -> Series:
        proxies = self._proxies()
        # Whatever else is behind it: connections are no requests, so there are none to count.
        assert proxies is not None
        return proxies.series(cluster)

    def tracked(self, cluster: str) -> None:
        """It counts no requests."""

    def plan(self) -> Plan:
        if proxies := self._proxies():
            return proxies.plan()
        groups = elbv2_backends[ACCOUNT][REGION].target_groups
        led_to = {groups[arn].name: groups[arn] for arn in self._groups()}
        clusters = {
            name: Cluster([(t["Id"], int(t["Port"])) for t in list(group.targets.values())])
            for name, group in led_to.items()
        }
        action = weighted(dict.fromkeys(clusters, 1)).get("route")
        return Plan(clusters, tcp=action)

    def _groups(self) -> list[str]:
        balancer = elbv2_backends[ACCOUNT][REGION].load_balancers.get(self._arn)
        listeners = list(balancer.listeners.values()) if balancer else []
        return [
            arn
            for listener in listeners
            for action in listener.default_actions
            for arn, _ in groups_of(action.data)
        ]

    def _proxies(self) -> Proxies | None:
        """The Envoys behind it, if they are a gateway's."""
        ecs, groups = ecs_backends[ACCOUNT][REGION], set(self._groups())
        for service in list(ecs.services.values()):
            if not groups & {each["targetGroupArn"] for each in service.load_balancers}:
                continue
            definition = ecs.describe_task_definition(str(service.task_definition))
            containers: list[Json] = definition.container_definitions
            for container in containers:
                for variable in container.get("environment", []):
                    if variable["name"] == "APPMESH_RESOURCE_ARN" and GATEWAY in variable["value"]:
                        mesh, gateway = variable["value"].partition(":mesh/")[2].split(GATEWAY)
                        return Proxies(mesh, gateway=gateway)
        return None
