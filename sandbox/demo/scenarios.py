"""Scenarios: the releases that the demo runs, and how each has to end."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from sandbox import article
from sandbox.article import Sizing, Tracking
from sandbox.cloud import Sandbox
from sandbox.demo import acts, checks, evidence_checks, guards
from sandbox.demo.acts import QUICK, Act, Steps
from sandbox.demo.checks import Report
from sandbox.fronts.chain import Chain
from sandbox.fronts.front import Front


@dataclass(frozen=True)
class Scenario:
    """One release. `check` returns what is wrong with its report, or an empty list, and `expected`
    is what it checks, in words.

    `acts` happen one after the other; `crashes` on the primary, where its setting is another;
    `front` is what stands before the service, if not the router's own; `begin` starts it, if an
    execution with a request does not. `before` happens first. `profile` is changed as well where
    `steps` are. `sizing` makes another environment, with more tasks or with autoscaling, and `rate`
    is how many requests come in a second, from so many `seconds_before` the release begins until so
    many `seconds_after` it has ended. `around` is what it all happens in. `no_longer_than` names
    another one, which comes before it. The canary's tasks drain for `drain_seconds`, where that is
    not the front's. What is not `measured` has no figures to be held against those of its client.
    """

    name: str
    tag: str
    outcome: str
    check: Callable[[Report], list[str]]
    expected: str = ""
    steps: Steps | None = None
    acts: tuple[Act, ...] = ()
    crashes: bool = False
    front: type[Front] | None = None
    begin: Callable[[Sandbox], str] | None = None
    before: Callable[[Sandbox], None] | None = None
    profile: Mapping[str, object] = field(default_factory=dict)
    sizing: Sizing | None = None
    rate: int = 240
    seconds_before: float = 0.0
    seconds_after: float = 0.0
    around: Callable[[], AbstractContextManager[None]] = nullcontext
    no_longer_than: str = ""
    measured: bool = True
    drain_seconds: int = 0


ROLLING = Sizing(start_seconds=4.0)
"""A task takes four of the alarms' periods to start, so that the primary rolls for as long."""
LONG: Steps = [{"weight": 50, "bake_seconds": 60}]
DEMO = [
    Scenario(
        "good",
        "v2",
        "Released",
        checks.released,
        expected="the new version serves in the end, and no request fails",
    ),
    Scenario(
        "bad",
        "v3-fail30",
        "Reverted",
        checks.reverted_by_alarm,
        expected="the alarm's event ends the bake, and only the canary failed requests",
        # Far longer than the alarm needs: it is the alarm's event that ends it.
        steps=[{"weight": 5, "bake_seconds": 60}],
    ),
    Scenario(
        "article",
        "v4",
        "Released",
        checks.split_95_to_5,
        expected="at 95:5 the canary gets 5 % of the requests, as near as chance allows",
        steps=[{"weight": 5, "bake_seconds": 14}, {"weight": 100, "bake_seconds": 2}],
    ),
]
SCENARIOS = [
    *DEMO,
    Scenario(
        "stopped",
        "v5",
        "Reverted",
        checks.recovered,
        expected="the execution is stopped, the sweep returns the traffic, and no request fails",
        steps=[{"weight": 50, "bake_seconds": 60}],
        acts=(Act("Bake", acts.stop_execution),),
    ),
    Scenario(
        "failed-promotion",
        "v6",
        "Reverted",
        checks.failed_promotion,
        expected="twice the primary does not start the new version, the canary carries everything"
        " meanwhile, and no request fails",
        steps=[{"weight": 50, "bake_seconds": 2}, {"weight": 100, "bake_seconds": 2}],
        acts=(
            Act("PromotionGate", acts.send_signal("retry")),
            Act("PromotionGate", acts.send_signal("revert")),
        ),
        crashes=True,
    ),
    Scenario(
        "gate",
        "v7",
        "Released",
        checks.resumed,
        expected="somebody resumes it at its gate, and no request fails",
        steps=[{"weight": 50, "bake_seconds": 2, "approval": True}, QUICK[1]],
        acts=(Act("Gate", acts.take_action("resume")),),
    ),
    Scenario(
        "rollback",
        "v4",
        "Released",
        checks.released,
        expected="the version before serves again, by a release of its own",
        begin=lambda sandbox: acts.start_execution(
            sandbox, {"service": "checkout", "action": "rollback", "by": "jane"}
        ),
    ),
    Scenario(
        "supersede",
        "v9",
        "Reverted",
        checks.superseded,
        expected="a newer release takes over, and no request fails",
        steps=LONG,
        acts=(Act("Bake", acts.start_release("v10", concurrency="supersede")),),
    ),
    Scenario(
        "queue",
        "v11",
        "Released",
        checks.queued,
        expected="of two that wait only the newest is released, after the first",
        steps=[{"weight": 50, "bake_seconds": 6}, QUICK[1]],
        acts=(
            Act("Bake", acts.start_release("v12", concurrency="queue")),
            Act("Bake", acts.start_release("v13", concurrency="queue")),
        ),
    ),
    Scenario(
        "article-flow",
        "v14",
        "Released",
        checks.promoted_by_pipeline,
        expected="a push, told twice, starts one release, and its pipeline promotes it",
        begin=acts.push_image("v14"),
        acts=(Act("Gate", acts.succeed_pipeline),),
    ),
    Scenario(
        "slack",
        "v15",
        "Released",
        checks.promoted_in_slack,
        expected="a command starts it, a click promotes it, and the thread tells all of it",
        begin=acts.write_command(f"release checkout app={article.image('v15')}"),
        acts=(Act("Gate", acts.click_button("promote")),),
    ),
    Scenario(
        "dead-canary",
        "v16",
        "Reverted",
        checks.canary_lost,
        expected="the canary dies at 100 %, and the sweep returns the traffic within seconds",
        steps=QUICK,
        profile={"promotion": {"approval": True}, "alarms": [article.SLOW]},
        acts=(Act("Gate", acts.kill_canary),),
    ),
    Scenario(
        "hotfix",
        "v17",
        "Reverted",
        checks.hotfix_kept,
        expected="what somebody deploys on the primary meanwhile stays, and no request fails",
        steps=LONG,
        acts=(Act("Bake", acts.deploy_hotfix("v20")),),
    ),
    Scenario(
        "moved-tag",
        "v21",
        "Released",
        checks.baked_bytes,
        expected="other bytes under the same tag reach nobody",
        steps=QUICK,
        acts=(Act("Bake", acts.push_again("v21", "v21-unseen-fail100")),),
    ),
    Scenario(
        "fixed-tag",
        "v22",
        "Released",
        checks.fix_judged,
        expected="the canary and then the primary serve the fix, and not what had the tag before",
        begin=acts.fix_and_release_again("v22", "v22-bad-fail30", "v22-fixed"),
    ),
    Scenario(
        "deregistered",
        "v18",
        "Reverted",
        checks.restored_by_copy,
        expected="the old version is back by a copy of its revision, and no request fails",
        steps=QUICK,
        before=acts.apply_infrastructure,
        acts=(Act("PromotionGate", acts.send_signal("revert")),),
        crashes=True,
    ),
    # In an environment of its own, so that it stands between no two that follow each other.
    Scenario(
        "bad-in-promotion",
        "v41-bad100",
        "Reverted",
        checks.returned_in_promotion,
        expected="the version fails every request from when the primary rolls, and all traffic is"
        " back on the old one",
        steps=QUICK,
        acts=(Act("WaitForPrimary", acts.turn_version_bad),),
        sizing=ROLLING,
    ),
]
CHAIN = [
    Scenario(
        "chain",
        "v2",
        "Released",
        checks.released,
        expected="the service behind another one is released, and no request fails",
        front=Chain,
    ),
    Scenario(
        "chain-bad",
        "v3-fail30",
        "Reverted",
        checks.reverted_by_alarm,
        expected="the alarm's event ends the bake, and only the canary failed requests",
        steps=[{"weight": 5, "bake_seconds": 60}],
        front=Chain,
    ),
]
"""A service that another one calls; only a mesh knows such traffic."""

