"""Arena: one world per process, in which releases run one after another, each with its faults."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from moto.dynamodb.models import dynamodb_backends
from moto.stepfunctions.parser.api import ExecutionFailedEventDetails
from moto.stepfunctions.parser.asl.component.state.state import CommonStateField
from moto.stepfunctions.parser.models import stepfunctions_parser_backends
from moto.stepfunctions.parser.utils import TMP_THREADS

from emulator import template
from emulator.awslambda import LambdaContext
from stepcanary.domain.stage import RETURNING
from stepcanary.observability import logger, metrics
from tests.builders import PROFILE
from tests.fakes.cloud import ACCOUNT, REGION, Document
from tests.fakes.fronts import CLOUDS
from tests.faults.invariants import Violation, Watch, Writer
from tests.statemachine.runner import World, listening, name_of, opened_world

MINUTES_OF_HELP = 30
LATE = 7
"""Before so many invocations a late delivery comes again: past the next step's shift."""
ANSWERS_OF_AWS: dict[str, dict[str, tuple[str, int]]] = {
    "throttled": {
        "appmesh": ("TooManyRequestsException", 429),
        "cloudwatch": ("Throttling", 400),
        "elbv2": ("Throttling", 400),
        "servicediscovery": ("RequestLimitExceeded", 400),
        "": ("ThrottlingException", 400),
    },
    "server error": {
        "appmesh": ("InternalServerErrorException", 500),
        "cloudwatch": ("InternalServiceFault", 500),
        "ecs": ("ServerException", 500),
        "elbv2": ("InternalFailure", 500),
        "vpc-lattice": ("InternalServerException", 500),
        "": ("InternalServerError", 500),
    },
    "access denied": {
        "appmesh": ("ForbiddenException", 403),
        "cloudwatch": ("AccessDenied", 403),
        "elbv2": ("AccessDenied", 403),
        "": ("AccessDeniedException", 400),
    },
}
Timedout = type("Sandbox.Timedout", (Exception,), {})
"""What Step Functions calls a function that Lambda has killed."""


class Killed(BaseException):
    """The function dies here: nothing in it can catch this."""


@dataclass(frozen=True, order=True)
class Fault:
    """`at` counts what the kind strikes: calls, invocations, states or events, from 0."""

    kind: str
    at: int

    def __str__(self) -> str:
        return f"{self.kind} at {self.at}"


@dataclass(frozen=True)
class Base:
    """A release without faults. `script` sets the world up; `profile` differs from the default."""

    script: Callable[["Arena"], None]
    profile: Document


@dataclass(frozen=True)
class Case:
    base: str
    faults: tuple[Fault, ...] = ()
    router: str = "appmesh"

    def __str__(self) -> str:
        return f"{self.router}, {self.base}: {', '.join(map(str, self.faults)) or 'no fault'}"


Trace = dict[str, list[str]]
"""What happened, in order: calls, invocations, states entered and events."""


@dataclass(frozen=True)
class Result:
    case: Case
    violations: tuple[Violation, ...]
    outcome: str
    trace: Trace


