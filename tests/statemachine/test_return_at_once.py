"""Who hears of the alarm returns the traffic itself, before the execution does."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from emulator.events import alarm_detail, event_of
from stepcanary.domain.stage import RETURNING, Stage
from stepcanary.errors import RevertRequested
from stepcanary.release import guards, revert
from stepcanary.store import leases
from tests.builders import profile, request, traffic
from tests.fakes import accounts
from tests.fakes.cloud import Document, Refusal
from tests.statemachine.runner import World, listening
from tests.statemachine.timeline import FIRST_BAKE, PRIMARY_ROLLS, later, timed

ALARM = "example2-5xx"
ALARM_KIND = "CloudWatch Alarm State Change"


def fire(here: World) -> None:
    here.cloud.set_alarm(ALARM, "ALARM")


def relay(here: World) -> None:
    """The event, delivered at this very moment."""
    here.lost.add("RelayAlarmFunction")
    fire(here)
    detail = alarm_detail(ALARM, "OK", "ALARM", "Threshold Crossed: 9 > 3", here.clock.now())
    here.invoke("RelayAlarmFunction", event_of("aws.cloudwatch", ALARM_KIND, detail))


def work_under_a_role(here: World) -> None:
    role = "arn:aws:iam::123456789012:role/stepcanary-release"
    here.cloud.accounts.roles[role] = accounts.EXTERNAL_ID
    here.cloud.accounts.owner = role
    here.set_parameters(ReleaseRoleArns=role)
    account = {"role_arn": role, "external_id": accounts.EXTERNAL_ID}
    own = profile(traffic=traffic(mesh_owner="123456789012"), account=account)
    here.cloud.parameters["/stepcanary/profiles/checkout"] = json.dumps(own)


def split_after(here: World) -> tuple[int, int]:
    relay(here)
    return here.cloud.split()


def stage() -> Stage:
    (lease,) = leases.held()
    return lease.stage


def called_on_alarm(here: World) -> list[str]:
    """What is called from the event on, of all functions."""
    called: list[str] = []

    def hear(model: object, **_: object) -> None:
        called.append(model.name)  # type: ignore[attr-defined]

    def go_off() -> None:
        called.clear()
        fire(here)

    here.clock.after(FIRST_BAKE, go_off)
    with listening("provide-client-params.*.*", hear):
        assert here.release(request()).state == "Reverted"
    return called


def test_it_writes_within_five_calls_and_tells_the_execution_then(here: World) -> None:
    called = called_on_alarm(here)
    written = called.index("UpdateRoute")
    assert called[: written + 1] == [
        "Query",
        "UpdateItem",
        "GetItem",
        "DescribeRoute",
        "UpdateRoute",
    ]
    assert "SendTaskSuccess" in called[written : written + 4]
    assert called.count("UpdateRoute") == 1, "the execution wrote it once more"


@pytest.mark.parametrize("again", [1, 2])
def test_an_event_that_comes_again_changes_nothing(here: World, again: int) -> None:
    def go_off() -> None:
        fire(here)
        for _ in range(again):
            here.cloud.set_alarm(ALARM, "OK")
            fire(here)

    here.clock.after(FIRST_BAKE, go_off)
    outcome = here.release(request())
    assert (outcome.state, here.cloud.weights) == ("Reverted", [(95, 5), (100, 0)])
    assert len(here.signals("release-1")) == 1


@pytest.mark.parametrize("failure", ["ForbiddenException", "TooManyRequestsException"])
def test_what_it_cannot_write_the_execution_does(here: World, failure: str) -> None:
    refused: list[Stage] = []

    def refuse(name: str, _params: Document) -> None:
        if name == "appmesh.UpdateRoute" and not refused:
            refused.append(stage())
            raise Refusal(failure, "no", 403)

    def go_off() -> None:
        here.cloud.before_call = refuse
        fire(here)

    here.clock.after(FIRST_BAKE, go_off)
    outcome = here.release(request())
    assert refused == [RETURNING]
    assert (outcome.state, here.cloud.weights) == ("Reverted", [(95, 5), (100, 0)])
    assert f"alarm {ALARM}" in outcome.cause


def test_it_names_who_else_had_written(here: World) -> None:
    here.clock.after(FIRST_BAKE, lambda: here.cloud.write_foreign(30))
    here.clock.after(FIRST_BAKE, lambda: fire(here))
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert "somebody else wrote" in outcome.cause
    assert here.cloud.weights[-1] == (100, 0)


def test_a_late_shift_is_refused(here: World) -> None:
    """One that was delivered a second time, after the traffic had returned."""
    shifts: list[Document] = []
    handler = here.handlers["ShiftWeightFunction"]

    def noted(event: Document, context: object) -> object:
        shifts.append(event)
        return handler(event, context)

    here.handlers["ShiftWeightFunction"] = noted

    def relay_and_shift() -> None:
        relay(here)
        with pytest.raises(RevertRequested, match=ALARM):
            here.invoke("ShiftWeightFunction", shifts[-1])

    tried = later(here, FIRST_BAKE, relay_and_shift)
    assert here.release(request()).state == "Reverted"
    assert (tried, here.cloud.weights) == ([None], [(95, 5), (100, 0)])


def test_a_primary_whose_old_tasks_serve_gets_it_at_once(here: World) -> None:
    """And its old version, which its execution brings back as it serves."""
    seen = later(here, PRIMARY_ROLLS, lambda: split_after(here))
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert seen == [(100, 0)]
    assert here.cloud.weights == [(95, 5), (50, 50), (0, 100), (100, 0)]
    assert f"alarm {ALARM}" in outcome.cause
    assert here.cloud.running_image("example1") == "shop:v1"


@pytest.mark.parametrize("why", ["old tasks go first", "unhealthy", "unread", "under a role"])
def test_a_primary_that_cannot_take_it_gets_nothing_at_once(here: World, why: str) -> None:
    """Its old version has to come back before it can have the traffic, or its execution has to see
    whether it takes it."""
    refused = ["ecs.DescribeServices"] if why == "unread" else []

    def refuse(name: str, _params: Document) -> None:
        if name in refused:
            refused.remove(name)
            raise Refusal("ServerException", "no", 500)

    def prepare() -> tuple[int, int]:
        here.cloud.before_call = refuse
        if why == "unhealthy":
            here.cloud.undiscovered = {"example1"}
            here.clock.after(20, here.cloud.undiscovered.clear)
        return split_after(here)

    if why == "old tasks go first":
        here.cloud.roll_by("example1", 50, 200)
    if why == "under a role":
        work_under_a_role(here)
    seen = later(here, PRIMARY_ROLLS, prepare)
    outcome = here.release(request())
    assert outcome.state == "Reverted", outcome.cause
    assert (seen, refused) == ([(0, 100)], [])
    assert here.cloud.split() == (100, 0)
    assert here.cloud.running_image("example1") == "shop:v1"


def test_one_that_died_while_it_took_the_traffic_back_is_followed(here: World) -> None:
    """It has begun the way back, and neither written nor told the execution."""

    def die(name: str, _params: Document) -> None:
        if name == "appmesh.UpdateRoute":
            here.cloud.before_call = lambda *_: None
            raise SystemExit

    def relay_and_die() -> Stage:
        here.cloud.before_call = die
        with pytest.raises(SystemExit):
            relay(here)
        return stage()

    seen = later(here, PRIMARY_ROLLS, relay_and_die)
    back = later(here, PRIMARY_ROLLS + 20, here.cloud.split)
    outcome = here.release(request())
    assert (seen, back) == ([RETURNING], [(100, 0)])
    assert outcome.state == "Reverted"
    assert here.cloud.running_image("example1") == "shop:v1"


def test_of_several_releases_the_executions_see_to_it(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that hangs must not hold up the others."""
    watching = leases.watching
    monkeypatch.setattr(leases, "watching", lambda alarm: watching(alarm) * 2)
    seen = later(here, FIRST_BAKE, lambda: split_after(here))
    assert here.release(request()).state == "Reverted"
    assert seen == [(95, 5)]


