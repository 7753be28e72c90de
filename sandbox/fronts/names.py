"""Which front stands for which router, and who reads its split: the one list to extend."""

from sandbox.fronts import alb, appmesh, lattice
from sandbox.fronts.front import ClientOf, Front, Json

FRONTS: dict[str, type[Front]] = {
    "appmesh": appmesh.AppMesh,
    "alb": alb.Alb,
    "lattice": lattice.Lattice,
}
SPLITS = {"appmesh": appmesh.split, "alb": alb.split, "lattice": lattice.split}


def split(client: ClientOf, traffic: Json) -> tuple[int, int]:
    """Weights of primary and canary at the place that a profile's `traffic` names."""
    return SPLITS[traffic["router"]](client, traffic)