class Arena(World):
    def __init__(self) -> None:
        super().__init__()
        self.helped = True
        self._after: set[str] = set()
        self._plain = dict(self.handlers)
        for name, handler in self._plain.items():
            self.handlers[name] = self._watched(name, handler)

    def begin(self, case: Case) -> None:
        self.clock.reset()
        self.cloud = CLOUDS[case.router](self.clock)
        self.cloud.on_alarm = self._see_alarm
        self.cloud.before_call = self.see_call
        self.cloud.on_write = lambda _primary, _canary: self.watch.see_write(
            self._writer, self.holder()
        )
        base = BASES[case.base]
        profile = {
            **MATRIX_PROFILE,
            **base.profile,
            "traffic": [{**self.cloud.traffic, "settle_seconds": SETTLE}],
        }
        self.cloud.parameters["/stepcanary/profiles/checkout"] = json.dumps(profile)
        self.watch = Watch(self.cloud, [step["weight"] for step in profile["steps"]])
        self.trace: Trace = {"call": [], "invocation": [], "state": [], "event": []}
        self._faults = case.faults
        self._writers: list[Writer] = []
        self._past: list[tuple[str, str]] = []
        self._late: list[tuple[str, str, int]] = []
        self._closing = False
        self._excused = False
        self._stranded = 0
        self._releases = 0
        self.ended.clear()
        self._machine_backend().executions.clear()
        dynamodb_backends[ACCOUNT][REGION].tables["ledger"].items.clear()
        TMP_THREADS.clear()
        self._tick_after_a_minute()
        base.script(self)

    def _see_alarm(self, name: str, before: str, state: str) -> None:
        if state == "ALARM":
            self.watch.see_alarm(self.holder(), decided=self.stage() >= RETURNING.number)
        self._tell_of_alarm(name, before, state)

    def _tick_after_a_minute(self) -> None:
        """The schedule goes on whatever happens to the release."""

        def tick() -> None:
            self._tick_after_a_minute()
            if self.helped:
                for function in template.schedules():
                    self._call_scheduled(function)

        self.clock.after(60, tick)

    def _machine_backend(self) -> Any:
        return stepfunctions_parser_backends[ACCOUNT][REGION].state_machines[0]

    @property
    def _writer(self) -> Writer:
        return self._writers[-1] if self._writers else Writer("nobody")

    def struck(self, target: str, name: str) -> set[str]:
        """The kinds of fault that strike what happens now."""
        at = len(self.trace[target])
        self.trace[target].append(name)
        return {f.kind for f in self._faults if KINDS[f.kind] == target and f.at == at}

    # Calls

    def before_call(self, model: Any, **_: Any) -> Any:
        if not self._writers:
            return None
        service = model.service_model.service_name
        kinds = self.struck("call", f"{self._writer.function} {service}.{model.name}")
        self._after = kinds
        if "foreign write at a call" in kinds:
            self.write_foreign()
        self.watch.before_write()
        for kind in kinds & set(ANSWERS_OF_AWS):
            codes = ANSWERS_OF_AWS[kind]
            return _refused(*codes.get(service, codes[""]))
        return None

    def see_call(self, name: str, params: Document) -> None:
        self.watch.see_call(name, params, self._writer)

    def after_call(self, http_response: Any, parsed: Document, **_: Any) -> None:
        if not self._writers:
            return
        if "answer lost" in self._after:
            http_response.status_code = 500
            parsed["Error"] = {"Code": "InternalServerError", "Message": "the answer was lost"}
        if "killed after a call" in self._after:
            raise Killed

    def write_foreign(self, canary: int = 30) -> None:
        """Somebody gives the canary so many percent."""
        changed = self.cloud.weight("example2") != canary
        self.cloud.write_foreign(canary)
        self.watch.foreign = self.watch.unseen = True
        # With another fault beside it, the answer that names it may be the one that is lost.
        ours = changed and self.held() and not self._closing and len(self._faults) == 1
        if self.cloud.versioned:
            self.watch.to_be_named = self.watch.to_be_named or ours
        else:
            self.watch.nameable = ours
        # Help from outside looks at the split until it frees it, and not after its last look.
        ended = any(end.is_set() for end in self.ended.values())
        over = self._closing or not self.held() or ended
        self._excused = self._excused or over

    # Invocations

    def _watched(self, name: str, handler: Any) -> Any:
        def watched(event: Any, context: Any) -> Any:
            writer = Writer(name, event if isinstance(event, dict) else {})
            from_machine = "release" in writer.event or name == "PlanReleaseFunction"
            kinds = self.struck("invocation", name)
            self._closing = self._closing or name == "CloseReleaseFunction"
            if from_machine:
                self._deliver_late(name)
                self._past.append((name, json.dumps(event)))
            if "stopped in flight" in kinds and from_machine:
                self.stop(writer.execution or event["execution"])
            if "killed before" in kinds:
                raise Timedout("killed before it did anything")
            answer = self._call(writer, handler, event, context)
            if "delivered twice" in kinds:
                answer = self._call(writer, handler, event, context)
            if "delivered late" in kinds:
                self._late.append((name, json.dumps(event), LATE))
            if "killed after" in kinds:
                raise Timedout("killed after it had done everything")
            # The answer to a delivery that comes again later reaches nobody.
            self.watch.see_answer(writer, answer)
            return answer

        return watched

    def _call(self, writer: Writer, handler: Any, event: Any, context: Any) -> Any:
        self._writers.append(writer)
        try:
            return handler(event, context)
        except Killed as killed:
            raise Timedout("killed in the middle") from killed
        finally:
            self._writers.pop()

    def _deliver_late(self, name: str) -> None:
        """The second delivery comes before each of the next three, and before the closing."""
        late, self._late = self._late, []
        for function, event, left in late:
            if left > 0 or name == "CloseReleaseFunction":
                self.redeliver(function, event)
            self._late.append((function, event, left - 1))

    def redeliver(self, function: str, event: str) -> None:
        document = json.loads(event)
        context = LambdaContext(function, f"arn:aws:lambda:::function:{function}", "redelivered")
        try:
            self._call(Writer(function, document), self._plain[function], document, context)
        except Exception:
            # Whoever delivered it twice does not look at the second answer.
            return

    # States

    def enters(self, state: Any, env: Any) -> bool:
        """Strike at a state's entry; true where the execution dies of it."""
        if not env.is_running():
            return False
        arn = env.states.context_object.context_object_data["Execution"]["Id"]
        kinds = self.struck("state", state.name)
        for kind, canary in (("foreign write", 30), ("foreign return", 0)):
            if kind in kinds:
                self._closing = self._closing or state.name in ("CloseRelease", *TERMINALS)
                self.write_foreign(canary)
        for kind in kinds & {"revert signalled", "promote signalled"}:
            self.signal_now(kind.split()[0])
        if "second release" in kinds:
            held = self.held()
            outcome = self.wait_for_end(self.start_next())
            # Another fault of the sequence may have struck this one before it could be told.
            if held and outcome in RELEASED_SOMEHOW:
                self.watch.say("lease", f"a second release ended {outcome} beside the first")
        if "stopped" in kinds:
            self.stop(arn)
        if "uncatchable error" in kinds:
            root = self._execution(arn).exec_worker.env
            root.set_error(ExecutionFailedEventDetails(error="States.Runtime", cause="injected"))
        if "timed out" in kinds:
            self._execution(arn).exec_worker.env.set_timed_out()
        return bool(kinds & DEADLY)

    def start_next(self) -> str:
        """Release 1 is of v2, release 2 of v3, and so on."""
        self._releases += 1
        image = f"shop:v{self._releases + 1}"
        if self._releases > 1:
            self.watch.later_images.add(image)
        request = {"service": "checkout", "images": {"app": image}}
        return self.start(request, f"release-{self._releases}")

    def signal_now(self, kind: str) -> None:
        """As a person would, who tries again when the function answers with an error."""
        for _ in range(3):
            try:
                told = self.signal(kind)["executions"]
            except Exception:
                continue
            for execution in told:
                self.watch.progress(execution).reverting |= kind == "revert"
            return

    def _execution(self, arn: str) -> Any:
        return next(e for e in self._machine_backend().executions if e.exec_arn == arn)

    # Events and the end

    def deliver(self, function: str, event: Any) -> Any:
        kinds = self.struck("event", function)
        if "event lost" in kinds:
            return None
        if "event duplicated" in kinds:
            self.invoke(function, event)
        if function == "ReconcileFunction" and not self.helped:
            return None
        return self.invoke(function, event)

    def see_end(self, arn: str, status: str) -> None:
        ended = self._execution(arn)
        cause = ended.cause or (ended.output or {}).get("cause", "")
        self.watch.see_end(
            arn, status, ended.error or "", cause, held=self.held(), stranded=self._stranded > 0
        )

    def _leases(self) -> list[Document]:
        by_hash = dynamodb_backends[ACCOUNT][REGION].tables["ledger"].items
        return [
            item.to_json()["Attributes"]
            for by_range in by_hash.values()
            for key, item in by_range.items()
            if key.value == "lease"
        ]

    def holder(self) -> str:
        """The execution that holds the split, or an empty string."""
        held = (lease["holder"]["S"] for lease in self._leases() if "holder" in lease)
        return next(held, "")

    def held(self) -> bool:
        return bool(self.holder())

    def stage(self) -> int:
        return max(
            (int(lease["stage"]["N"]) for lease in self._leases() if "stage" in lease), default=0
        )

    def add_metric(self, name: str, unit: Any, value: float, **_: Any) -> None:
        if name == "StrandedSplits":
            self._stranded = int(value)

    def wait_for_end(self, arn: str) -> str:
        if not self.end_of(arn).wait(60):
            raise AssertionError(f"{arn} did not end")
        execution = self._execution(arn)
        return str(execution.error or execution.status)

    def run(self, case: Case) -> Result:
        """On a thread of its own, whose stack is shallow: at some depths, such as under a test
        runner in a worker, CPython maps and unmaps a piece of its stack at every call."""
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(self._run, case).result()

    def _run(self, case: Case) -> Result:
        self.begin(case)
        outcome = self.wait_for_end(self.start_next())
        self._help()
        if any(fault.kind in DEADLY for fault in case.faults):
            self._redrive()
        for function, event, _ in self._late:
            self.redeliver(function, event)
        self._help()
        self.watch.see_final(
            held=self.held(),
            stranded=self._stranded > 0,
            excused=self._is_excused(outcome),
            records=self.records(),
            expected=self._last_released(),
        )
        return Result(case, tuple(self.watch.violations), outcome, self.trace)

    def _last_released(self) -> str:
        """The image of the release that the ledger says came to its end last, and well."""
        ends = {
            int(item["updated_at"]["N"]): name_of(item)
            for item in self.documents()
            if item["outcome"]["S"] == "Released"
        }
        if not ends:
            return "shop:v1"
        return f"shop:v{int(ends[max(ends)].rsplit('-', 1)[-1]) + 1}"

    def _is_excused(self, outcome: str) -> bool:
        """Whether the split was moved by somebody else before the release began or after its end.

        Then it is not for us to move it back, but an alarm has to say so.
        """
        never_opened = outcome == "Rejected" or not self.records()
        untouched = never_opened and not any(p.wrote for p in self.watch.all_progress())
        return untouched or (self._excused and self._stranded > 0)

    def _help(self) -> None:
        for _ in range(MINUTES_OF_HELP):
            self.clock.sleep(60)
            if not self.held():
                break

    def _call_scheduled(self, function: str) -> None:
        try:
            self.invoke(function, {"id": "schedule"})
        except Exception:
            # The next minute brings the next one.
            return

    def _redrive(self) -> None:
        """A redrive runs the state that failed again, with the input and the fence of then."""
        before = json.dumps([self.cloud.described(), self.cloud.services], default=str)
        for function, event in list(self._past):
            self.redeliver(function, event)
        self.cloud.advance()
        if json.dumps([self.cloud.described(), self.cloud.services], default=str) != before:
            self.watch.say("redrive", "a redriven execution changed something")


