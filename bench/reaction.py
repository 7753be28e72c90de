"""Reaction: how long after an alarm's event the canary has no weight, and no request any more.

Each trial is a whole release under steady load that an alarm reverts in the middle of its bake.
In every second one who hears of the alarm leaves the return to the execution, as it was `before`.
"""

import argparse
import json
import random
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from moto.appmesh.models import AppMeshBackend
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager

from bench.report import write
from emulator import template
from emulator.awslambda import Invoker
from emulator.events import Bus
from sandbox import article
from sandbox.client import Client
from sandbox.cloud import Sandbox
from sandbox.console import exit_with, quiet
from sandbox.demo.run import wait_until_ready
from sandbox.fronts.appmesh import MESH, route_spec
from stepcanary.aws import clients
from stepcanary.release import routes, signalling

MOST_CALLS = 5
MOST_SECONDS = 1.0
BARE_UPDATES = 3
REQUESTS_PER_SECOND = 200
MOST_REQUESTS = 8_000
LONGEST_TRIAL_SECONDS = 30
SERVICES = ("appmesh", "cloudwatch", "dynamodb", "ecs", "servicediscovery", "ssm", "stepfunctions")
BESIDE = (*template.schedules(), *template.schedules(template.EVERY_FIVE_MINUTES))
"""What a clock calls goes on beside a reaction, here each second, and nothing waits for it."""
ALARM = "example2-5xx"
HEARS, WRITE = "RelayAlarmFunction", "app-mesh.UpdateRoute"
STEPS = [{"weight": 50, "bake_seconds": 600}]


@dataclass
class Reaction:
    """Moments on the monotonic clock; `made` are the calls of the functions in between, and
    `states` those of the execution that were entered."""

    event_at: float | None = None
    rested_at: float | None = None
    made: list[tuple[str, str]] = field(default_factory=list)
    states: int = 0

    @property
    def calls(self) -> list[str]:
        """Of who hears of the alarm and of who writes. Another may do the same beside them, where
        the sweep has signalled in the same moment, and nothing waits for it."""
        writer = next((function for function, call in self.made if call == WRITE), None)
        way = {HEARS, writer}
        return [f"{function}: {call}" for function, call in self.made if function in way]


class Stopwatch:
    """Stands between the sandbox's parts and notes when what went through."""

    def __init__(self) -> None:
        self.reaction = Reaction()
        self._running = threading.local()

    @contextmanager
    def placed(self) -> Iterator[None]:
        """Around the sandbox, which binds these methods as it opens."""
        put, call, update = Bus.put, Invoker.call, AppMeshBackend.update_route
        add_event = EventManager.add_event

        def put_event(
            bus: Bus, source: str, detail_type: str, detail: Any, resources: Any = ()
        ) -> None:
            if detail.get("state", {}).get("value") == "ALARM":
                self.reaction.event_at = time.monotonic()
            put(bus, source, detail_type, detail, resources)

        def call_function(invoker: Invoker, name: str, event: Any) -> Any:
            self._running.function = name
            try:
                return call(invoker, name, event)
            finally:
                self._running.function = None

        def update_route(backend: AppMeshBackend, *args: Any, **kwargs: Any) -> Any:
            route = update(backend, *args, **kwargs)
            if weight_of_canary(route.spec.to_dict()) == 0:
                self.reaction.rested_at = self.reaction.rested_at or time.monotonic()
            return route

        def note_event(manager: EventManager, *args: Any, **kwargs: Any) -> Any:
            kind = kwargs["event_type"]
            under_way = self.reaction.event_at is not None and self.reaction.rested_at is None
            if under_way and kind.endswith("StateEntered"):
                self.reaction.states += 1
            return add_event(manager, *args, **kwargs)

        running = self._running

        class Pool(ThreadPoolExecutor):
            """Its threads work for the function that made it, and their calls are its calls."""

            def __init__(self, size: int) -> None:
                function = getattr(running, "function", None)
                super().__init__(size, initializer=lambda: setattr(running, "function", function))

        with ExitStack() as patches:
            patches.enter_context(patch.object(routes, "ThreadPoolExecutor", Pool))
            patches.enter_context(patch.object(Bus, "put", put_event))
            patches.enter_context(patch.object(Invoker, "call", call_function))
            patches.enter_context(patch.object(AppMeshBackend, "update_route", update_route))
            patches.enter_context(patch.object(EventManager, "add_event", note_event))
            yield

    def count_calls(self) -> None:
        """Of the clients that the functions use; the sandbox has made them anew."""
        for service in SERVICES:
            getattr(clients, service)().meta.events.register("before-send", self._count)

    def _count(self, event_name: str, **_: Any) -> None:
        function = getattr(self._running, "function", None)
        reaction = self.reaction
        under_way = reaction.event_at is not None and reaction.rested_at is None
        if under_way and function is not None and function not in BESIDE:
            reaction.made.append((function, event_name.removeprefix("before-send.")))


