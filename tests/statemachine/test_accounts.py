"""A service in another account: its own calls are made there, and all others are not."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from emulator import template
from stepcanary.aws import roles
from stepcanary.release.looks import look_after
from stepcanary.store import evidence, leases
from tests.builders import profile, request, traffic
from tests.fakes.accounts import ELSEWHERE, EXTERNAL_ID, IN_ANOTHER_ACCOUNT, ROLE
from tests.fakes.cloud import Cloud
from tests.fakes.fronts import AlbCloud, LatticeCloud
from tests.statemachine.runner import World, world

AT_REST = (100, 0)


def there(cloud: Cloud, **changed: Any) -> dict[str, Any]:
    """The profile of a service that is in the other account."""
    route = {**cloud.traffic}
    if route["router"] == "appmesh":
        route["mesh_owner"] = ELSEWHERE
    return profile(traffic=[route], account=IN_ANOTHER_ACCOUNT, **changed)


def store(here: World, service: str = "checkout", **changed: Any) -> None:
    stored = there(here.cloud, **changed)
    here.cloud.parameters[f"/stepcanary/profiles/{service}"] = json.dumps(stored)


def settle_in(here: World, cloud: type[Cloud] = Cloud) -> World:
    """The service is in the other account, and its stored profile says so."""
    here.cloud = cloud(here.clock)
    here.cloud.on_alarm = here._tell_of_alarm
    here.cloud.accounts.move()
    store(here)
    return here


@pytest.fixture
def here() -> Iterator[World]:
    with world() as opened:
        yield settle_in(opened)


def changes(here: World) -> list[str]:
    writes = ("Update", "Register", "Modify", "Deregister")
    return [name for name, _ in here.cloud.calls if name.partition(".")[2].startswith(writes)]


def test_both_sides_are_compared_there(here: World) -> None:
    """By the plan, by the watch and by the verdict; what is counted here is of somebody else."""
    store(here, judge={}, steps=[{"weight": 50, "bake_seconds": 600}])
    seen: list[Any] = []
    here.clock.after(300, lambda: seen.append(here.invoke("WatchReleasesFunction", {})))
    outcome = here.release(request())
    assert outcome.state == "Released", outcome
    assert len(here.cloud.called("GetMetricData")) > 3
    assert seen[0]["unseen"] == []
    execution = here.arn("release-1")
    assert len(evidence.rows(execution)) > 5


@pytest.mark.parametrize("cloud", [Cloud, AlbCloud, LatticeCloud])
def test_a_release_goes_through_every_state(cloud: type[Cloud]) -> None:
    """The fake refuses each call that does not have the credentials it should."""
    with world() as here:
        settle_in(here, cloud)
        here.cloud.scale_by_traffic("example1", 2, 20)
        assert here.release(request()).state == "Released"
        assert here.cloud.split() == AT_REST
        here.pass_minutes(25)
        assert here.left_behind() == []
        assert here.cloud.accounts.sessions
        assert set(here.cloud.accounts.sessions) <= {"stepcanary-release-1", "stepcanary-sweep"}


def test_without_the_role_the_same_release_is_refused_there(here: World) -> None:
    here.cloud.parameters["/stepcanary/profiles/checkout"] = json.dumps(profile())
    outcome = here.release(request())
    assert outcome.state == "Rejected"
    assert "the stack's own role may not call" in outcome.cause


def test_credentials_are_renewed_before_they_expire(here: World) -> None:
    """A release of two hours, in functions that live as long."""
    store(here, steps=[{"weight": 5, "bake_seconds": 7_200}])
    assert here.release(request()).state == "Released"
    assert here.cloud.accounts.sessions.count("stepcanary-release-1") >= 3


def test_every_function_may_be_new(here: World) -> None:
    """No state needs what another has assumed."""
    for name, handler in list(here.handlers.items()):

        def anew(event: Any, context: Any, handler: Any = handler) -> Any:
            roles.forget()
            return handler(event, context)

        here.handlers[name] = anew
    here.cloud.broken_images = {("example1", "shop:v2")}
    here.clock.after(2_000, lambda: here.signal("revert"))
    assert here.release(request()).state == "Reverted"
    assert here.cloud.split() == AT_REST


def test_an_alarm_there_is_seen_by_looks(here: World) -> None:
    """Its event stays in its account."""
    here.clock.after(100, lambda: here.cloud.set_alarm("example2-5xx", "ALARM"))
    here.clock.after(130, lambda: here.invoke("ReconcileFunction", {}))
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    [signal] = here.signals("release-1")
    assert signal.startswith("revert by the sweep: alarm example2-5xx fired")
    assert here.cloud.split() == AT_REST


def test_a_namesake_of_its_alarm_here_reverts_nothing(here: World) -> None:
    event = json.loads((template.ROOT / "events/relay_alarm.json").read_text())
    event["detail"]["alarmName"] = "example2-5xx"
    event["detail"]["state"]["timestamp"] = "2027-01-01T00:00:00.000+0000"
    here.clock.after(100, lambda: here.invoke("RelayAlarmFunction", event))
    assert here.release(request()).state == "Released"


def test_the_sweep_brings_home_what_died_there(here: World) -> None:
    here.wait(here.start_and_stop(request(), "dead", 100))
    here.pass_minutes(3)
    assert here.records() == {"dead": "Reverted"}
    assert here.cloud.split() == AT_REST
    here.pass_minutes(25)
    assert here.left_behind() == []


def test_the_next_release_brings_home_what_died_there(here: World) -> None:
    """Also where that one is in the stack's own account by now."""
    here.lost.add("ReconcileFunction")
    here.wait(here.start_and_stop(request(), "dead", 100))
    assert here.cloud.split() != AT_REST
    assert here.release(request(images={"app": "shop:v3"}), "next").state == "Released"
    assert here.records()["dead"] == "Reverted"