def _refused(code: str, status: int) -> Any:
    error = {"Code": code, "Message": "injected"}
    meta = {"HTTPStatusCode": status}
    response = AWSResponse("https://fake", status, HTTPHeaders(), None)
    return response, {"Error": error, "ResponseMetadata": meta}


KINDS: dict[str, str] = {
    "throttled": "call",
    "server error": "call",
    "access denied": "call",
    "answer lost": "call",
    "killed after a call": "call",
    "foreign write at a call": "call",
    "killed before": "invocation",
    "killed after": "invocation",
    "delivered twice": "invocation",
    "delivered late": "invocation",
    "stopped in flight": "invocation",
    "stopped": "state",
    "timed out": "state",
    "uncatchable error": "state",
    "foreign write": "state",
    "foreign return": "state",
    "revert signalled": "state",
    "promote signalled": "state",
    "second release": "state",
    "event lost": "event",
    "event duplicated": "event",
}
"""Every kind of fault, and what it strikes."""

RELEASED_SOMEHOW = ("SUCCEEDED", "Reverted", "PromotionFailed", "RevertFailed")
DEADLY = {"stopped", "timed out", "uncatchable error"}
TERMINALS = ("WhatOutcome", "Released", "Reverted", "PromotionFailed", "RevertFailed", "Rejected")
SETTLE = 35
"""Seconds, on every router, so that their releases take the same time."""
MATRIX_PROFILE: Document = {
    **PROFILE,
    "steps": [{"weight": weight, "bake_seconds": 90} for weight in (10, 50, 100)],
    "promotion": {"gate_seconds": 120},
}