SCALED = Sizing(tasks=4, requests_per_second=100, tracking=Tracking(target=65.0))
"""240 requests a second are 60 for each of 4 tasks, which keeps them, and a task takes 100."""
SHRINK: Steps = [{"weight": 50, "bake_seconds": 2}, {"weight": 100, "bake_seconds": 120}]
# The alarm below the target fires after 15 periods, and then a task goes each second.
SHRUNK = (Act("Bake", acts.turn_canary_bad, acts.primary_shrunk(tasks=1, seconds=30.0)),)
# A step tells something with 200 requests per task.
RAMP: Steps = [{"weight": weight, "bake_seconds": 12} for weight in (25, 50, 75, 100)]
CAPACITY = [
    Scenario(
        "shrink",
        "v23",
        "Reverted",
        checks.capacity_kept,
        expected="autoscaling takes no task that the way back needs, and no request is refused",
        steps=SHRINK,
        acts=SHRUNK,
        sizing=SCALED,
        # The floor stays for 20 periods, and somebody sees to it in the next.
        seconds_after=25.0,
    ),
    Scenario(
        "shrink-unguarded",
        "v25",
        "Reverted",
        checks.capacity_lost,
        expected="without the floor the primary loses tasks, and requests are refused",
        steps=SHRINK,
        acts=SHRUNK,
        sizing=SCALED,
        # Autoscaling sees the load after three periods, and its tasks take a moment to start.
        seconds_after=10.0,
        around=guards.floors_off,
    ),
    Scenario(
        "ramp-full",
        "v26",
        "Released",
        checks.at_rest,
        expected="a canary of full size serves all four steps",
        steps=RAMP,
        profile={"capacity": "full"},
        sizing=Sizing(tasks=4),
        seconds_before=6.0,
    ),
    Scenario(
        "ramp",
        "v24",
        "Released",
        checks.evenly_loaded,
        expected="no task of the canary carries more than 1.3 times one of the primary at rest",
        steps=RAMP,
        sizing=Sizing(tasks=4),
        seconds_before=6.0,
        no_longer_than="ramp-full",
    ),
]
"""What autoscaling does while traffic moves, and how large the canary is."""


