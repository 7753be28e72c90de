"""Registration: where the tasks of an ECS service are made known, and taken away again."""

from collections.abc import Callable, Iterator
from functools import partial

from moto.ecs.models import Service
from moto.elbv2.models import elbv2_backends
from moto.servicediscovery.models import servicediscovery_backends
from moto.vpclattice.models import vpclattice_backends

from emulator.moto_gaps.vpc_lattice import targets_of
from sandbox.ports import HOST

Undo = Callable[[], object]


def register(service: Service, account: str, task_id: str, port: int) -> Iterator[Undo]:
    """Register a healthy task with all that its service names; each answer takes one back."""
    yield from _cloud_map(service, account, task_id, port)
    yield from _load_balancers(service, account, port)
    yield from _lattice(service, account, port)


def _cloud_map(service: Service, account: str, task_id: str, port: int) -> Iterator[Undo]:
    backend = servicediscovery_backends[account][service.region_name]
    for registry in service.service_registries:
        registry_id = registry["registryArn"].split("/")[-1]
        backend.register_instance(
            registry_id,
            task_id,
            task_id,
            {
                "AWS_INSTANCE_IPV4": HOST,
                "AWS_INSTANCE_PORT": str(port),
                "AWS_INIT_HEALTH_STATUS": "HEALTHY",
                "ECS_CLUSTER_NAME": service.cluster_name,
                "ECS_SERVICE_NAME": service.name,
                "ECS_TASK_DEFINITION_FAMILY": _family(str(service.task_definition)),
            },
        )
        yield partial(backend.deregister_instance, registry_id, task_id)


def _load_balancers(service: Service, account: str, port: int) -> Iterator[Undo]:
    backend = elbv2_backends[account][service.region_name]
    for balancer in service.load_balancers:
        group, target = balancer["targetGroupArn"], [{"Id": HOST, "Port": port}]
        backend.register_targets(group, target)
        yield partial(backend.deregister_targets, group, target)


def _lattice(service: Service, account: str, port: int) -> Iterator[Undo]:
    groups = vpclattice_backends[account][service.region_name].target_groups
    for configured in getattr(service, "vpc_lattice_configurations", None) or []:
        group = groups[configured["targetGroupArn"].rpartition("/")[2]]
        targets = targets_of(group)
        targets[HOST, port] = "HEALTHY"
        yield partial(_remove, targets, (HOST, port))


def _remove(targets: dict[tuple[str, int], str], target: tuple[str, int]) -> None:
    targets.pop(target, None)


def _family(task_definition: str) -> str:
    return task_definition.rsplit("/", maxsplit=1)[-1].split(":", maxsplit=1)[0]