def _good(_arena: Arena) -> None:
    """Nothing is wrong."""


def _when_weight(arena: Arena, weight: int, seconds: float, action: Callable[[], None]) -> None:
    """Once the canary has had this weight for so long, the action happens, one time."""
    watched = arena.cloud.on_write
    pending = [action]

    def on_write(primary: int, canary: int) -> None:
        watched(primary, canary)
        if canary == weight and pending:
            arena.clock.after(seconds, pending.pop())

    arena.cloud.on_write = on_write


def _bad(arena: Arena) -> None:
    """The alarm fires in the middle of the second bake, and clears before it would end."""

    def fire() -> None:
        arena.cloud.set_alarm("example2-5xx", "ALARM")
        arena.clock.after(30, lambda: arena.cloud.set_alarm("example2-5xx", "OK"))

    _when_weight(arena, 50, 40, fire)


def _bad_at_100(arena: Arena) -> None:
    """The alarm fires while the primary is being replaced."""
    _when_weight(arena, 100, SETTLE + 95, lambda: arena.cloud.set_alarm("example2-5xx", "ALARM"))


def _bad_after_its_return(arena: Arena) -> None:
    """The alarm fires while the router follows the weights back to the new version."""
    _when_weight(arena, 0, 20, lambda: arena.cloud.set_alarm("example2-5xx", "ALARM"))


