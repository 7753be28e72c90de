"""Fleet: many services behind one load balancer, released at once, and an AWS that throttles.

The definition, the handlers and the engine are those of the tests. Each execution, each event and
each sweep has a thread of its own on the clock of `bench.many`.
"""

import hashlib
import json
import logging
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from copy import copy, deepcopy
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar
from unittest.mock import patch

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.table import Table
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from bench.many import BatonClock
from bench.rates import RATES, TRANSITIONS, Bucket, Tally
from emulator import template, workflow
from emulator.awslambda import Asynchronous
from stepcanary import clock as canary_clock
from stepcanary import observability
from stepcanary.observability import logger
from stepcanary.release import routes
from tests.fakes.alb import BALANCER, ELB, Alb, group
from tests.fakes.clock import VirtualClock
from tests.fakes.cloud import Cloud, Document
from tests.fakes.ecs import task_definition
from tests.statemachine.runner import World, listening, opened_world

SEED = 20261126
CALL_SECONDS = (0.02, 0.06)
"""How long a call of AWS takes, at least and at most; the table is faster."""
TABLE_SECONDS = (0.003, 0.01)
INVOKE_SECONDS = (0.03, 0.3)
"""From the entry of a state, or from an event, to the first line of its function."""
DEPLOY_SECONDS = (60, 180)
SECOND_WEIGHT = 25
BAKE_SECONDS = 300
STEPS = [{"weight": w, "bake_seconds": BAKE_SECONDS} for w in (5, SECOND_WEIGHT, 50, 100)]
GATE_SECONDS = 600
"""Of a failed promotion, which nobody looks after."""
BEFORE_SECONDS = 3_600
"""Alarms have been silent for so long when the releases start."""
OLD, NEW = "shop:v1", "shop:v2"
GOOD, BAD_CANARY, BAD_PRIMARY, STOPPED = "good", "bad canary", "bad primary", "stopped"
EXPECTED = {GOOD: "Released", BAD_CANARY: "Reverted", BAD_PRIMARY: "Reverted", STOPPED: "Reverted"}
SWEEP = "ReconcileFunction"
Timedout = type("Sandbox.Timedout", (Exception,), {})
"""What Step Functions calls a function that Lambda has killed."""


class Killed(BaseException):
    """The function's time is over: nothing in it can catch this."""


@dataclass(frozen=True)
class Pair:
    """A service, and what is to become of its release."""

    number: int
    kind: str

    @property
    def service(self) -> str:
        return f"shop-{self.number:04d}"

    @property
    def primary(self) -> str:
        return f"{self.service}-primary"

    @property
    def canary(self) -> str:
        return f"{self.service}-canary"

    @property
    def rule(self) -> str:
        return f"{ELB}:listener-rule/{BALANCER}/f2f7dc8efc522ab2/{self.number + 16:016x}"

    @property
    def alarms(self) -> list[str]:
        return [f"{self.canary}-5xx", f"{self.canary}-latency"]

    @property
    def profile(self) -> Document:
        return {
            "cluster": "example",
            "primary": self.primary,
            "canary": self.canary,
            "traffic": [
                {
                    "router": "alb",
                    "listener_rule": self.rule,
                    "primary_target_group": group(self.primary),
                    "canary_target_group": group(self.canary),
                }
            ],
            "steps": STEPS,
            "alarms": self.alarms,
            "promotion": {"gate_seconds": GATE_SECONDS},
        }