def test_one_that_died_in_it_is_followed_by_the_sweep(here: World) -> None:
    """After it had begun the way back, and before it wrote or told the execution."""

    def die(name: str, _params: Document) -> None:
        if name == "appmesh.DescribeRoute":
            here.cloud.before_call = lambda *_: None
            raise SystemExit

    def relay_and_die() -> tuple[Stage, tuple[int, int]]:
        here.cloud.before_call = die
        with pytest.raises(SystemExit):
            relay(here)
        here.clock.after(60, lambda: here.invoke("ReconcileFunction", {}))
        return stage(), here.cloud.split()

    seen = later(here, FIRST_BAKE, relay_and_die)
    outcome, seconds = timed(here, lambda: here.release(request()))
    assert seen == [(RETURNING, (95, 5))]
    assert (outcome.state, here.cloud.weights) == ("Reverted", [(95, 5), (100, 0)])
    assert seconds < FIRST_BAKE + 150


# The event meets an act that has begun: the cause still names the alarm, and nobody else.


def once(do: Callable[[], None], then: Callable[..., Any], *, before: bool) -> Callable[..., Any]:
    """Do it before or after the first call of this."""
    done: list[bool] = []

    def called(*args: Any) -> Any:
        first = not done
        done.append(True)
        if before and first:
            do()
        found = then(*args)
        if first and not before:
            do()
        return found

    return called