@dataclass(frozen=True)
class Trial:
    seconds: float
    last_request_seconds: float
    calls: list[str]
    states: int
    bare_updates: list[float]
    requests: int
    errors: int


def weight_of_canary(spec: dict[str, Any]) -> int:
    targets = spec["httpRoute"]["action"]["weightedTargets"]
    weight: int = next(t["weight"] for t in targets if t["virtualNode"] == "example2")
    return weight


def wait_for(what: str, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_TRIAL_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen in {LONGEST_TRIAL_SECONDS} s")
        time.sleep(0.02)


def bare_update() -> float:
    """Seconds that one UpdateRoute takes by itself, on the route at rest."""
    began = time.monotonic()
    clients.appmesh().update_route(
        meshName=MESH,
        virtualRouterName="example",
        routeName="example",
        spec=route_spec(100, 0),  # type: ignore[arg-type]
    )
    return time.monotonic() - began


def run(sandbox: Sandbox, watch: Stopwatch, number: int) -> Trial:
    """One release that bakes with half of the traffic until its alarm fires."""
    wait_for(
        "an end of the canary's tasks", lambda: not sandbox.service("example2")["runningCount"]
    )
    wait_until_ready(sandbox)
    client = Client(sandbox.url, "example2", REQUESTS_PER_SECOND, MOST_REQUESTS)
    client.start()
    try:
        bare = [bare_update() for _ in range(BARE_UPDATES)]
        sfn = sandbox.client("stepfunctions")
        request = {
            "service": "checkout",
            "images": {"app": article.image(f"v{number + 2}")},
            "profile": {**sandbox.profile, "steps": STEPS},
        }
        arn = sfn.start_execution(stateMachineArn=sandbox.machine, input=json.dumps(request))[
            "executionArn"
        ]
        wait_for("a request to the canary", lambda: client.total.canary > 0)
        # In the bake, past the settling, whose end would be a call beside the reaction's. Not in
        # step with the second at which alarms are evaluated, nor with Envoy's.
        settle_seconds = sandbox.profile["traffic"][0]["settle_seconds"]
        time.sleep(settle_seconds + 0.5 + random.random())
        watch.reaction = Reaction()
        sandbox.client("cloudwatch").set_alarm_state(
            AlarmName=ALARM, StateValue="ALARM", StateReason="reaction bench"
        )
        wait_for("the end of the release", sandbox.is_free)
    finally:
        client.close()
    reaction, record = watch.reaction, sandbox.record(arn)
    if record["outcome"] != "Reverted" or ALARM not in record["cause"]:
        raise RuntimeError(f"trial {number} did not end by its alarm: {record}")
    assert reaction.event_at is not None
    assert reaction.rested_at is not None
    return Trial(
        seconds=reaction.rested_at - reaction.event_at,
        last_request_seconds=client.last_canary_at - reaction.event_at,
        calls=reaction.calls,
        states=reaction.states,
        bare_updates=bare,
        requests=client.total.requests,
        errors=client.total.errors,
    )


def summary(trials: list[Trial]) -> dict[str, Any]:
    seconds = [trial.seconds for trial in trials]
    last = [trial.last_request_seconds for trial in trials]
    bare = statistics.median(second for trial in trials for second in trial.bare_updates)
    most = max((trial.calls for trial in trials), key=len)
    return {
        "trials": len(trials),
        "median_seconds": round(statistics.median(seconds), 4),
        "worst_seconds": round(max(seconds), 4),
        "median_last_request_seconds": round(statistics.median(last), 4),
        "worst_last_request_seconds": round(max(last), 4),
        "aws_calls": len(most),
        # The sandbox's sweep comes each second, and ends a wait beside it now and then.
        "states": round(statistics.median(trial.states for trial in trials)),
        "ratio_to_bare_update": round(statistics.median(seconds) / bare, 2),
        "bare_update_seconds": round(bare, 5),
        "requests": sum(trial.requests for trial in trials),
        "errors": sum(trial.errors for trial in trials),
        "calls": most,
        "seconds": [round(second, 4) for second in seconds],
        "last_request_seconds": [round(second, 4) for second in last],
        "aws_calls_per_trial": [len(trial.calls) for trial in trials],
        "bare_update_seconds_per_trial": [
            round(statistics.median(trial.bare_updates), 5) for trial in trials
        ],
    }


@contextmanager
def left_to_the_execution() -> Iterator[None]:
    with patch.object(signalling, "_return_at_once", lambda *_: False):
        yield


def compared(before: list[Trial], after: list[Trial]) -> dict[str, Any]:
    report = {"before": summary(before), **summary(after)}
    for moment in ("", "last_request_"):
        medians = [each[f"median_{moment}seconds"] for each in (report, report["before"])]
        report[f"ratio_to_before_{moment}seconds"] = round(medians[0] / medians[1], 2)
    return report


def problems(report: dict[str, Any]) -> list[str]:
    wrong = []
    if report["ratio_to_before_seconds"] >= 1:
        wrong.append(f"it takes {report['ratio_to_before_seconds']} times what it took before")
    if report["aws_calls"] > MOST_CALLS:
        wrong.append(f"{report['aws_calls']} AWS calls, over {MOST_CALLS}: {report['calls']}")
    if report["median_seconds"] >= MOST_SECONDS:
        wrong.append(f"the median is {report['median_seconds']} s, not under {MOST_SECONDS} s")
    if report["errors"]:
        wrong.append(f"{report['errors']} requests failed")
    return wrong


def show(report: dict[str, Any]) -> None:
    print(f"\n{report['trials']} reverts by an alarm's event, {report['requests']} requests")
    print(f"{'seconds from the event to':<28}{'median':>9}{'worst':>9}")
    for moment, key in (
        ("weight 0 at the route", ""),
        ("the canary's last answer", "last_request_"),
    ):
        median, worst = report[f"median_{key}seconds"], report[f"worst_{key}seconds"]
        print(f"{moment:<28}{median:>9.3f}{worst:>9.3f}")
    print(f"a bare UpdateRoute takes {report['bare_update_seconds'] * 1000:.1f} ms,")
    print(f"the reaction {report['ratio_to_bare_update']} times that, with")
    print(f"{report['aws_calls']} AWS calls up to and with the write:")
    for call in report["calls"]:
        print(f"  {call}")
    before = report["before"]
    print(
        f"states in between: {report['states']}. Left to the execution: {before['aws_calls']}"
        f" calls, {before['states']} states, a median of {before['median_seconds']:.3f} s to weight"
        f" 0; now {report['ratio_to_before_seconds']} of it, and"
        f" {report['ratio_to_before_last_request_seconds']} of what it took to the last answer"
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="reaction", description=__doc__)
    parser.add_argument("--trials", type=int, default=24, help="of each of the two ways")
    count = parser.parse_args().trials
    quiet()
    watch = Stopwatch()
    before: list[Trial] = []
    after: list[Trial] = []
    with watch.placed(), Sandbox() as sandbox:
        watch.count_calls()
        for number in range(count):
            with left_to_the_execution():
                before.append(run(sandbox, watch, 2 * number))
            after.append(run(sandbox, watch, 2 * number + 1))
            if sys.stdout.isatty():
                print(f"\r{number + 1} of {count} pairs of trials", end="", flush=True)
    report = compared(before, after)
    path = write("reaction", report)
    show(report)
    print(f"report: {path}")
    wrong = problems(report)
    for problem in wrong:
        print(f"WRONG {problem}")
    return 1 if wrong else 0


if __name__ == "__main__":
    exit_with(main)