def _failed_canary(arena: Arena) -> None:
    arena.cloud.broken_images = {"shop:v2"}


def _failed_primary(arena: Arena) -> None:
    """Nobody answers the gate."""
    arena.cloud.broken_images = {("example1", "shop:v2")}


def _retried_primary(arena: Arena) -> None:
    """The cause is mended, and an operator says retry."""
    arena.cloud.broken_images = {("example1", "shop:v2")}

    def mend() -> None:
        arena.cloud.broken_images = set()
        arena.signal_now("retry")

    _when_weight(arena, 100, SETTLE + 150, mend)


def _stayed_promotion(arena: Arena) -> None:
    """Nobody answers the gate and the canary stays; much later a person says revert."""
    arena.cloud.broken_images = {("example1", "shop:v2")}
    _when_weight(arena, 100, 600, lambda: arena.signal_now("revert"))


def _promoted_by_signal(arena: Arena) -> None:
    """The gate before promotion is answered after a while."""
    _when_weight(arena, 100, SETTLE + 150, lambda: arena.signal_now("promote"))


def _aborted(arena: Arena) -> None:
    """An operator stops the execution in the middle of a bake."""
    name = "arn:aws:states:us-east-1:123456789012:execution:stepcanary-release:release-1"
    _when_weight(arena, 50, 40, lambda: arena.stop(name))


BASES = {
    "good": Base(_good, {}),
    "bad canary": Base(_bad, {}),
    "bad canary at 100 %": Base(_bad_at_100, {}),
    "bad after its return": Base(_bad_after_its_return, {}),
    "failed canary deployment": Base(_failed_canary, {}),
    "failed primary deployment": Base(_failed_primary, {}),
    "retried promotion": Base(_retried_primary, {}),
    "stayed promotion": Base(
        _stayed_promotion, {"promotion": {"gate_seconds": 120, "on_failure_timeout": "stay"}}
    ),
    "promotion by signal": Base(
        _promoted_by_signal, {"promotion": {"gate_seconds": 120, "approval": True}}
    ),
    "operator abort": Base(_aborted, {}),
}


@contextmanager
def opened() -> Iterator[Arena]:
    arena = Arena()
    with ExitStack() as patches:
        patches.enter_context(opened_world(arena, arena.see_end))
        patches.enter_context(listening("before-call.*.*", arena.before_call, first=True))
        patches.enter_context(listening("after-call.*.*", arena.after_call))
        body = CommonStateField._eval_body

        def eval_body(self: Any, env: Any) -> None:
            try:
                dies = arena.enters(self, env)
            except Exception as error:
                arena.watch.say("harness", f"{type(error).__name__}: {error}")
                raise
            if not dies:
                body(self, env)

        patches.enter_context(patch.object(CommonStateField, "_eval_body", eval_body))
        patches.enter_context(patch.object(metrics, "add_metric", arena.add_metric))
        patches.enter_context(patch.object(metrics, "flush_metrics", lambda *_, **__: None))
        level = logger.log_level
        logger.setLevel("CRITICAL")
        try:
            yield arena
        finally:
            logger.setLevel(level)