def test_the_sweep_watches_the_split_at_rest_there(here: World) -> None:
    assert here.release(request()).state == "Released"
    here.cloud.write_foreign(40)
    swept = here.invoke("ReconcileFunction", {})
    assert len(swept["stranded"]) == 1
    assert ELSEWHERE in swept["stranded"][0]
    assert here.invoke("ReconcileFunction", {})["stranded"] == swept["stranded"]
    here.cloud.write_foreign(0)
    assert here.invoke("ReconcileFunction", {})["stranded"] == []


def test_actions_are_taken_there(here: World) -> None:
    def act(**action: Any) -> Any:
        arn = here.start({"service": "checkout", **action}, f"act-{len(here.cloud.calls)}")
        here.wait(arn)
        return here.sfn.describe_execution(executionArn=arn)

    assert "no release is running" in act(action="status")["output"]
    here.cloud.services["example2"]["desiredCount"] = 2
    here.clock.sleep(60)
    assert act(action="shift", weight=10)["status"] == "SUCCEEDED"
    assert here.cloud.split() == (90, 10)
    assert act(action="shift", weight=0)["status"] == "SUCCEEDED"
    outputs: list[str] = []
    here.clock.after(200, lambda: outputs.append(act(action="status")["output"]))
    assert here.release(request()).state == "Released"
    assert "95:5" in outputs[0]
    assert here.release({"service": "checkout", "action": "rollback"}, "back").state == "Released"


def rejected(here: World, words: str, document: Any = None) -> None:
    outcome = here.release(document or request())
    assert outcome.state == "Rejected"
    assert words in outcome.cause
    assert changes(here) == []


def test_a_role_that_refuses_is_refused_before_anything_changes(here: World) -> None:
    here.cloud.accounts.roles.clear()
    rejected(here, f"account: the stack cannot assume {ROLE} with this external_id")


def test_a_wrong_external_id_is_refused(here: World) -> None:
    account = {**IN_ANOTHER_ACCOUNT, "external_id": "payments-0b1c2d3e"}
    stored = {**there(here.cloud), "account": account}
    here.cloud.parameters["/stepcanary/profiles/checkout"] = json.dumps(stored)
    rejected(here, "with this external_id")


def test_a_role_that_takes_any_external_id_is_refused(here: World) -> None:
    here.cloud.accounts.roles[ROLE] = None
    rejected(here, f"{ROLE} can be assumed with any external id")


def test_a_role_that_the_stack_is_not_given_is_not_even_tried(here: World) -> None:
    here.set_parameters(ReleaseRoleArns="")
    rejected(
        here, f"the stack may not assume {ROLE}; update the stack with that in ReleaseRoleArns"
    )
    assert here.cloud.called("AssumeRole") == []
    inline = request(profile=there(here.cloud))
    assert "ReleaseRoleArns" in here.release(inline, "inline").cause


def leave_behind(here: World) -> None:
    """A release whose execution is dead, in an account that refuses from now on; another service,
    which is in the stack's account."""
    here.lost.add("ReconcileFunction")
    here.wait(here.start_and_stop(request(), "refused", 100))
    here.cloud.accounts.owner = ""
    here.cloud.accounts.roles.clear()
    roles.forget()
    here.cloud.reset_weights()
    here.cloud.other_routes.add("other")
    own = profile(traffic=traffic(route="other"))
    here.cloud.parameters["/stepcanary/profiles/other"] = json.dumps(own)


def test_what_one_account_refuses_is_seen_of_releases_in_others(here: World) -> None:
    leave_behind(here)
    here.lost.add("RelayAlarmFunction")
    looks_of: list[list[str]] = []

    def look() -> None:
        # The one that is refused comes first.
        looks_of.append(look_after(leases.held()[::-1]))

    here.clock.after(100, lambda: here.cloud.set_alarm("example2-5xx", "ALARM"))
    here.clock.after(130, look)
    assert here.release(request(service="other"), "seen").state == "Reverted"
    [signal] = here.signals("seen")
    assert signal.startswith("revert by the sweep: alarm example2-5xx fired")
    [[stranded]] = looks_of
    assert "AssumeRole: AccessDenied" in stranded


def test_a_role_that_is_taken_away_in_a_release_strands_it_and_no_other(here: World) -> None:
    """The sweep goes on to the release of a service whose account it may enter."""
    leave_behind(here)
    here.wait(here.start_and_stop(request(service="other"), "helped", 100))
    here.lost.clear()
    here.pass_minutes(3)
    assert here.records() == {"helped": "Reverted", "refused": "Running"}
    [stranded] = here.invoke("ReconcileFunction", {})["stranded"]
    assert "AssumeRole: AccessDenied" in stranded
    assert EXTERNAL_ID not in stranded
