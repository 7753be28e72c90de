"""Which resource types are known, and how each is made."""

from emulator.resources import (
    appmesh,
    autoscaling,
    cloudmap,
    cloudwatch,
    ec2,
    ecs,
    elbv2,
    iam,
    lattice,
    logs,
    ssm,
)
from emulator.resources.making import Make

SERVICES = (appmesh, autoscaling, cloudmap, cloudwatch, ec2, ecs, elbv2, iam, lattice, logs, ssm)
TABLE: dict[str, Make] = {type: make for each in SERVICES for type, make in each.TABLE.items()}