def by_judge(**metric: object) -> Mapping[str, object]:
    """The judge, with one metric; the sandbox keeps those of App Mesh where the article does."""
    return {"mesh_prefix": "", "metrics": [metric]}


LOGGED: Mapping[str, object] = {
    "kind": "logs",
    "log": {"group": article.LOGS, "filter": '{ $.path != "/health" }', "status": "status"},
}
"""The canary's access log; whoever looks after its health is no user."""


def by_logs() -> Mapping[str, object]:
    return by_judge(**LOGGED)


# The article's alarm counts errors, so that one of a version that gives few might fire it.
BY_SHARE = {"alarms": [article.SHARE]}
JUDGED = [
    Scenario(
        "slow",
        "v31-slow400",
        "Reverted",
        evidence_checks.shown_slow,
        expected="no request fails, no alarm fires, and that the canary is slow reverts it",
        steps=[{"weight": 20, "bake_seconds": 60}],
        profile={"judge": by_judge(kind="latency", slower_than_ms=200, ratio=1.25, allow=0.005)},
    ),
    Scenario(
        "low-traffic",
        "v32",
        "Released",
        evidence_checks.held_until_good,
        expected="a first bake says too little, and is held until the canary is shown to be good",
        steps=[{"weight": 50, "bake_seconds": 8}],
        profile={"holds": 8, "judge": {**by_judge(kind="errors", clusters=1), "undecided": "hold"}},
        rate=60,
    ),
    Scenario(
        "stray-error",
        "v33",
        "Released",
        evidence_checks.forgiven,
        expected="the canary fails one request of few, which proves nothing",
        steps=[{"weight": 50, "bake_seconds": 8}],
        acts=(Act("Bake", acts.fail_one_request),),
        profile={"holds": 8, "judge": by_judge(kind="errors", clusters=1)},
        rate=60,
    ),
    Scenario(
        "no-data",
        "v35",
        "Reverted",
        evidence_checks.unmeasured,
        expected="nobody counts the canary's requests: it is held, and reverted in the end",
        steps=[{"weight": 50, "bake_seconds": 4}],
        profile={"holds": 2, "judge": by_judge(kind="errors")},
        around=guards.canary_unmeasured,
        measured=False,
    ),
    Scenario(
        "fast-signal",
        "v37-bad100",
        "Reverted",
        evidence_checks.signalled_fast,
        expected="the canary begins to fail every request, no alarm tells, and by its log the"
        " traffic is back within 10 s",
        steps=[{"weight": 5, "bake_seconds": 60}],
        acts=(Act("Bake", acts.turn_canary_bad),),
        # Each task has a log stream, which is put every five seconds.
        profile={"alarms": [article.SLOW], "capacity": "full", "judge": by_logs()},
        # By default a release lasts longer after its last weight than a line of the log takes.
        drain_seconds=12,
        sizing=Sizing(tasks=4),
    ),
    Scenario(
        "bad-once-returned",
        "v42-bad100",
        "Reverted",
        evidence_checks.taken_back_by_log,
        expected="the version begins to fail every request when the primary has the weights back,"
        " no alarm tells, and by its log the old version is back",
        steps=[{"weight": 50, "bake_seconds": 15}, {"weight": 100, "bake_seconds": 15}],
        acts=(Act("WaitForRouter", acts.turn_version_bad),),
        profile={"alarms": [article.SLOW], "capacity": "full", "judge": by_logs()},
        drain_seconds=15,
    ),
    Scenario(
        "budget",
        "v36-fail5",
        "Reverted",
        evidence_checks.over_budget,
        expected="20 failed requests are what the release may cost, and no more follow",
        steps=[{"weight": 50, "bake_seconds": 60}],
        before=acts.watch_share(25.0),
        profile={**BY_SHARE, "judge": {**by_judge(kind="errors", at_most=0.5), "budget": 20}},
    ),
    Scenario(
        "worse",
        "v34-fail6",
        "Reverted",
        evidence_checks.shown_worse,
        expected="it fails 6 % where the primary fails 2 %, which fires no alarm, and is reverted",
        steps=[{"weight": 50, "bake_seconds": 90}],
        before=acts.watch_share(25.0),
        profile={**BY_SHARE, "judge": by_judge(kind="errors")},
        sizing=Sizing(tag="v1-fail2"),
        seconds_before=6.0,
    ),
]
"""What the comparison of both sides decides, where no alarm would."""
