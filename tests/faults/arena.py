"""Arena: one world per process, in which releases run one after another, each with its faults."""

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
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
from emulator.embedded_metrics import data_of
from stepcanary import observability
from stepcanary.domain.stage import RETURNING
from stepcanary.observability import logger
from stepcanary.store import leases
from tests.fakes.cloud import ACCOUNT, REGION, Document, Refusal
from tests.fakes.fronts import CLOUDS
from tests.faults.bases import BASES, MATRIX_PROFILE
from tests.faults.invariants import BOUND_SECONDS, SETTLE_SECONDS, Watch, Writer
from tests.faults.kinds import (
    ALARM,
    ALARMS,
    ANSWERS_OF_AWS,
    CANARY,
    DEADLY,
    DEAFENING,
    HARMLESS,
    LAGS,
    WORLD,
)
from tests.faults.run import Case, Result, Run
from tests.statemachine.runner import World, forget_tasks, listening, name_of, opened_world

MINUTES_OF_HELP = 30
UNKNOWN_SECONDS = 290
"""Until then an execution that has just begun may not be known to those who ask for it."""

LATE = 7
"""Before so many invocations a late delivery comes again: past the next step's shift."""
RELEASED_SOMEHOW = ("SUCCEEDED", "Reverted", "PromotionFailed", "RevertFailed")
TERMINALS = ("WhatOutcome", "Released", "Reverted", "PromotionFailed", "RevertFailed", "Rejected")
HISTORY_FULL = "The execution reached the maximum number of history events (25000)."
"""What Step Functions says at an execution's 25,000th event, whose function is under way then; see
https://docs.aws.amazon.com/step-functions/latest/dg/bp-history-limit.html"""

Timedout = type("Sandbox.Timedout", (Exception,), {})
"""What Step Functions calls a function that Lambda has killed."""


class Killed(BaseException):
    """The function dies here: nothing in it can catch this."""


