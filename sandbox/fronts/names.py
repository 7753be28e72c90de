"""Which front stands for which router: the one list to extend."""

from sandbox.fronts.alb import Alb
from sandbox.fronts.appmesh import AppMesh
from sandbox.fronts.front import Front
from sandbox.fronts.lattice import Lattice

FRONTS: dict[str, type[Front]] = {"appmesh": AppMesh, "alb": Alb, "lattice": Lattice}
