"""Chain: a mesh in which one service calls another, and the one called is released."""

from collections.abc import Sequence
from typing import ClassVar

from sandbox.fronts.appmesh import IN_MESH, MESH, VIRTUAL_SERVICE, AppMesh
from sandbox.fronts.front import SIDES, Attachment, ClientOf, Entry, Plan

ALPHA_SERVICE = "alpha.example.internal"


class Chain(AppMesh):
    """Service alpha -> service beta: no gateway leads to the split, which is inside the mesh.

    Alpha calls beta through the Envoy beside it. Beta's two versions are the article's nodes.
    """

    nodes: ClassVar[dict[str, int]] = {"alpha": 1, **SIDES}
    entry_service = ALPHA_SERVICE

    def entries(self) -> Sequence[Entry]:
        return [self, Sidecar()]

    def create(self, client: ClientOf, ports: Sequence[int]) -> dict[str, Attachment]:
        made = super().create(client, ports)
        client("appmesh").create_virtual_service(
            meshName=MESH,
            virtualServiceName=ALPHA_SERVICE,
            spec={"provider": {"virtualNode": {"virtualNodeName": "alpha"}}},
        )
        # On AWS this would be beta's name: the Envoy beside alpha catches what it sends.
        beside = {"UPSTREAM": f"http://127.0.0.1:{ports[1]}/"}
        made["alpha"] = Attachment(made["alpha"].service, made["alpha"].desired, beside)
        return made


class Sidecar:
    """The Envoy beside alpha's task, which knows the routes to its backend."""

    def plan(self) -> Plan:
        return IN_MESH.plan(IN_MESH.service_routes(VIRTUAL_SERVICE, {}))