def mixture(releases: int) -> list[Pair]:
    """5 % have a bad canary, 5 % a primary that does not start, 2 % are stopped; at least one each
    where there are five or more. Spread over all of them, so that none is among its like."""
    least = 1 if releases >= 5 else 0
    kinds: list[str] = []
    for kind, percent in ((BAD_CANARY, 5), (BAD_PRIMARY, 5), (STOPPED, 2)):
        kinds += [kind] * max(least, releases * percent // 100)
    kinds += [GOOD] * (releases - len(kinds))
    random.Random(SEED).shuffle(kinds)
    return [Pair(number, kind) for number, kind in enumerate(kinds)]


class Fleet(Cloud):
    """The services, rules and alarms of all pairs, in one cluster and behind one load balancer."""

    read = "elbv2.DescribeRules"
    versioned = False
    traffic: ClassVar[Document] = {}

    def __init__(self, clock: VirtualClock, pairs: list[Pair]) -> None:
        super().__init__(clock)
        self.on_shift: Callable[[Pair, int], None] = lambda _pair, _weight: None
        self._by_rule = {pair.rule: pair for pair in pairs}
        sides = [name for pair in pairs for name in (pair.primary, pair.canary)]
        self._by_group = {group(name): name for name in sides}
        self.front = Alb(list(self._by_group))
        for pair in pairs:
            for name, desired in ((pair.primary, 2), (pair.canary, 0)):
                self.definitions[name] = [task_definition(name, OLD, cpu="256")]
                self._add_service(name, desired)
            if pair.kind == BAD_PRIMARY:
                self.broken_images.add((pair.primary, NEW))
            for alarm in pair.alarms:
                self.set_alarm(alarm, "OK")
            weights = ((pair.primary, 100), (pair.canary, 0))
            groups = [{"TargetGroupArn": group(name), "Weight": w} for name, w in weights]
            forward = {"Type": "forward", "Order": 1, "ForwardConfig": {"TargetGroups": groups}}
            self.front.put(pair.rule, [forward])

    def _deploy(self, service: str, arn: str, desired: int, seconds: float) -> str:  # noqa: ARG002
        least, most = DEPLOY_SECONDS
        share = int(hashlib.sha256(f"{service} {arn}".encode()).hexdigest()[:4], 16) / 0xFFFF
        return super()._deploy(service, arn, desired, round(least + (most - least) * share, 1))

    def _admit(self, name: str, params: Document) -> None:
        if name.startswith("elbv2."):
            self.front._admit(name, params)

    def _answer(self, name: str, params: Document) -> Document:
        if not name.startswith("elbv2."):
            return super()._answer(name, params)
        if name == "elbv2.DescribeTargetHealth":
            target = params["TargetGroupArn"]
            self.front.targets[target] = ["healthy"] * self.healthy(self._by_group[target])
        answer = self.front._answer(name, params)
        if name == "elbv2.ModifyRule":
            pair = self._by_rule[params["RuleArn"]]
            self.on_shift(pair, self.weight_of(pair))
        return answer

    def weight_of(self, pair: Pair) -> int:
        return self.front.weights(pair.rule)[group(pair.canary)]


@dataclass(frozen=True)
class End:
    """How a release ended, after how many seconds, and what its canary has when all is over."""

    service: str
    kind: str
    outcome: str
    cause: str
    seconds: float
    weight: int


@dataclass
class Invocation:
    function: str
    until: float


@dataclass
class Seen:
    """What the functions did."""

    durations: dict[str, list[float]] = field(default_factory=dict)
    sweeps: list[tuple[float, float]] = field(default_factory=list)
    """Of each sweep of the schedule, when it began and how long it took."""
    killed: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    stranded: list[str] = field(default_factory=list)
    """What the sweeps had to say to a person."""
    running: int = 0
    most_at_once: int = 0


class Load(World):
    """Releases of many services, started `within` so many seconds.

    Where `throttled` is false AWS takes every call.
    """

    def __init__(self, pairs: list[Pair], *, within: float = 0.0, throttled: bool = True) -> None:
        super().__init__()
        self.within = within
        self.pairs = pairs
        self.clock: BatonClock = BatonClock()
        self.cloud: Fleet = Fleet(self.clock, pairs)
        self.cloud.parameters |= {
            f"/stepcanary/profiles/{pair.service}": json.dumps(pair.profile) for pair in pairs
        }
        self.cloud.on_alarm = self._tell_of_alarm
        self.cloud.on_shift = self._see_shift
        self.bus.functions = Asynchronous(self.deliver, self.clock.after)
        self.tally, self.seen = Tally(), Seen()
        self.started_at: dict[str, float] = {}
        self.ended_at: dict[str, float] = {}
        self.held_at_sweeps: list[int] = []
        self.ends: dict[str, End] = {}
        self._random = random.Random(SEED)
        self._here = threading.local()
        self._throttled = throttled
        self._over = False
        timeouts = _timeouts()
        for name, handler in list(self.handlers.items()):
            self.handlers[name] = self._timed(name, handler, timeouts[name])

    # Time

    def second(self) -> float:
        return (self.clock.now() - self.began).total_seconds()

    def sleep(self, seconds: float) -> None:
        """As a function sleeps, which Lambda kills at its time-out."""
        invocation: Invocation | None = getattr(self._here, "invocation", None)
        if invocation is None or self.second() + seconds < invocation.until:
            self.clock.sleep(seconds)
            return
        self.clock.sleep(invocation.until - self.second())
        raise Killed

    def _between(self, least: float, most: float) -> float:
        return self._random.uniform(least, most)

    # Functions

    def _timed(self, name: str, handler: Any, timeout: int) -> Any:
        seen = self.seen

        def timed(event: Any, context: Any) -> Any:
            self.clock.sleep(self._between(*INVOKE_SECONDS))
            began = self.second()
            before = getattr(self._here, "invocation", None)
            self._here.invocation = Invocation(name, began + timeout)
            seen.running += 1
            seen.most_at_once = max(seen.most_at_once, seen.running)
            try:
                answer = handler(event, context)
                if name == SWEEP:
                    seen.stranded += answer["stranded"]
                return answer
            except Killed as killed:
                seen.killed[name] += 1
                raise Timedout(f"{name} had {timeout} s") from killed
            except Exception as error:
                seen.failed[f"{name}: {type(error).__name__}"] += 1
                raise
            finally:
                seen.running -= 1
                self._here.invocation = before
                took = self.second() - began
                seen.durations.setdefault(name, []).append(took)
                if event.get("detail-type") == "Scheduled Event":
                    seen.sweeps.append((began, took))

        return timed

    def before_call(self, model: Any, context: Any, **_: Any) -> Any:
        """Each call takes its time; one that is throttled is tried again as botocore does it."""
        invocation: Invocation | None = getattr(self._here, "invocation", None)
        if invocation is None:
            return None
        service = model.service_model.service_name
        call = f"{service}.{model.name}"
        bucket = self._buckets.get(call) or self._bucket_of(call)
        tries = context["client_config"].retries["total_max_attempts"]
        for number in range(tries):
            self.sleep(self._between(*(TABLE_SECONDS if service == "dynamodb" else CALL_SECONDS)))
            taken = bucket is None or bucket.take(self.clock.now()) or not self._throttled
            self.tally.note(call, invocation.function, self.second(), refused=not taken)
            if taken:
                return None
            if number + 1 < tries:
                # Its mode `standard`, see https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
                self.sleep(self._random.random() * min(2**number, 20))
        return _throttling()

    def _bucket_of(self, call: str) -> Bucket | None:
        rate = next((rate for rate in RATES if rate.covers(call)), None)
        if rate is None:
            return None
        known = (each for each in self._buckets.values() if each.rate is rate)
        bucket = next(known, None) or Bucket.full(rate, self.clock.now())
        self._buckets[call] = bucket
        return bucket

    # What happens meanwhile

    def _see_shift(self, pair: Pair, weight: int) -> None:
        if weight != SECOND_WEIGHT:
            return
        if pair.kind == BAD_CANARY:
            self.clock.after(150, lambda: self.cloud.set_alarm(pair.alarms[0], "ALARM"))
        if pair.kind == STOPPED:
            self.clock.after(150, lambda: self.stop(self.arn(pair.service)))

    def _tick(self) -> None:
        if self._over:
            return
        self.clock.after(60, self._tick)
        self.held_at_sweeps.append(len(self.started_at) - len(self.ended_at))
        for function in template.schedules():
            scheduled = {"id": "schedule", "detail-type": "Scheduled Event"}
            self.bus.functions.invoke(function, scheduled)

    def _starting(self, pair: Pair) -> Callable[[], None]:
        def start() -> None:
            self.started_at[pair.service] = self.second()
            self.start({"service": pair.service, "images": {"app": NEW}}, name=pair.service)

        return start

    def see_end(self, arn: str, _status: str) -> None:
        self.ended_at[arn.rpartition(":")[2]] = self.second()

    def run(self, longest_seconds: float = 12 * 3_600) -> None:
        """All releases at once, until the last split is at rest and nobody holds one."""
        self.clock.sleep(BEFORE_SECONDS)
        self.began = self.clock.now()
        self._buckets: dict[str, Bucket] = {}
        # Nobody pushes at a full minute.
        self.clock.after(37, self._tick)
        for number, pair in enumerate(self.pairs):
            self.clock.after(self.within * number / len(self.pairs), self._starting(pair))
        self.clock.wait_until(lambda: len(self.ended_at) == len(self.pairs), longest_seconds)
        while any("holder" in lease for lease in self.leases()) and self.second() < longest_seconds:
            self.clock.sleep(60)
        # What is due after a release is done at the sweeps that follow.
        self.clock.sleep(300)
        self._over = True
        self.see_ends()

    def see_ends(self) -> None:
        """How each release ended. One that was rejected has no record."""
        records, causes = self.records(), self.causes()
        for pair in self.pairs:
            name = pair.service
            execution = self.sfn.describe_execution(executionArn=self.arn(name))
            self.ends[name] = End(
                name,
                pair.kind,
                records.get(name, "Rejected"),
                causes.get(name) or execution.get("cause", ""),
                self.ended_at[name] - self.started_at[name],
                self.cloud.weight_of(pair),
            )


def _timeouts() -> dict[str, int]:
    """Seconds by function."""
    document = template.document()
    default: int = document["Globals"]["Function"]["Timeout"]
    properties = {f.name: document["Resources"][f.name]["Properties"] for f in template.functions()}
    return {name: of.get("Timeout", default) for name, of in properties.items()}


def _throttling() -> Any:
    error = {"Code": "ThrottlingException", "Message": "Rate exceeded"}
    response = AWSResponse("https://fake", 400, HTTPHeaders(), None)
    return response, {"Error": error, "ResponseMetadata": {"HTTPStatusCode": 400}}


class Patient(threading.Event):
    """moto gives a task its time-out in real time, which says nothing here: the functions have
    theirs, and the waits for tokens too."""

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002
        return super().wait()


class InTurn:
    """One after the other, on the thread that asks."""

    def __init__(self, _size: int) -> None: ...

    def __enter__(self) -> "InTurn":
        return self

    def __exit__(self, *_: object) -> None: ...

    def map(self, do: Callable[[Any], Any], each: Iterable[Any]) -> Iterator[Any]:
        return map(do, each)

    def submit(self, do: Callable[..., Any], *args: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_result(do(*args))
        return future


def copied_for(writes: list[Document]) -> Callable[[Any, Any], Any]:
    """moto copies the table before a transaction, to go back to it. Here it copies the items that
    the transaction writes: with many releases the others are nearly all."""

    def copied(table: Any, _memo: Any) -> Any:
        kept = copy(table)
        kept.items = table.items.copy()
        hashes = {key.value: key for key in table.items}
        for write in writes:
            ((_, operation),) = write.items()
            key = operation.get("Key") or operation["Item"]
            hash_key = hashes.get(key[table.hash_key_attr]["S"])
            if hash_key is None:
                continue
            by_range = kept.items[hash_key] = dict(kept.items[hash_key])
            for range_key, item in by_range.items():
                if range_key.value == key[table.range_key_attr]["S"]:
                    by_range[range_key] = deepcopy(item)
        return kept

    return copied


@contextmanager
def opened(load: Load) -> Iterator[Load]:
    def start(worker: Any) -> None:
        load.clock.after(0, worker._execution_logic)

    writes: list[Document] = []
    transact_write_items = DynamoDBBackend.transact_write_items

    def transact(backend: Any, transact_items: list[Document]) -> None:
        writes[:] = transact_items
        transact_write_items(backend, transact_items)

    eval_body = CommonStateField._eval_body

    def entered(state: Any, env: Any) -> None:
        load.tally.note("transition", state.name, load.second(), refused=False)
        eval_body(state, env)

    level = logger.log_level
    with ExitStack() as patches:
        patches.enter_context(opened_world(load, load.see_end))
        patches.enter_context(listening("before-call.*.*", load.before_call, first=True))
        for target, name, by in (
            (canary_clock, "sleep", load.sleep),
            (ExecutionWorker, "start", start),
            (execute_state, "threading", SimpleNamespace(Event=Patient)),
            (CommonStateField, "_eval_body", entered),
            (DynamoDBBackend, "transact_write_items", transact),
            (Table, "__deepcopy__", copied_for(writes)),
            (routes, "ThreadPoolExecutor", InTurn),
            (observability, "write", lambda _line: None),
        ):
            patches.enter_context(patch.object(target, name, by))
        patches.callback(logger.setLevel, level)
        logger.setLevel("CRITICAL")
        patches.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.CRITICAL)
        workflow.jitter.seed(SEED)
        yield load


__all__ = ["EXPECTED", "TRANSITIONS", "Load", "Pair", "mixture", "opened"]