class Arena(World):
    current: Run
    """The case under way; there is none before the first one begins."""

    def __init__(self) -> None:
        super().__init__()
        self.helped = True
        self._plain = dict(self.handlers)
        for name, handler in self._plain.items():
            self.handlers[name] = self._watched(name, handler)

    def begin(self, case: Case) -> None:
        self.clock.reset()
        forget_tasks()
        self._began = self.clock.now()
        base = BASES[case.base]
        self.cloud = (base.cloud or CLOUDS[case.router])(self.clock)
        self.cloud.on_alarm = self._see_alarm
        self.cloud.on_lines = self.deliver_lines
        self.cloud.before_call = self.see_call
        self.cloud.on_write = lambda _primary, _canary: self.current.watch.see_write(
            self.current.writer, self.holder()
        )
        profile = {
            **MATRIX_PROFILE,
            **base.profile,
            "traffic": [
                {**each, "settle_seconds": SETTLE_SECONDS} for each in self.cloud.all_traffic()
            ],
        }
        self.cloud.parameters["/stepcanary/profiles/checkout"] = json.dumps(profile)
        # Another fault may take a look away, and the next one comes a minute later.
        bound = BOUND_SECONDS if len(case.faults) < 2 else BOUND_SECONDS + 240
        steps = [step["weight"] for step in profile["steps"]]
        self.current = Run(case, self._watch(steps, bound, manual=base.manual))
        self.ended.clear()
        self._machine_backend().executions.clear()
        dynamodb_backends[ACCOUNT][REGION].tables["ledger"].items.clear()
        TMP_THREADS.clear()
        for function in template.schedules():
            self._tick_after_a_minute(function)
        base.script(self)

    def _watch(self, steps: list[int], bound: float, *, manual: bool) -> Watch:
        def causes() -> str:
            return " ".join(self.causes().values())

        return Watch(self.cloud, steps, bound, causes=causes, manual=manual)

    def _see_alarm(self, name: str, before: str, state: str) -> None:
        if state == "ALARM":
            self.current.watch.see_alarm(self.holder(), decided=self.stage() >= RETURNING.number)
        self._tell_of_alarm(name, before, state)

    def _tick_after_a_minute(self, function: str) -> None:
        """Its schedule goes on whatever happens to the release, and waits for no other function."""

        def tick() -> None:
            self._tick_after_a_minute(function)
            if self.helped:
                self._call_scheduled(function)

        self.clock.after(60, tick)

    def _machine_backend(self) -> Any:
        return stepfunctions_parser_backends[ACCOUNT][REGION].state_machines[0]

    # Calls

    def before_call(self, model: Any, **_: Any) -> Any:
        if not self.current.writers:
            return None
        service = model.service_model.service_name
        function = self.current.writer.function
        kinds = self.current.struck("call", f"{function} {service}.{model.name}")
        self.current.striking = kinds
        if "foreign write at a call" in kinds:
            self.write_foreign()
        if "conflict" in kinds and service == "dynamodb":
            return _conflict(model.name)
        if self.clock.now() < self.current.unknown_until and service == "stepfunctions":
            if model.name == "DescribeExecution":
                return _refused("ExecutionDoesNotExist", 400)
            if model.name == "ListExecutions":
                return _answered({"executions": []})
        for kind in kinds & set(ANSWERS_OF_AWS):
            codes = ANSWERS_OF_AWS[kind]
            return _refused(*codes.get(service, codes[""]))
        return None

    def see_call(self, name: str, params: Document) -> None:
        self.current.watch.see_time(held=self.held())
        self.current.watch.see_call(name, params, self.current.writer)

    def after_call(self, http_response: Any, parsed: Document, **_: Any) -> None:
        if not self.current.writers:
            return
        if "answer lost" in self.current.striking:
            http_response.status_code = 500
            parsed["Error"] = {"Code": "InternalServerError", "Message": "the answer was lost"}
        if "killed after a call" in self.current.striking:
            raise Killed

    def write_foreign(self, canary: int = 30) -> None:
        """Somebody gives the canary so many percent."""
        run = self.current
        changed = self.cloud.weight("example2") != canary
        self.cloud.write_foreign(canary)
        run.watch.foreign = run.watch.unseen = True
        run.watch.sent_home = run.watch.sent_home or canary == 0
        # With another fault beside it, the answer that names it may be the one that is lost.
        ours = changed and self.is_led() and not run.closing and len(run.case.faults) == 1
        if self.cloud.versioned:
            run.watch.to_be_named = run.watch.to_be_named or ours
        else:
            run.watch.nameable = ours
        # Help from outside looks at the split until it frees it, and not after its last look.
        ended = any(end.is_set() for end in self.ended.values())
        over = run.closing or not self.held() or ended
        run.excused = run.excused or over

    # Invocations

    def _watched(self, name: str, handler: Any) -> Any:
        def watched(event: Any, context: Any) -> Any:
            run = self.current
            writer = Writer(name, event if isinstance(event, dict) else {})
            from_machine = "release" in writer.event or name == "PlanReleaseFunction"
            kinds = run.struck("invocation", name)
            run.closing = run.closing or name == "CloseReleaseFunction"
            if from_machine:
                self._deliver_late(name)
                run.past.append((name, json.dumps(event)))
            if "stopped in flight" in kinds and from_machine:
                self.stop(writer.execution or event["execution"])
            if "history full" in kinds and from_machine:
                self._fail(writer.execution or event["execution"], HISTORY_FULL)
            if "killed before" in kinds:
                raise Timedout("killed before it did anything")
            answer = self._call(writer, handler, event, context)
            if "delivered twice" in kinds:
                answer = self._call(writer, handler, event, context)
            if "delivered late" in kinds:
                run.late.append((name, json.dumps(event), LATE))
            if "killed after" in kinds:
                raise Timedout("killed after it had done everything")
            # The answer to a delivery that comes again later reaches nobody.
            run.watch.see_answer(writer, answer)
            return answer

        return watched

    def _call(self, writer: Writer, handler: Any, event: Any, context: Any) -> Any:
        self.current.writers.append(writer)
        try:
            return handler(event, context)
        except Killed as killed:
            raise Timedout("killed in the middle") from killed
        finally:
            self.current.writers.pop()

    def _deliver_late(self, name: str) -> None:
        """The second delivery comes before each of the next invocations, and before the closing."""
        late, self.current.late = self.current.late, []
        for function, event, left in late:
            if left > 0 or name == "CloseReleaseFunction":
                self.redeliver(function, event)
            self.current.late.append((function, event, left - 1))

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
        run = self.current
        kinds = run.struck("state", state.name)
        for kind, canary in (("foreign write", 30), ("foreign return", 0)):
            if kind in kinds:
                run.closing = run.closing or state.name in ("CloseRelease", *TERMINALS)
                self.write_foreign(canary)
        for kind in sorted(kinds & set(WORLD)):
            self.change_world(kind, state.name)
        for kind in kinds & {"revert signalled", "promote signalled"}:
            self.signal_now(kind.split()[0])
        if "alarm fires" in kinds:
            # What waits by then hears of it.
            self.clock.after(1, lambda: self.cloud.set_alarm(ALARM, "ALARM"))
        if "second release" in kinds:
            held = self.holder() == arn
            outcome = self.wait_for_end(self.start_next())
            # Another fault of the sequence may have ended this one before it was rejected, or an
            # operator while the other one waited.
            alive = self._execution(arn).status == "RUNNING"
            if held and alive and outcome in RELEASED_SOMEHOW:
                run.watch.say("lease", f"a second release ended {outcome} beside the first")
        if "stopped" in kinds:
            self.stop(arn)
        if "uncatchable error" in kinds:
            self._fail(arn, "injected")
        if "timed out" in kinds:
            self._execution(arn).exec_worker.env.set_timed_out()
        return bool(kinds & DEADLY)

    def _fail(self, arn: str, cause: str) -> None:
        """As Step Functions fails an execution itself, past every Catch."""
        root = self._execution(arn).exec_worker.env
        root.set_error(ExecutionFailedEventDetails(error="States.Runtime", cause=cause))

    def change_world(self, kind: str, state: str) -> None:
        run = self.current
        run.closing = run.closing or state in ("CloseRelease", *TERMINALS)
        with suppress(Refusal):
            # Others are refused too.
            WORLD[kind](self.cloud)
        if kind == "executions unknown":
            # Not for so long that a lease is old enough to speak against its execution.
            run.unknown_until = self._began + timedelta(seconds=UNKNOWN_SECONDS)
            return
        if kind == "weights reset":
            run.watch.foreign = run.watch.unseen = run.watch.sent_home = True
        if kind == "unknown member":
            run.watch.see_member(nameable=len(run.case.faults) == 1)
        elif kind == "weights reset":
            run.watch.foreign = run.watch.unseen = True
            run.excused = run.excused or run.closing or not self.held()
        elif kind in ALARMS:
            run.watch.see_unwatched(self.holder(), deleted=kind == "alarm deleted")
        elif kind not in LAGS:
            decided = self.stage() >= RETURNING.number
            run.watch.see_world(kind, held=self.is_led(), closing=run.closing, decided=decided)
        run.watch.see_time(held=self.held())

    def start_next(self, image: str = "", task_definitions: Document | None = None) -> str:
        """Release 1 is of v2, release 2 of v3, and so on, where no other is named. Task definitions
        of that image may be ready."""
        run = self.current
        name = f"release-{len(run.images) + 1}"
        image = image or f"shop:v{len(run.images) + 2}"
        if run.images:
            run.watch.later_images.add(image)
        run.images[name] = image
        images = {"images": {"app": image}}
        version = {"task_definitions": task_definitions} if task_definitions else images
        return self.start({"service": "checkout", **version}, name)

    def signal_now(self, kind: str, *, this_wait: bool = False) -> None:
        """As a person would, who tries again when the function answers with an error."""
        event: Document = {"service": "checkout", "signal": kind, "by": "test"}
        if this_wait:
            event["wait"] = next((lease.wait for lease in leases.held()), 0)
        for _ in range(3):
            try:
                executions = self.invoke("SignalReleaseFunction", event)["executions"]
            except Exception:  # noqa: S112 - the fault is noted where it is injected
                continue
            for execution in executions:
                self.current.watch.progress(execution).reverting |= kind == "revert"
                self.current.watch.progress(execution).by_hand |= kind == "promote"
            return

    def _execution(self, arn: str) -> Any:
        return next(e for e in self._machine_backend().executions if e.exec_arn == arn)

    # Events and the end

    def deliver(self, function: str, event: Any) -> Any:
        kinds = self.current.struck("event", function)
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
        stranded = self.current.stranded > 0
        self.current.watch.see_end(
            arn, status, ended.error or "", cause, held=self.held(), stranded=stranded
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

    def is_led(self) -> bool:
        """Whether an execution that lives holds the split, so that its cause can name things."""
        holder = self.holder()
        return bool(holder) and not self.end_of(holder).is_set()

    def stage(self) -> int:
        return max(
            (int(lease["stage"]["N"]) for lease in self._leases() if "stage" in lease), default=0
        )

    def see_metrics(self, line: Mapping[str, Any]) -> None:
        for _, datum in data_of(line):
            (value,) = datum["Values"]
            if datum["MetricName"] == "StrandedSplits":
                self.current.stranded = int(value)
            if datum["MetricName"] == "LeftBehind":
                self.current.left = int(value)

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
        base = BASES[case.base]
        outcome = self.wait_for_end(base.begin(self) if base.begin else self.start_next())
        for begin in base.after:
            self.current.closing = False
            self.current.watch.forget_what_was_to_be_named()
            self.wait_for_end(begin(self))
        self._help()
        if any(fault.kind in DEADLY for fault in case.faults):
            self._redrive()
        for function, event, _ in self.current.late:
            self.redeliver(function, event)
        self._help()
        self.current.over = True
        self.cloud.lag = {}
        self.clock.sleep(60)
        self._work_off()
        self.current.watch.see_final(
            held=self.held(),
            stranded=self.current.stranded > 0,
            excused=self._is_excused(outcome),
            records=self.records(),
            expected=self._last_released(),
            put_up=self._items_of("up#"),
            left=self.current.left > 0,
        )
        self._see_outcome(case, outcome)
        return Result(case, tuple(self.current.watch.violations), outcome, self.current.trace)

    def _see_outcome(self, case: Case, outcome: str) -> None:
        """Of a release whose outcome no such fault may change."""
        kinds = {fault.kind for fault in case.faults}
        is_good = case.base in ("good", "logged")
        if is_good and kinds and kinds <= HARMLESS and outcome not in ("SUCCEEDED", "Rejected"):
            self.current.watch.say("harmless", f"the release ended {outcome}")
        if BASES[case.base].telling and not kinds & DEAFENING and outcome == "SUCCEEDED":
            self.current.watch.say("heard", "its log tells of a bad version, and it was Released")

    def _last_released(self) -> str:
        """The image of the release that the ledger says came to its end last, and well."""
        ends = {
            int(item["updated_at"]["N"]): name_of(item)
            for item in self.documents()
            if item["outcome"]["S"] == "Released"
        }
        names = ["", *(ends[at] for at in sorted(ends))]
        if names[-1].startswith("rollback"):
            # Back to what the primary ran before the last one, whoever had deployed that.
            return self.current.watch.ran_before(names[-2])
        return self.current.images.get(names[-1], "shop:v1")

    def _is_excused(self, outcome: str) -> bool:
        """Whether the split was moved by somebody else before the release began or after its end.

        Then it is not for us to move it back, but an alarm has to say so.
        """
        never_opened = outcome == "Rejected" or not self.records()
        untouched = never_opened and not any(p.wrote for p in self.current.watch.all_progress())
        return untouched or (self.current.excused and self.current.stranded > 0)

    def _help(self) -> None:
        for _ in range(MINUTES_OF_HELP):
            self.clock.sleep(60)
            if not self.held():
                break

    def _work_off(self) -> None:
        """What is due of a release that is over; what cannot be done an alarm tells."""
        for _ in range(MINUTES_OF_HELP):
            waits = self._items_of("up#") or self.cloud.autoscaler_minimum
            runs = self.cloud.view(CANARY)["desiredCount"]
            if not (waits or runs) or self.current.left:
                break
            self.clock.sleep(60)

    def _items_of(self, prefix: str, partition: str = "") -> list[str]:
        """Sort keys of the ledger that begin so."""
        by_hash = dynamodb_backends[ACCOUNT][REGION].tables["ledger"].items
        return [
            key.value
            for pk, by_range in by_hash.items()
            if not partition or pk.value == partition
            for key in by_range
            if key.value.startswith(prefix)
        ]

    def _call_scheduled(self, function: str) -> None:
        before = json.dumps(self._leases(), sort_keys=True)
        dead = self.held() and not self.is_led()
        try:
            swept = self.invoke(function, {"id": "schedule"})
        except Exception:
            # The next minute brings the next one.
            return
        if function != "ReconcileFunction":
            return
        same = self.held() and json.dumps(self._leases(), sort_keys=True) == before
        stuck = dead and same and not self._waits_for_clients()
        self.current.watch.see_sweep(stuck=stuck, stranded=bool(swept["stranded"]))

    def _waits_for_clients(self) -> bool:
        """Whether the split is at rest, and clients pinned to the canary have time left."""
        now = int(self.clock.now().timestamp())
        return any(
            lease.rested_at is not None
            and now - lease.rested_at <= leases.release_of(lease).drain_seconds
            for lease in leases.held()
        )

    def _redrive(self) -> None:
        """A redrive runs the state that failed again, with the input and the fence of then."""
        before = json.dumps([self.cloud.described(), self.cloud.services], default=str)
        for function, event in list(self.current.past):
            self.redeliver(function, event)
        self.cloud.advance()
        if json.dumps([self.cloud.described(), self.cloud.services], default=str) != before:
            self.current.watch.say("redrive", "a redriven execution changed something")


def _refused(code: str, status: int, **more: Any) -> Any:
    error = {"Code": code, "Message": "injected"}
    meta = {"HTTPStatusCode": status}
    response = AWSResponse("https://fake", status, HTTPHeaders(), None)
    return response, {"Error": error, "ResponseMetadata": meta, **more}


def _answered(parsed: Document) -> Any:
    response = AWSResponse("https://fake", 200, HTTPHeaders(), None)
    return response, {**parsed, "ResponseMetadata": {"HTTPStatusCode": 200}}


def _conflict(operation: str) -> Any:
    """Another transaction is at work on the item."""
    if operation != "TransactWriteItems":
        return _refused("TransactionConflictException", 400)
    reasons = [{"Code": "TransactionConflict"}, {"Code": "None"}]
    return _refused("TransactionCanceledException", 400, CancellationReasons=reasons)


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
                arena.current.watch.say("harness", f"{type(error).__name__}: {error}")
                raise
            if not dies:
                body(self, env)

        patches.enter_context(patch.object(CommonStateField, "_eval_body", eval_body))
        patches.enter_context(patch.object(observability, "write", arena.see_metrics))
        level = logger.log_level
        logger.setLevel("CRITICAL")
        try:
            yield arena
        finally:
            logger.setLevel(level)
