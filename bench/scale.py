"""Scale: what each question costs that a release, an alarm, the sweep or a person asks the ledger.

Read units are computed from the bytes of the items that were read, as DynamoDB counts them; those
that the emulator reports are not true. Every twentieth service has a running release.
"""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

os.environ.update(
    AWS_ACCESS_KEY_ID="bench",
    AWS_SECRET_ACCESS_KEY="bench",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_EC2_METADATA_DISABLED="true",
    POWERTOOLS_SERVICE_NAME="stepcanary",
    LEDGER_TABLE="ledger",
    SETTINGS_PARAMETER="/stepcanary/settings",
)

from moto import mock_aws

from bench.report import write
from emulator import template
from stepcanary import clock
from stepcanary.aws import clients
from stepcanary.domain.signals import Signal
from stepcanary.domain.stage import ROLLOUT
from stepcanary.observability import logger
from stepcanary.release.sweep import look_at_rest, sweep
from stepcanary.store import due, groups, leases, ledger, mailbox, queue, stages
from stepcanary.store.due import Task
from tests.fakes.service import Document, Fake, serve
from tests.store.conftest import release_named

SIZES = (100, 1_000, 10_000)
RUNNING_SHARE = 20
"""One in so many services has a running release."""
BYTES_OF_A_READ_UNIT = 4_096
FLAT = 1.1
GROWS = "sweep"
"""With the running releases, and with nothing else."""
MOST_UNITS_OF_NOBODY_S_ALARM = 2
ROUTE_VERSION = 1
TOKEN = "x" * 1_000
"""As long as a task token of AWS."""


class World(Fake):
    """Routes at rest, and executions that run."""

    traffic: ClassVar[Document] = {}

    def _appmesh_DescribeRoute(self, params: Document) -> Document:  # noqa: N802
        weights = [("example1", 100), ("example2", 0)]
        targets = [{"virtualNode": node, "weight": weight} for node, weight in weights]
        spec = {"httpRoute": {"match": {"prefix": "/"}, "action": {"weightedTargets": targets}}}
        names = {"meshName": "example", "virtualRouterName": "example"}
        return {
            "route": {
                **names,
                "routeName": params["routeName"],
                "spec": spec,
                "status": {"status": "ACTIVE"},
                "metadata": {"arn": "arn:route", "version": ROUTE_VERSION, "uid": "uid"}
                | {"meshOwner": "123456789012", "resourceOwner": "123456789012"}
                | {"createdAt": clock.now(), "lastUpdatedAt": clock.now()},
            }
        }

    def _stepfunctions_DescribeExecution(self, params: Document) -> Document:  # noqa: N802
        return {
            "executionArn": params["executionArn"],
            "stateMachineArn": template.machine_arn(),
            "status": "RUNNING",
            "startDate": clock.now(),
        }

    def _stepfunctions_ListExecutions(self, _params: Document) -> Document:  # noqa: N802
        """All of them run."""
        held = [lease.holder for lease in leases.held()]
        return {"executions": [{"executionArn": holder} for holder in held]}

    def _ecs_DescribeServices(self, params: Document) -> Document:  # noqa: N802
        """As many tasks as any of the releases has planned."""
        return {"services": [service_of(name) for name in params["services"]], "failures": []}

    def _appmesh_DescribeVirtualNode(self, _params: Document) -> Document:  # noqa: N802
        return {"virtualNode": {"spec": {}}}

    def _cloudwatch_DescribeAlarms(self, params: Document) -> Document:  # noqa: N802
        since = datetime(2026, 1, 1, tzinfo=UTC)
        ok = {"StateValue": "OK", "StateTransitionedTimestamp": since}
        alarms = [{"AlarmName": name, **ok} for name in params["AlarmNames"]]
        return {"MetricAlarms": alarms, "CompositeAlarms": []}


