"""What must hold at every observed moment of a release, and at its end."""

from dataclasses import dataclass, field
from typing import Any

from tests.fakes.cloud import Cloud, Document

PRIMARY, CANARY = "example1", "example2"
AT_REST = (100, 0)
WRITTEN = "somebody else wrote"


@dataclass(frozen=True)
class Violation:
    invariant: str
    sentence: str


@dataclass
class Progress:
    """What one execution may do to the weights: `allowed` is the canary's next percent."""

    allowed: set[int]
    promoted: bool = False
    wrote: bool = False
    reverting: bool = False
    alarmed: bool = False
    alarmed_late: bool = False
    """An alarm fired when the canary had no weight to take away any more."""
    old: str = "shop:v1"


@dataclass
class Writer:
    """The invocation that is under way."""

    function: str
    event: Document = field(default_factory=dict)

    @property
    def execution(self) -> str:
        execution: str = self.event.get("release", {}).get("execution", "")
        return execution


class Watch:
    """Sees every call, every write and every answer, and remembers what was wrong."""

    def __init__(self, cloud: Cloud, steps: list[int]) -> None:
        self.cloud = cloud
        self.violations: list[Violation] = []
        self._steps = steps
        self._rest_of_route = cloud.without_weights()
        self._progress: dict[str, Progress] = {}
        self._before = AT_REST
        self.foreign = False
        self.unseen = False
        self.to_be_named = False
        self.nameable = False
        """A foreign write that nothing but the weights tells of, until they are written over."""
        self.later_images: set[str] = set()
        self._read_at_rest: str = ""

    def say(self, invariant: str, sentence: str) -> None:
        self.violations.append(Violation(invariant, sentence))

    def progress(self, execution: str) -> Progress:
        return self._progress.setdefault(execution, Progress({self._steps[0]}))

    def all_progress(self) -> list[Progress]:
        return list(self._progress.values())

    def split(self) -> tuple[int, int]:
        return self.cloud.split()

    def steady(self, service: str) -> bool:
        """One finished deployment, and all of its tasks running."""
        view = self.cloud.view(service)
        done = [d["rolloutState"] for d in view["deployments"]] == ["COMPLETED"]
        return done and view["runningCount"] >= view["desiredCount"] > 0

    def in_place(self) -> bool:
        """Whether both sides have run what an alarm speaks against: then the primary is replaced
        as it serves."""
        return any(progress.alarmed_late for progress in self.all_progress())

    def see_call(self, name: str, params: Document, writer: Writer) -> None:
        split = self._before = self.split()
        if not self.foreign:
            for service, weight in zip((PRIMARY, CANARY), split, strict=True):
                if weight > 0 and self.cloud.view(service)["runningCount"] == 0:
                    self.say("capacity", f"{weight} % on {service}, which runs nothing")
        if name == self.cloud.read:
            # What happens from here on, the release could have known.
            self.unseen = False
            self.to_be_named = self.to_be_named or self.nameable
            if split == AT_REST:
                self._read_at_rest = writer.function
        scales_in = name == "ecs.UpdateService" and params.get("desiredCount") == 0
        if scales_in and split != AT_REST and not self.unseen:
            self.say("old capacity", f"{params['service']} is scaled in at {split}")
        new_primary = params.get("service") == PRIMARY and "taskDefinition" in params
        if new_primary and split[1] != 100 and not (self.unseen or self.in_place()):
            self.say("primary", f"the primary is replaced while the split is {split}")
        if scales_in and self._read_at_rest != writer.function:
            self.say("old capacity", f"{writer.function} scales in without reading the split back")

    def see_write(self, writer: Writer, holder: str) -> None:
        """A handler has written the route; help from outside writes for who holds the lease."""
        before, now = self._before, self.split()
        self.foreign = self.unseen = self.nameable = False
        self._read_at_rest = ""
        if sum(now) != 100 or min(now) < 0:
            self.say("valid split", f"the weights are {now}")
        if self.cloud.without_weights() != self._rest_of_route:
            self.say("nothing else", "the route differs in more than its weights")
        helping = writer.function in ("OpenReleaseFunction", "ReconcileFunction")
        progress = self.progress(holder if helping else writer.execution)
        progress.wrote = True
        if now[1] > before[1]:
            if now[1] not in progress.allowed:
                rise = f"{writer.function} raises {before} to {now}"
                self.say("planned rise", f"{rise}, allowed: {progress.allowed}")
            if not self.steady(CANARY):
                self.say("capacity", f"the canary gets {now[1]} % and is not steady")
        if now[0] > before[0] and not (self.steady(PRIMARY) or self.in_place()):
            self.say("capacity", f"the primary gets {now[0]} % and is not steady")

    def see_answer(self, writer: Writer, answer: Any) -> None:
        progress = self.progress(writer.execution)
        if writer.function == "OpenReleaseFunction" and not progress.wrote:
            progress.old = self.cloud.running_image(PRIMARY)
        if writer.function == "JudgeCanaryFunction":
            following = answer["next"]
            if following == "shift":
                progress.allowed = {self._steps[answer["step"]]}
            elif following == "promote":
                progress.allowed, progress.promoted = {100}, True
            elif following == "revert":
                progress.allowed = set()
        confirmed = writer.function == "ConfirmRestFunction" and answer["next"] == "retire"
        if confirmed and writer.event["promoted"] and progress.alarmed_late:
            self.say("alarm", "the new version is called good, and an alarm has fired")
        if writer.function in ("RevertFunction", "ConfirmRestFunction"):
            progress.allowed = set()

    def see_alarm(self, holder: str, *, decided: bool) -> None:
        """An alarm has fired; `decided` says that all traffic is on its way to the primary."""
        if self.split()[1] > 0 and not decided:
            self.progress(holder).alarmed = True
        elif decided:
            self.progress(holder).alarmed_late = True

    def see_end(
        self, arn: str, status: str, error: str, cause: str, *, held: bool, stranded: bool
    ) -> None:
        """The execution has ended: does it tell the truth?"""
        name = error or status
        at_rest = self.split() == AT_REST
        progress = self.progress(arn)
        image = self.cloud.running_image(PRIMARY)
        if name == "SUCCEEDED" and not (self.unseen or (at_rest and self.steady(PRIMARY))):
            self.say("truth", f"Released, but the split is {self.split()}")
        if name == "SUCCEEDED" and image == progress.old:
            self.say("truth", "Released, but the primary runs the old version")
        # Between the closing and the end of the execution another release may have been.
        old = image in {progress.old, *self.later_images}
        if name == "Reverted" and not (self.unseen or (at_rest and old)):
            self.say("truth", f"Reverted, but the split is {self.split()} and {image} serves")
        if name == "Rejected" and progress.wrote:
            self.say("truth", "Rejected, but the route was written")
        if name in ("PromotionFailed", "RevertFailed") and not (held and stranded):
            self.say("lease", f"{name}, but the lease is free or no alarm fires")
        if name == "PromotionFailed" and at_rest and not self.unseen:
            self.say("truth", f"PromotionFailed, but the split is {self.split()}")
        if name in ("SUCCEEDED", "Reverted") and self.to_be_named and WRITTEN not in cause:
            self.say("named", f"a foreign write is not in the cause: {cause[:200]}")

    def see_final(
        self, *, held: bool, stranded: bool, excused: bool, records: dict[str, str], expected: str
    ) -> None:
        """Long after the end, when all help from outside has had its time."""
        image = self.cloud.running_image(PRIMARY)
        if self.split() != AT_REST and not excused:
            self.say("rest", f"the split stays at {self.split()}")
        if not self.steady(PRIMARY):
            self.say("rest", "the primary is not steady")
        if image != expected:
            self.say("version", f"the primary runs {image}; the ledger says {records}")
        confirmed = any(p.promoted for p in self._progress.values())
        if image != "shop:v1" and not confirmed:
            self.say("version", f"{image} serves, and no verdict ever promoted it")
        if self.cloud.services[CANARY]["desiredCount"] and not (held or excused):
            self.say("retired", "the release is closed, and the canary's tasks run on")
        if held and not stranded:
            self.say("lease", "the lease is held and no alarm fires")
        if self.cloud.without_weights() != self._rest_of_route:
            self.say("nothing else", "the route differs in more than its weights")
        for execution, progress in self._progress.items():
            name = execution.rsplit(":", 1)[-1]
            if progress.reverting and records.get(name) == "Released":
                self.say("signal", f"a revert of {name} was accepted, and it was released")
            if progress.alarmed and records.get(name) == "Released":
                self.say("alarm", f"an alarm of {name} fired in time, and it was released")
