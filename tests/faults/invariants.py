"""What must hold at every observed moment of a release, and at its end."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from stepcanary.release.copies import TAG
from tests.fakes.cloud import MEMBER, Cloud, Document
from tests.faults.kinds import CANARY, HOTFIX, PRIMARY

RELEASED_OR_NOT = ("SUCCEEDED", "Reverted")
(MEMBER_NAME,) = MEMBER
AT_REST = (100, 0)
WRITTEN = "somebody else wrote"
DEPLOYED = "somebody else deployed"
SETTLE_SECONDS = 35
"""On every router, so that their releases take the same time."""

MOST_IDLE_SWEEPS = 1
"""One may wait for the router to follow; more do where it keeps clients on the canary."""

BOUND_SECONDS = 75
"""The sweep looks each minute, and then it acts."""

DEPLOYS_CANARY = {
    "canary redeployed",
    "new tag moved and deployed",
    "sidecar tag moved and deployed",
}
"""What others do to the canary that has its tags looked up again."""

DEPLOYS_PRIMARY = {
    "primary redeployed",
    "old tag moved and deployed",
    "old sidecar tag moved and deployed",
}
"""The same of the primary."""

INVARIANTS = (
    "valid split",
    "planned rise",
    "capacity",
    "old capacity",
    "primary",
    "retired",
    "left behind",
    "settings",
    "rest",
    "version",
    "content",
    "lease",
    "progress",
    "truth",
    "signal",
    "alarm",
    "unwatched",
    "heard",
    "named",
    "foreign",
    "served",
    "harmless",
    "redrive",
    "nothing else",
    "harness",
)


def version_of(image: str) -> str:
    """The image by its tag, whatever bytes that means."""
    return image.partition(" ")[0]


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
    logged_late: bool = False
    """Its log may speak against the primary, which has the weights with the new version."""
    unwatched: bool = False
    """Its alarm could not see before its verdict, and never has since."""
    deleted: bool = False
    """Its alarm was deleted before the last look at the primary."""
    by_hand: bool = False
    """A person said promote."""
    looked: bool = False
    """The primary was seen steady, and the alarms with it."""
    old: str = "shop:v1"
    old_content: dict[str, str] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    """What its task definition meant whenever the canary was deployed."""
    baked: dict[str, str] = field(default_factory=dict)
    """What the canary ran when it got its first weight."""
    ended: bool = False


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

    def __init__(
        self,
        cloud: Cloud,
        steps: list[int],
        bound: float,
        *,
        causes: Callable[[], str],
        manual: bool = False,
    ) -> None:
        self.cloud = cloud
        self._causes = causes
        """What the ledger says of the releases that are over."""
        self._manual = manual
        self._bound = bound
        self._unserved_since: datetime | None = None
        self._stuck = 0
        self._raised_at: datetime | None = None
        """When the canary last got more weight."""
        self._tasks = int(cloud.view(PRIMARY)["desiredCount"])
        self.hotfixes: dict[str, str] = {}
        """By service, the revision that somebody else deployed."""
        self.strays: set[str] = set()
        """All that somebody else deployed, also while no release had the split."""
        self._deployed: set[str] = set()
        """Every revision that the primary was ever deployed with."""
        self.overtaken = False
        """Somebody else deployed before the release was closed, so it has to say so."""
        self.stirred = False
        """The world has done something to tasks or deployments: not all that is short is ours."""
        self._taken_back = False
        """The primary has all weight, and was to get its old version as it serves."""
        self._overwritten = False
        self._left: list[dict[str, str]] = []
        """What the primary meant whenever somebody deployed it anew."""
        self._taken_up_at: datetime | None = None
        """When somebody last had the canary's tags looked up again."""
        self.violations: list[Violation] = []
        self._steps = steps
        self._rest_of_route = cloud.without_weights()
        self._progress: dict[str, Progress] = {}
        self._before = self._written = AT_REST
        self._rest_tasks = 0
        """What the canary had before the first release, which each is to leave."""
        self.foreign = False
        self.sent_home = False
        """Somebody has returned the traffic by hand, to whatever version the primary ran."""
        self.unseen = False
        self.to_be_named = False
        self.nameable = False
        """A foreign write that nothing but the weights tells of, until they are written over."""
        self.later_images: set[str] = set()
        self._has_member = False
        self._member_nameable = False
        self._member_lost_by: str | None = None
        """The execution whose release has deleted it; empty for a shift by hand."""
        self._read_at_rest: str = ""

    def say(self, invariant: str, sentence: str) -> None:
        self.violations.append(Violation(invariant, sentence))

    def progress(self, execution: str) -> Progress:
        first = 100 if ":rollback" in execution else self._steps[0]
        return self._progress.setdefault(execution, Progress({first}))

    def all_progress(self) -> list[Progress]:
        return list(self._progress.values())

    def ran_before(self, name: str) -> str:
        """The primary's image when the release of this name was opened."""
        return next(p.old for arn, p in self._progress.items() if arn.endswith(f":{name}"))

    def split(self) -> tuple[int, int]:
        return self.cloud.split()

    def steady(self, service: str) -> bool:
        """One finished deployment, and all of its tasks running."""
        view = self.cloud.view(service)
        done = [d["rolloutState"] for d in view["deployments"]] == ["COMPLETED"]
        return done and view["runningCount"] >= view["desiredCount"] > 0

    def runs(self, service: str) -> int:
        running: int = self.cloud.view(service)["runningCount"]
        return running

    def see_world(self, kind: str, *, held: bool, closing: bool, decided: bool) -> None:
        """Something was done behind the release's back; `decided` as in `see_alarm`."""
        self.stirred = True
        if kind in DEPLOYS_PRIMARY:
            self._left.append(self.cloud.meaning(self.cloud.view(PRIMARY)["taskDefinition"]))
        if kind in DEPLOYS_CANARY:
            self._taken_up_at = self.cloud.clock.now()
            wanted = self.cloud.view(CANARY)["taskDefinition"]
            for progress in self.all_progress():
                progress.asked.append(self.cloud.meaning(wanted))
        for service, name in ((PRIMARY, "foreign primary"), (CANARY, "foreign canary")):
            if kind == name:
                self.strays.add(self.cloud.view(service)["taskDefinition"])
            if kind == name and held:
                self.hotfixes[service] = self.cloud.view(service)["taskDefinition"]
                # What happens to a canary without weight is nobody's concern any more.
                counts = not closing and not (service == CANARY and decided)
                self.overtaken = self.overtaken or counts

    def see_member(self, *, nameable: bool) -> None:
        """Somebody writes a member of the route that nobody here knows; `nameable` says that no
        other fault may have taken away the answer that names it."""
        self._member_nameable = nameable
        # It is a write like any other, and shows in the version of a route that has one.
        self.unseen = True

    def forget_what_was_to_be_named(self) -> None:
        """Another release begins, which was not there."""
        self.to_be_named = self.nameable = self.overtaken = self._taken_back = False

    def see_time(self, *, held: bool) -> None:
        """Does traffic go for long to a side that serves nothing, while the other one could?"""
        weights = dict(zip((PRIMARY, CANARY), self.split(), strict=True))
        dead = [service for service, weight in weights.items() if weight and not self.runs(service)]
        other = any(self.runs(service) for service in weights if service not in dead)
        now = self.cloud.clock.now()
        if not (held and dead and other) or self.foreign:
            self._unserved_since = None
            return
        since = self._unserved_since = self._unserved_since or now
        seconds = (now - since).total_seconds()
        if seconds > self._bound:
            self.say("served", f"{dead[0]} runs nothing and has had traffic for {seconds:.0f} s")
            self._unserved_since = now

    def in_place(self) -> bool:
        """Whether both sides have run what an alarm or a log speaks against, or the canary runs
        what nobody has judged and the primary has weight again: then the primary is replaced as it
        serves."""
        late = any(each.alarmed_late or each.logged_late for each in self.all_progress())
        short = self.runs(CANARY) < self._tasks
        return late or (self._before[0] > 0 and (short or self._is_unjudged()))

    def _is_unjudged(self) -> bool:
        baked = [progress.baked for progress in self.all_progress() if progress.baked]
        coming = self.cloud.meaning(self.cloud.view(CANARY)["taskDefinition"])
        return bool(baked) and not {*map(str, baked)} >= {
            str(self.cloud.content(CANARY)),
            str(coming),
        }

    def see_call(self, name: str, params: Document, writer: Writer) -> None:
        split = self._before = self.split()
        if not (self.foreign or self.stirred):
            for service, weight in zip((PRIMARY, CANARY), split, strict=True):
                needed = -(-self._tasks * weight // 100)
                if weight > 0 and (runs := self.runs(service)) < needed:
                    self.say("capacity", f"{weight} % on {service}, which runs {runs} tasks")
        self._has_member = self.cloud.has_member()
        if name == self.cloud.read:
            # What happens from here on, the release could have known.
            self.unseen = False
            self.to_be_named = self.to_be_named or self.nameable
            if split == AT_REST:
                self._read_at_rest = writer.function
        plans = writer.function in ("PlanReleaseFunction", "OpenReleaseFunction")
        if plans and not any(progress.asked for progress in self.all_progress()):
            self._rest_tasks = self.cloud.view(CANARY)["desiredCount"]
        scales_in = name == "ecs.UpdateService" and params.get("desiredCount") == 0
        if scales_in and split != AT_REST and not self.unseen:
            self.say("old capacity", f"{params['service']} is scaled in at {split}")
        new_primary = params.get("service") == PRIMARY and "taskDefinition" in params
        if new_primary:
            self._deployed.add(params["taskDefinition"])
            if writer.function == "PromotePrimaryFunction":
                self._see_what_baked(self.progress(writer.execution))
        if writer.function == "DeployCanaryFunction" and name == "ecs.UpdateService":
            wanted = params.get("taskDefinition") or self.cloud.view(CANARY)["taskDefinition"]
            self.progress(writer.execution).asked.append(self.cloud.meaning(wanted))
        brings_back = new_primary and writer.function != "PromotePrimaryFunction"
        if brings_back and split == AT_REST and self._serves_old():
            self._taken_back = True
        excused = self.unseen or self.in_place() or not self.runs(CANARY)
        excused = excused or (brings_back and self._taken_back)
        if new_primary and split[1] != 100 and not excused:
            self.say("primary", f"the primary is replaced while the split is {split}")
        if new_primary and split[1] == 100 and not self._has_settled() and not excused:
            self.say("primary", "the primary is replaced before the router has followed")
        hotfix = self.hotfixes.get(str(params.get("service")))
        overwrites = hotfix and params.get("taskDefinition") not in (None, hotfix)
        if hotfix and overwrites and hotfix.rpartition("/")[2] not in self._causes():
            if self._sees_the_past():
                # It can only be named afterwards.
                self._overwritten = True
            else:
                self.say("foreign", f"{writer.function} deploys {params} over {hotfix}")
        if scales_in and self._read_at_rest != writer.function:
            self.say("old capacity", f"{writer.function} scales in without reading the split back")

    def see_write(self, writer: Writer, holder: str) -> None:
        """A handler has written the route; help from outside writes for who holds the lease."""
        # Nobody knows of what somebody else wrote between a read and a write.
        before, now = self._written if self.unseen else self._before, self.split()
        self._written = now
        self.foreign = self.unseen = self.nameable = False
        self._read_at_rest = ""
        if sum(now) != 100 or min(now) < 0:
            self.say("valid split", f"the weights are {now}")
        if self.cloud.without_weights() != self._rest_of_route:
            self.say("nothing else", "the route differs in more than its weights")
        relays = writer.function in ("RelayAlarmFunction", "CountRequestsFunction")
        helping = relays or writer.function in ("OpenReleaseFunction", "ReconcileFunction")
        execution = holder if helping else writer.execution
        if self._member_nameable and self._has_member and not self.cloud.has_member():
            self._member_lost_by = execution
            if writer.function == "ShiftWeightFunction":
                self.say("nothing else", f"a shift to {now} deletes what it does not know")
        progress = self.progress(execution)
        progress.wrote = True
        if now[1] > before[1]:
            lent = now[1] == 100 and not self.runs(PRIMARY)
            free = lent or writer.function == "TakeActionFunction"
            if now[1] not in progress.allowed and not free:
                rise = f"{writer.function} raises {before} to {now}"
                self.say("planned rise", f"{rise}, allowed: {progress.allowed}")
            self._raised_at = self.cloud.clock.now()
            if not free:
                if not progress.baked and self.cloud.content(CANARY) not in progress.asked:
                    self.say("content", f"an older {self.cloud.content(CANARY)} gets weight")
                progress.baked = progress.baked or self.cloud.content(CANARY)
                self._see_what_baked(progress)
            if not self._may_get(CANARY):
                self.say("capacity", f"the canary gets {now[1]} % and is not steady")
            too_few = self.runs(CANARY) < -(-self._tasks * now[1] // 100)
            if too_few and self.runs(PRIMARY) >= self._tasks:
                self.say("capacity", f"the canary gets {now[1]} % with {self.runs(CANARY)} tasks")
        # A revert writes first, and asks afterwards.
        first = (relays or writer.function == "RevertFunction") and self.stirred
        if now == AT_REST and not self.steady(PRIMARY) and self._serves_old():
            self._taken_back = True
        may_get = self._may_get(PRIMARY) or self._taken_back
        if now[0] > before[0] and not (first or may_get or self.in_place()):
            self.say("capacity", f"the primary gets {now[0]} % and is not steady")
        if relays:
            progress.allowed = set()

    def _see_what_baked(self, progress: Progress) -> None:
        """Before the canary gets more weight, and before the primary gets what it ran."""
        found = self.cloud.content(CANARY)
        if progress.baked and found != progress.baked and not self._is_hidden():
            self.say("content", f"the canary runs {found}, and {progress.baked} has baked")

    def _is_hidden(self) -> bool:
        """Whether reads of ECS are too old to show what the canary has taken up."""
        lag = max((s for call, s in self.cloud.lag.items() if call.startswith("ecs.")), default=0)
        since = self._taken_up_at
        if not (lag and since):
            return False
        return (self.cloud.clock.now() - since).total_seconds() <= lag

    def _sees_the_past(self) -> bool:
        """Whether who looks at the services now sees how they were."""
        return "ecs.DescribeServices" in self.cloud.lag

    def _has_settled(self) -> bool:
        raised = self._raised_at
        if raised is None:
            return True
        return (self.cloud.clock.now() - raised).total_seconds() >= SETTLE_SECONDS

    def _serves_old(self) -> bool:
        """Whether the primary carries all traffic, and some of its tasks run its old version: then
        it is better than a canary in doubt, whatever the others run."""
        known = [progress.old_content for progress in self.all_progress()]
        old = any(count and content in known for content, count in self.cloud.mix(PRIMARY))
        # Who sees old tasks that are gone by now is no worse off than with the canary.
        return (old or self._sees_the_past()) and self.runs(PRIMARY) >= self._tasks

    def _may_get(self, service: str) -> bool:
        """Where the world was at work the side has to run something, or the other one is lost."""
        if not self.stirred:
            return self.steady(service)
        other = CANARY if service == PRIMARY else PRIMARY
        return self.runs(service) > 0 or not self.runs(other)

    def see_sweep(self, *, stuck: bool, stranded: bool) -> None:
        """Help from outside has looked; `stuck` says that it has changed nothing about a release
        whose execution is dead."""
        self._stuck = self._stuck + 1 if stuck and not stranded else 0
        if self._stuck > MOST_IDLE_SWEEPS + self.cloud.pinned_seconds // 60:
            self.say("progress", "help from outside does nothing, and no person is called")

    def see_answer(self, writer: Writer, answer: Any) -> None:
        progress = self.progress(writer.execution)
        if writer.function == "OpenReleaseFunction" and not progress.wrote:
            progress.old = version_of(self.cloud.running_image(PRIMARY))
            progress.old_content = self.cloud.content(PRIMARY)
        returning = writer.event.get("returning", False)
        if writer.function == "JudgeCanaryFunction" and not returning:
            following = answer["next"]
            if following == "shift":
                progress.allowed = {self._steps[answer["step"]]}
            elif following == "promote":
                progress.allowed, progress.promoted = {100}, True
            elif following == "revert":
                progress.allowed = set()
        if writer.function == "CheckDeploymentFunction" and writer.event["side"] == "primary":
            progress.looked = progress.looked or (
                answer["steady"] and not writer.event["restoring"]
            )
        confirmed = writer.function == "ConfirmRestFunction" and answer["next"] == "retire"
        if confirmed and writer.event["promoted"] and progress.alarmed_late:
            self.say("alarm", "the new version is called good, and an alarm has fired")
        retired = writer.function == "RetireCanaryFunction" and writer.event["promoted"]
        if retired and progress.alarmed_late:
            self.say("alarm", "the canary of a new version is retired, and an alarm has fired")
        if writer.function in ("RevertFunction", "ConfirmRestFunction"):
            progress.allowed = set()

    def see_alarm(self, holder: str, *, decided: bool) -> None:
        """An alarm has fired; `decided` says that all traffic is on its way to the primary. It says
        nothing of a rollback, which has none."""
        if ":rollback" in holder:
            return
        if self.split()[1] > 0 and not decided:
            self.progress(holder).alarmed = True
        elif decided:
            self.progress(holder).alarmed_late = True

    def see_late_fault(self, holder: str) -> None:
        """What the primary's new tasks answer is bad from here on; nobody has to have seen it when
        the release ends."""
        self.progress(holder).logged_late = True

    def see_unwatched(self, holder: str, *, deleted: bool) -> None:
        """Its alarm is gone, or cannot see from here on. A rollback has none."""
        if not holder or ":rollback" in holder:
            return
        progress = self.progress(holder)
        progress.unwatched = progress.unwatched or not (deleted or progress.promoted)
        progress.deleted = progress.deleted or (deleted and not progress.looked)

    def see_end(
        self, arn: str, status: str, error: str, cause: str, *, held: bool, stranded: bool
    ) -> None:
        """The execution has ended: does it tell the truth?"""
        name = error or status
        at_rest = self.split() == AT_REST
        progress = self.progress(arn)
        progress.ended = True
        content = self.cloud.content(PRIMARY)
        image = version_of(self.cloud.running_image(PRIMARY))
        if self.overtaken and name in RELEASED_OR_NOT and DEPLOYED not in cause.lower():
            self.say("named", f"{self.hotfixes} is not in the cause: {cause[:200]}")
        if error == "States.QueryEvaluationError":
            self.say("truth", f"the definition failed: {cause[:300]}")
        lost = self._member_lost_by == arn
        if lost and name in RELEASED_OR_NOT and MEMBER_NAME not in cause:
            self.say("named", f"a member that was deleted is not in the cause: {cause[:200]}")
        if PRIMARY in self.hotfixes or self._manual:
            # Whose version serves is in the cause, and checked at the end.
            return
        steady = self.stirred or self.steady(PRIMARY)
        # Between the closing and the end of the execution another release may have been.
        newest = next(reversed(self._progress)) == arn
        if name == "SUCCEEDED" and newest and progress.baked not in ({}, content):
            self.say("content", f"Released: the primary runs {content}, baked: {progress.baked}")
        same = newest and image == progress.old
        kept = [progress.old_content, *self._left]
        if name == "Reverted" and same and progress.old_content and content not in kept:
            self.say(
                "content", f"Reverted: {content} serves, and {progress.old_content} did before"
            )
        if name == "SUCCEEDED" and not (self.unseen or (at_rest and steady)):
            self.say("truth", f"Released, but the split is {self.split()}")
        if name == "SUCCEEDED" and image == progress.old:
            self.say("truth", "Released, but the primary runs the old version")
        old = image in {progress.old, *self.later_images}
        if name == "Reverted" and not (self.unseen or (at_rest and old)):
            self.say("truth", f"Reverted, but the split is {self.split()} and {image} serves")
        if name == "Rejected" and progress.wrote:
            self.say("truth", "Rejected, but the route was written")
        if name in ("PromotionFailed", "RevertFailed") and not (held and stranded):
            self.say("lease", f"{name}, but the lease is free or no alarm fires")
        told = "The primary carries the traffic" in cause
        if name == "PromotionFailed" and at_rest and not (self.unseen or told):
            self.say("truth", f"PromotionFailed, but the split is {self.split()}")
        if name in ("SUCCEEDED", "Reverted") and self.to_be_named and WRITTEN not in cause:
            self.say("named", f"a foreign write is not in the cause: {cause[:200]}")

    def see_final(
        self,
        *,
        held: bool,
        stranded: bool,
        excused: bool,
        records: dict[str, str],
        expected: str,
        put_up: list[str],
        left: bool,
    ) -> None:
        """Long after the end, when all help from outside has had its time."""
        image = version_of(self.cloud.running_image(PRIMARY))
        if self.cloud.view(PRIMARY)["taskDefinition"] in self.strays:
            expected = HOTFIX
        elif PRIMARY in self.hotfixes and not (self.later_images or self._overwritten):
            self.say("foreign", f"{self.hotfixes[PRIMARY]} was replaced by {image}")
        if self._member_lost_by is not None and MEMBER_NAME not in self._causes():
            self.say("named", "a member was deleted, and the ledger does not say so")
        if not held:
            # A canary that has weight again, or that nothing can scale in, keeps its tasks.
            in_use = excused or left or self.cloud.split() != AT_REST
            kept = [what for what in put_up if in_use and what.startswith("up#canary")]
            for what in [*put_up, *self._copies(), *self._filters()]:
                if what not in kept:
                    self.say("left behind", what)
        if not held and len(put_up) == 0:
            self._see_settings()
        if not self.runs(PRIMARY) and held and stranded:
            # Nothing more can be done for it, and a person was called.
            return
        splits = self.cloud.splits()
        if any(split != AT_REST for split in splits) and not (excused or self._manual):
            self.say("rest", f"the split stays at {splits}")
        if not self.steady(PRIMARY) and not self.stirred:
            self.say("rest", "the primary is not steady")
        if image != expected:
            self.say("version", f"the primary runs {image}; the ledger says {records}")
        confirmed = any(p.promoted for p in self._progress.values())
        if image not in ("shop:v1", HOTFIX) and not confirmed:
            self.say("version", f"{image} serves, and no verdict ever promoted it")
        if self.cloud.services[CANARY]["desiredCount"] > self._rest_tasks and not (
            held or excused or left or self._manual
        ):
            self.say("retired", "the release is closed, and the canary's tasks run on")
        if held and not stranded:
            self.say("lease", "the lease is held and no alarm fires")
        if self.cloud.without_weights() != self._rest_of_route:
            self.say("nothing else", "the route differs in more than its weights")
        for execution, progress in self._progress.items():
            name = execution.rsplit(":", 1)[-1]
            if progress.reverting and records.get(name) == "Released":
                self.say("signal", f"a revert of {name} was accepted, and it was released")
            deleted = progress.deleted and not self.sent_home
            if deleted and records.get(name) == "Released":
                self.say("unwatched", f"the alarm of {name} was deleted, and it was released")
            alone = progress.unwatched and not progress.by_hand
            if alone and records.get(name) == "Released":
                self.say("unwatched", f"the alarm of {name} could not see, and it was released")
            if progress.alarmed and records.get(name) == "Released":
                self.say("alarm", f"an alarm of {name} fired in time, and it was released")

    def _see_settings(self) -> None:
        """Autoscaling is told what it would be told if there had been no release."""
        for service, target in self.cloud.scalable.items():
            minimum, maximum = self.cloud.intended[service]
            # A canary at rest is not started by its minimum.
            wanted = (0 if service == CANARY else minimum, maximum)
            suspended = [flag for flag, is_on in target["SuspendedState"].items() if is_on]
            if self.cloud.bounds(service) != wanted or suspended:
                found = f"{self.cloud.bounds(service)} {suspended}"
                self.say("settings", f"{service} is left with {found}, and had {wanted}")

    def _filters(self) -> list[str]:
        """Subscription filters, of which a release that is over has none."""
        return [name for filters in self.cloud.log_filters.values() for name in filters]

    def _copies(self) -> list[str]:
        """Copies of an old version that are registered and that no service was brought back to:
        one that has served is the service's own revision, whoever deploys the next."""
        return [
            arn
            for family, revisions in self.cloud.definitions.items()
            for number, revision in enumerate(revisions, start=1)
            if any(tag["key"] == TAG for tag in revision.get("tags", []))
            and self.cloud.status(arn := self.cloud.arn(family, number)) == "ACTIVE"
            and arn not in self._deployed
        ]