def service_of(name: str) -> Document:
    deployment = {
        "id": "ecs-svc/1",
        "status": "PRIMARY",
        "rolloutState": "COMPLETED",
        "taskDefinition": "",
    }
    return {
        "serviceName": name,
        "taskDefinition": "",
        "desiredCount": 100,
        "runningCount": 100,
        "deployments": [deployment],
        "status": "ACTIVE",
    }


@dataclass
class Cost:
    """What was read while one question was answered."""

    pages: int = 0
    bytes: int = 0
    read_units: int = 0
    router_calls: int = 0


@dataclass
class Meter:
    """Counts what the clients of the functions read."""

    world: World
    cost: Cost = field(default_factory=Cost)

    def attach(self) -> None:
        clients.dynamodb().meta.events.register("after-call.dynamodb.*", self._see_answer)

    def _see_answer(self, model: Any, parsed: Any, **_: Any) -> None:
        if model.name not in ("GetItem", "Query"):
            return
        items = parsed["Items"] if model.name == "Query" else [parsed.get("Item", {})]
        size = sum(bytes_of(item) for item in items)
        self.cost.pages += 1
        self.cost.bytes += size
        self.cost.read_units += max(1, -(-size // BYTES_OF_A_READ_UNIT))

    def of(self, question: Callable[[], object]) -> dict[str, int]:
        self.cost = Cost()
        self.world.calls.clear()
        question()
        self.cost.router_calls = len(self.world.called("DescribeRoute"))
        return vars(self.cost)


def bytes_of(item: Any) -> int:
    """See https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html"""
    return sum(len(name.encode()) + _bytes_of_value(value) for name, value in item.items())


def _bytes_of_value(value: Any) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return len(content.lstrip("-")) // 2 + 2
        case "SS":
            return sum(len(each.encode()) for each in content)
        case "M":
            return 3 + bytes_of(content) + len(content)
        case "L":
            return 3 + sum(1 + _bytes_of_value(each) for each in content)
        case _:
            return 1


def service_named(number: int) -> str:
    return f"service-{number:05d}"


def template_items(*, running: bool) -> list[Any]:
    """The items of service 0: of a release that is over, and of one that runs where it does."""
    over = release_named("of-00000-over", service=service_named(0))
    lease = leases.take(over)
    ledger.record(over, ledger.RUNNING, "")
    ledger.close(
        over, ledger.RELEASED, "The primary serves the new version.", ledger.Shipped({}, "")
    )
    leases.free(lease, over)
    if running:
        release = release_named("of-00000-runs", service=service_named(0))
        lease = leases.take(release)
        ledger.record(release, ledger.RUNNING, "")
        stages.enter(release, lease.fence, ROLLOUT)
        stages.confirm(lease, 0, {release.split: ROUTE_VERSION})
        mailbox.wait(release, lease.fence, TOKEN, 1_000_000, ["promote", "revert"])
        for by in ("jane", "john"):
            ledger.note_signal(release.execution, Signal(kind="pause", by=by))
    found: list[Any] = clients.dynamodb().scan(TableName="ledger")["Items"]
    for item in found:
        key = {"pk": item["pk"], "sk": item["sk"]}
        clients.dynamodb().delete_item(TableName="ledger", Key=key)
    return found


def populate(services: int) -> None:
    """As real releases would leave it: the items of one are written again under other names."""
    kinds = {running: json.dumps(template_items(running=running)) for running in (False, True)}
    for number in range(services):
        text = kinds[is_running(number)]
        items = json.loads(text.replace("00000", f"{number:05d}"))
        for start in range(0, len(items), 25):
            puts: Any = [{"PutRequest": {"Item": item}} for item in items[start : start + 25]]
            clients.dynamodb().batch_write_item(RequestItems={"ledger": puts})
    for number in range(services):
        due.add(Task(10_000_000_000, "retire", service_named(number), "arn:later"))
    due.add(Task(1_000, "retire", "now", "arn:now"))
    groups.join("payments", "arn:one", 1)


def is_running(number: int) -> bool:
    return number % RUNNING_SHARE == 1


def questions() -> dict[str, Callable[[], object]]:
    """Service 1 has a running release, service 2 has none."""
    release = release_named("of-00001-runs", service=service_named(1))
    fresh = release_named("fresh", service="fresh")

    def take_and_free() -> None:
        leases.free(leases.take(fresh), fresh)

    return {
        "who holds this split": lambda: leases.check(release, 2),
        "which releases does this alarm judge": lambda: leases.watching("service-00001-5xx"),
        "which releases does an alarm of nobody judge": lambda: leases.watching("nobody"),
        "which release of this service runs": lambda: leases.of_service(service_named(1)),
        "which release of this service waits": lambda: queue.waiting(service_named(1)),
        "who releases on this ECS service": take_and_free,
        "what is released": lambda: ledger.release_of(release.execution),
        "what became of the last release": lambda: ledger.last(service_named(2)),
        "what became of the releases of this service": lambda: ledger.releases_of_service(
            service_named(2)
        ),
        "what became of the releases of a day": lambda: ledger.releases_of_day(
            clock.now().date().isoformat()
        ),
        "what happened within a release": lambda: ledger.story(release.execution),
        "has somebody moved a split at rest": look_at_rest,
        "what is due": lambda: due.until(clock.epoch_seconds()),
        "who holds a place in a group": lambda: groups.holders("payments"),
        "whose execution may be dead": leases.held,
        GROWS: sweep_without_trouble,
    }


def sweep_without_trouble() -> None:
    """Where a look fails, less is read than on AWS."""
    swept = sweep()
    assert not swept.stranded, swept.stranded[:1]


@contextmanager
def ledger_of(services: int, world: World) -> Iterator[Meter]:
    with mock_aws():
        clients.dynamodb.cache_clear()
        clients.dynamodb().create_table(TableName="ledger", **template.ledger_schema())
        populate(services)
        meter = Meter(world)
        meter.attach()
        yield meter


def main() -> int:
    logger.setLevel("ERROR")
    world = World()
    for client in (
        clients.appmesh(),
        clients.cloudwatch(),
        clients.ecs(),
        clients.stepfunctions(),
    ):
        serve(client, lambda: world)
    report: dict[str, dict[str, dict[str, int]]] = {name: {} for name in questions()}
    for services in SIZES:
        with ledger_of(services, world) as meter:
            for name, question in questions().items():
                report[name][str(services)] = meter.of(question)
        print(f"{services} services measured", flush=True)
    path = write("scale", dict(report))
    for name, costs in report.items():
        units = " / ".join(str(cost["read_units"]) for cost in costs.values())
        calls = " / ".join(str(cost["router_calls"]) for cost in costs.values())
        print(f"{name:48} read units {units}, router calls {calls}")
    wrong = [*_grown(report), *_dear(report)]
    for sentence in wrong:
        print(sentence)
    print(f"{len(report)} questions: {path}")
    return 1 if wrong else 0


def _grown(report: dict[str, dict[str, dict[str, int]]]) -> list[str]:
    """The questions whose price grows with the services, the held leases' with what runs."""
    grown = []
    first, *_, last = (str(size) for size in SIZES)
    for name, costs in report.items():
        by = SIZES[-1] // SIZES[0] if name in (GROWS, "whose execution may be dead") else 1
        for figure, cost in costs[first].items():
            if costs[last][figure] > max(1, cost * by) * FLAT:
                grown.append(f"{name}: {figure} grow from {cost} to {costs[last][figure]}")
    return grown


def _dear(report: dict[str, dict[str, dict[str, int]]]) -> list[str]:
    costs = report["which releases does an alarm of nobody judge"]
    most = max(cost["read_units"] for cost in costs.values())
    if most <= MOST_UNITS_OF_NOBODY_S_ALARM:
        return []
    return [f"an alarm that judges nobody costs {most} read units"]


if __name__ == "__main__":
    sys.exit(main())
