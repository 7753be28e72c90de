"""VPC Lattice: a listener's rule over two target groups."""

from collections.abc import Iterable, Iterator, Sequence

from moto.vpclattice.models import (
    VPCLatticeBackend,
    VPCLatticeListener,
    VPCLatticeTargetGroup,
    vpclattice_backends,
)

from emulator.account import ACCOUNT, REGION
from emulator.moto_gaps.vpc_lattice import targets_of
from emulator.refusals.vpc_lattice import id_of, weights_of
from sandbox.envoy import REFUSED_ONLY, equals, weighted
from sandbox.fronts.balanced import Balanced
from sandbox.fronts.front import (
    OPTED_IN,
    SIDES,
    Attachment,
    ClientOf,
    Cluster,
    Json,
    Plan,
    Series,
    requests_per_task,
)

PROTOCOL = "HTTP"


class Lattice(Balanced):
    """One service with one listener; what its rule does not match gets a 404."""

    def __init__(self) -> None:
        super().__init__()
        self._service = self._listener = self._rule = ""

    def _place(self) -> Json:
        return {
            "router": "lattice",
            "service": self._service,
            "listener": self._listener,
            "rule": self._rule,
        }

    def create(self, client: ClientOf, ports: Sequence[int]) -> dict[str, Attachment]:
        lattice = client("vpc-lattice")
        vpc = client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
        self._service = lattice.create_service(name="shop", authType="NONE")["id"]
        arns: dict[str, str] = {}
        for name in SIDES:
            group = lattice.create_target_group(
                name=name,
                type="IP",
                config={
                    "protocol": PROTOCOL,
                    "port": 8080,
                    "vpcIdentifier": vpc,
                    "healthCheck": {"enabled": True, "path": "/health"},
                },
            )
            self._groups[name], arns[name] = group["id"], group["arn"]
        self._listener = lattice.create_listener(
            serviceIdentifier=self._service,
            name="http",
            protocol=PROTOCOL,
            port=ports[0],
            defaultAction={"fixedResponse": {"statusCode": 404}},
        )["id"]
        weights = zip(self._groups.values(), (100, 0), strict=True)
        groups = [{"targetGroupIdentifier": id, "weight": weight} for id, weight in weights]
        self._rule = lattice.create_rule(
            serviceIdentifier=self._service,
            listenerIdentifier=self._listener,
            name="shop",
            priority=10,
            match={"httpMatch": {"pathMatch": {"match": {"prefix": "/"}}}},
            action={"forward": {"targetGroups": groups}},
            tags=OPTED_IN,
        )["id"]
        role = f"arn:aws:iam::{ACCOUNT}:role/ecsInfrastructureRole"
        return {
            name: Attachment(
                {
                    "vpcLatticeConfigurations": [
                        {"roleArn": role, "targetGroupArn": arns[name], "portName": "http"}
                    ]
                },
                desired,
            )
            for name, desired in SIDES.items()
        }

    def series(self, cluster: str) -> Series:
        return _series(self._groups[cluster])

    def tracked(self, cluster: str) -> Json:
        return requests_per_task(cluster)

    def plan(self) -> Plan:
        return _plan(vpclattice_backends[ACCOUNT][REGION].listeners.values())


class LatticeService:
    """A Lattice service that somebody has made, by its id."""

    def __init__(self, id: str) -> None:
        self._id = id

    def series(self, cluster: str) -> Series:
        groups = vpclattice_backends[ACCOUNT][REGION].target_groups.values()
        (id,) = [group.id for group in groups if group.name == cluster]
        return _series(id)

    def tracked(self, cluster: str) -> None:
        """Lattice counts no requests per target."""

    def plan(self) -> Plan:
        every = vpclattice_backends[ACCOUNT][REGION].listeners.values()
        return _plan(each for each in list(every) if id_of(each.service_identifier) == self._id)


def split(client: ClientOf, traffic: Json) -> tuple[int, int]:
    """Weights of primary and canary in the rule, or the listener, that a profile names."""
    lattice = client("vpc-lattice")
    place = {
        "serviceIdentifier": traffic["service"],
        "listenerIdentifier": traffic["listener"],
    }
    if rule := traffic.get("rule"):
        action = lattice.get_rule(**place, ruleIdentifier=rule)["action"]
    else:
        action = lattice.get_listener(**place)["defaultAction"]
    weights = weights_of(action)
    sides = ("primary_target_group", "canary_target_group")
    primary, canary = (weights[id_of(traffic[side])] for side in sides)
    return primary, canary


def _series(group: str) -> Series:
    return Series(
        "AWS/VpcLattice",
        {"TargetGroup": group},
        "TotalRequestCount",
        "HTTPCode_5XX_Count",
        "RequestTime",
        "ConnectionErrorCount",
    )


def _plan(listeners: Iterable[VPCLatticeListener]) -> Plan:
    backend = vpclattice_backends[ACCOUNT][REGION]
    groups = list(backend.target_groups.values())
    names = {group.id: group.name for group in groups}
    clusters = {
        group.name: Cluster(sorted(targets_of(group)), http2=_speaks_http2(group))
        for group in groups
    }
    return Plan(clusters, [r for each in list(listeners) for r in _routes(backend, each, names)])


def _routes(
    backend: VPCLatticeBackend, listener: VPCLatticeListener, names: dict[str, str]
) -> Iterator[Json]:
    rules = [r for r in list(backend.rules.values()) if r.listener_identifier == listener.id]
    for rule in sorted(rules, key=lambda rule: rule.priority):
        yield {"match": _match(rule.match.get("httpMatch", {})), **_does(rule.action, names)}
    yield {"match": {"prefix": "/"}, **_does(listener.default_action, names)}


def _does(action: Json, names: dict[str, str]) -> Json:
    if "fixedResponse" in action:
        return {"direct_response": {"status": action["fixedResponse"]["statusCode"]}}
    weights = {names[id]: weight for id, weight in weights_of(action).items()}
    return weighted(weights, retry_policy=REFUSED_ONLY)


def _match(http: Json) -> Json:
    path = http.get("pathMatch", {}).get("match", {"prefix": "/"})
    headers = [
        {"name": header["name"], "string_match": header["match"]}
        for header in http.get("headerMatches", [])
    ]
    if method := http.get("method"):
        headers.append(equals(":method", method))
    return {"path" if kind == "exact" else kind: value for kind, value in path.items()} | {
        "headers": headers
    }


def _speaks_http2(group: VPCLatticeTargetGroup) -> bool:
    return group.config.get("protocolVersion") in ("HTTP2", "GRPC")
