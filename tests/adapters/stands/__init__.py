"""Stands: each router in front of its fake, with routes as people write them.

A new router needs one more file here, and its stand in `ALL`.
"""

from tests.adapters.stands.alb import AlbStand
from tests.adapters.stands.appmesh import AppMeshStand
from tests.adapters.stands.lattice import LatticeStand
from tests.adapters.stands.stand import Stand

ALL: list[type[Stand]] = [AppMeshStand, AlbStand, LatticeStand]