def test_the_event_comes_just_before_the_promotion(here: World) -> None:
    handler = here.handlers["PromotePrimaryFunction"]
    here.handlers["PromotePrimaryFunction"] = once(lambda: relay(here), handler, before=True)
    outcome = here.release(request())
    assert (outcome.state, here.cloud.split()) == ("Reverted", (100, 0))
    assert f"alarm {ALARM}" in outcome.cause


def test_the_event_comes_while_the_same_alarm_is_judged(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guards, "alarms", once(lambda: relay(here), guards.alarms, before=True))
    outcome = here.release(request())
    assert (outcome.state, here.cloud.split()) == ("Reverted", (100, 0))
    assert f"alarm {ALARM}" in outcome.cause


@pytest.mark.parametrize("what", ["gate", "hold"])
def test_the_event_comes_after_the_alarms_were_read(
    here: World, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    first = {"weight": 5, "bake_seconds": 300, "approval": what == "gate"}
    steps = [first, {"weight": 100, "bake_seconds": 300}]
    here.cloud.parameters["/stepcanary/profiles/checkout"] = json.dumps(profile(steps=steps))
    if what == "hold":
        here.clock.after(100, lambda: here.cloud.set_alarm(ALARM, "INSUFFICIENT_DATA"))
    monkeypatch.setattr(guards, "alarms", once(lambda: relay(here), guards.alarms, before=False))
    outcome = here.release(request())
    assert (outcome.state, here.cloud.split()) == ("Reverted", (100, 0))
    assert "somebody else wrote" not in outcome.cause
    assert f"alarm {ALARM}" in outcome.cause


def test_what_nobody_foresaw_does_not_keep_the_execution_waiting(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("weightedTargets")

    def go_off() -> None:
        with monkeypatch.context() as patched:
            patched.setattr(revert, "force_all", broken)
            relay(here)

    relayed = later(here, FIRST_BAKE, go_off)
    assert here.release(request()).state == "Reverted"
    assert relayed == [None]


def test_under_a_role_it_is_the_execution_s_to_return(here: World) -> None:
    """A role of this account: its alarms are heard here, and RelayAlarm may assume no role."""
    work_under_a_role(here)
    seen = later(here, FIRST_BAKE, lambda: split_after(here))
    assert here.release(request()).state == "Reverted"
    assert (seen, here.cloud.weights) == ([(95, 5)], [(95, 5), (100, 0)])


def test_a_release_that_is_stopped_then_says_what_it_had_accepted(here: World) -> None:
    def relay_and_stop() -> None:
        relay(here)
        here.stop(here.arn("release-1"))

    here.clock.after(FIRST_BAKE, relay_and_stop)
    here.release(request())
    here.pass_minutes(2)
    (document,) = here.documents()
    assert (document["outcome"]["S"], here.cloud.split()) == ("Reverted", (100, 0))
    assert f"It had accepted: revert by alarm {ALARM}" in document["cause"]["S"]


def test_both_write_at_once(here: World) -> None:
    """A person's revert has ended the wait while RelayAlarm was about to write. It cannot tell the
    second write from somebody else's, and says so."""
    reverts: list[Document] = []

    def revert_too(name: str, _params: Document) -> None:
        if name == "appmesh.UpdateRoute" and not reverts:
            (lease,) = leases.held()
            release = leases.release_of(lease).model_dump(mode="json", by_alias=True)
            reverts.append({"release": release, "fence": lease.fence})
            assert here.invoke("RevertFunction", reverts[0])["next"] == "confirm"

    def relay_beside() -> None:
        here.cloud.before_call = revert_too
        relay(here)

    here.clock.after(FIRST_BAKE, relay_beside)
    outcome = here.release(request())
    assert len(reverts) == 1
    assert (outcome.state, here.cloud.weights) == ("Reverted", [(95, 5), (100, 0), (100, 0)])
    assert "while it was being returned" in outcome.cause
