"""What a release asks of every router, on routes as people write them."""

import copy
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest

from stepcanary import clock
from stepcanary.aws import stepfunctions
from stepcanary.domain.lease import Lease
from stepcanary.domain.profile import Traffic
from stepcanary.domain.release import Release
from stepcanary.domain.split import Split
from stepcanary.errors import AwsRefused, AwsUnavailable, RequestRejected, SplitDrifted
from stepcanary.release.plan import plan_release, resolve
from stepcanary.store import leases, ledger
from stepcanary.traffic.factory import router_for
from stepcanary.traffic.shift import Known, force, foreign_write, shift
from tests.adapters.stands import ALL
from tests.adapters.stands.stand import Route, Stand, connect
from tests.builders import profile, request
from tests.fakes.clock import VirtualClock
from tests.fakes.cloud import Cloud
from tests.fakes.service import Document, Refusal

EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:stepcanary-release:release-1"
CASES = [(kind, name) for kind in ALL for name in kind.routes]
PER_ROUTE = pytest.mark.parametrize(
    ("stand", "route"), CASES, ids=[f"{k.name()}: {n}" for k, n in CASES], indirect=True
)
UNFIT = [(kind, name) for kind in ALL for name in kind.unfit]
PER_UNFIT = pytest.mark.parametrize(
    ("stand", "unfit"), UNFIT, ids=[f"{k.name()}: {n}" for k, n in UNFIT], indirect=["stand"]
)
PER_ROUTER = pytest.mark.parametrize("stand", ALL, ids=[k.name() for k in ALL], indirect=True)


@pytest.fixture
def stand(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Stand:
    stand: Stand = request.param()
    connect(monkeypatch, stand.fake, *stand.services)
    return stand


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause before a read is repeated."""
    monkeypatch.setattr(clock, "sleep", lambda _seconds: None)


@pytest.fixture
def route(request: pytest.FixtureRequest, stand: Stand) -> Route:
    return stand.routes[request.param]


def planned(traffic: Traffic) -> Traffic:
    """The traffic as PlanRelease fixes it."""
    router = router_for(traffic)
    reading = router.read()
    router.check(reading)
    drain = max(reading.pinned_seconds, router.drain_seconds(reading))
    found = {"rest_weight": reading.rest_weight, "drain_seconds": drain}
    return traffic.model_copy(update=found)


def first(stand: Stand) -> Traffic:
    return planned(stand.place(next(iter(stand.routes.values()))))


def at(traffic: Traffic, weight: int, target: int | None = None) -> Known:
    """What a release knows that has read its route back just now."""
    version = router_for(traffic).read().version
    return Known(weight, weight if target is None else target, version)


@pytest.mark.parametrize("kind", ALL, ids=[kind.name() for kind in ALL])
def test_there_are_a_dozen_routes(kind: type[Stand]) -> None:
    assert len(kind.routes) >= 12


@PER_ROUTE
def test_a_route_is_read_as_the_split_it_means(stand: Stand, route: Route) -> None:
    reading = router_for(stand.place(route)).read()
    assert reading.split == route.split
    assert reading.split.at_rest


@PER_ROUTE
def test_a_release_changes_the_two_weights_and_nothing_else(stand: Stand, route: Route) -> None:
    traffic = planned(stand.place(route))
    before = copy.deepcopy(stand.described(traffic))
    others = {k: v for k, v in stand.weights(traffic).items() if k not in pair(stand)}
    weight = 0
    for target in (5, 50, 100):
        # A router is built anew in each function.
        reading = shift(router_for(traffic), at(traffic, weight, target), target)
        assert reading.split == route.split.with_weight(target)
        weights = stand.weights(traffic)
        assert (weights[stand.primary], weights[stand.canary]) == split_of(reading.split)
        assert {k: v for k, v in weights.items() if k not in pair(stand)} == others
        assert stand.without_pair(stand.described(traffic)) == stand.without_pair(before)
        weight = target
    assert force(router_for(traffic), 0).now.split == route.split
    assert stand.described(traffic) == before
    assert stand.written() == 4


@PER_ROUTE
def test_a_revert_from_the_first_step_leaves_no_trace(stand: Stand, route: Route) -> None:
    traffic = planned(stand.place(route))
    before = copy.deepcopy(stand.described(traffic))
    shift(router_for(traffic), at(traffic, 0, 5), 5)
    force(router_for(traffic), 0)
    force(router_for(traffic), 0)
    assert stand.described(traffic) == before
    assert stand.written() == 2


@PER_ROUTE
def test_a_shift_done_twice_writes_once(stand: Stand, route: Route) -> None:
    traffic = planned(stand.place(route))
    known = at(traffic, 0, 50)
    first, second = (shift(router_for(traffic), known, 50) for _ in range(2))
    assert first == second
    assert stand.written() == 1


@PER_ROUTE
def test_a_reading_is_equal_to_the_next_and_to_what_was_written(stand: Stand, route: Route) -> None:
    router = router_for(planned(stand.place(route)))
    reading = router.read()
    assert reading == router.read()
    sent = router.write(reading, reading.split.with_weight(50))
    assert router.read().document == sent
    assert reading.document != sent


@PER_ROUTE
def test_a_foreign_change_of_weights_is_seen(stand: Stand, route: Route) -> None:
    traffic = planned(stand.place(route))
    router = router_for(traffic)
    shift(router, at(traffic, 0, 50), 50)
    known = at(traffic, 50)
    assert foreign_write(router, router.read(), known) is None
    now = route.split.with_weight(20)
    stand.write_foreign(traffic, now.primary, now.canary)
    message = foreign_write(router, router.read(), known)
    assert message is not None
    assert message.startswith(f"somebody else wrote {router.name}: its weights are {now}")
    with pytest.raises(SplitDrifted, match="somebody else wrote"):
        shift(router, known, 100)
    assert stand.written() == 1
    assert force(router, 0).now.split.at_rest


@PER_ROUTE
def test_a_member_that_is_not_known_is_not_lost(
    stand: Stand, route: Route, monkeypatch: pytest.MonkeyPatch
) -> None:
    traffic = stand.place(route)
    path = stand.add_member(traffic)
    router = router_for(traffic)
    with pytest.raises(RequestRejected) as refused:
        plan(monkeypatch, stand, **route.traffic)
    assert f"traffic: {router.name} has {path}, which this stack does not know" in str(
        refused.value
    )
    assert "update the stack" in str(refused.value)
    assert stand.has_member(traffic)
    assert stand.written() == 0


@PER_ROUTE
def test_a_member_that_may_be_lost_is_written_without_and_named(
    stand: Stand, route: Route, monkeypatch: pytest.MonkeyPatch
) -> None:
    traffic = stand.place(route)
    path = stand.add_member(traffic)
    release = plan(monkeypatch, stand, may_be_lost=[path], **route.traffic)
    (warning,) = release.warnings
    assert f"loses {path}" in warning
    (traffic,) = release.traffic
    known = replace(at(traffic, 0, 5), may_be_lost=release.may_be_lost)
    assert shift(router_for(traffic), known, 5).split == route.split.with_weight(5)
    assert not stand.has_member(traffic)
    # Whoever writes it anew has it deleted once more, as the parameter says.
    stand.add_member(traffic)
    known = replace(at(traffic, 5, 50), may_be_lost=release.may_be_lost)
    assert shift(router_for(traffic), known, 50).split == route.split.with_weight(50)
    assert not stand.has_member(traffic)


@PER_ROUTE
def test_a_member_that_somebody_adds_meanwhile_stops_a_rise_and_no_return(
    stand: Stand, route: Route
) -> None:
    traffic = planned(stand.place(route))
    router = router_for(traffic)
    shift(router, at(traffic, 0, 5), 5)
    path = stand.add_member(traffic)
    known = at(traffic, 5, 50)
    message = f"somebody else wrote {router.name}: {router.name} has {path}, which this stack"
    assert (foreign_write(router, router.read(), known) or "").startswith(message)
    with pytest.raises(SplitDrifted) as drifted:
        shift(router, known, 50)
    assert str(drifted.value).startswith(message)
    assert stand.has_member(traffic)
    moved = force(router, 0)
    assert (moved.now.split, moved.lost) == (route.split, (path,))
    assert not stand.has_member(traffic)


@PER_ROUTER
def test_a_member_that_comes_with_our_own_write_is_seen_in_the_read_back(stand: Stand) -> None:
    """The weights read back as they were written."""
    traffic = first(stand)
    known = at(traffic, 0, 5)

    def written(name: str, _params: Document) -> None:
        if name.partition(".")[2] in stand.writes:
            stand.fake.after_call = lambda _name, _params: None
            stand.add_member(traffic)

    stand.fake.after_call = written
    with pytest.raises(SplitDrifted, match="somebody else wrote"):
        shift(router_for(traffic), known, 5)
    assert stand.has_member(traffic)
    assert stand.written() == 1


@PER_ROUTER
def test_a_foreign_total_is_brought_to_rest(stand: Stand) -> None:
    """Also one that a single target cannot have."""
    traffic = first(stand)
    most = 50 if stand.name() == "appmesh" else 999
    stand.write_foreign(traffic, most, most)
    assert force(router_for(traffic), 0).now.split.at_rest
    stand.write_foreign(traffic, most, most)
    now = force(router_for(traffic), 100).now.split
    assert (now.primary, now.canary > 0) == (0, True)


@PER_ROUTER
def test_a_refused_write_says_what_to_do(stand: Stand) -> None:
    traffic = first(stand)
    known = at(traffic, 0, 5)
    for code, status in stand.refused:
        refuse(stand, code, status)
        with pytest.raises(AwsRefused, match=f"{code}: no") as refused:
            shift(router_for(traffic), known, 5)
        assert refused.value.code == code
    for code, status in stand.unavailable:
        refuse(stand, code, status)
        with pytest.raises(AwsUnavailable, match=f"{code}: no"):
            shift(router_for(traffic), known, 5)
    assert router_for(traffic).read().split.at_rest


@PER_ROUTER
def test_a_way_back_that_is_refused_says_what_was_sent_without(stand: Stand) -> None:
    """An action without its configuration, say."""
    traffic = first(stand)
    shift(router_for(traffic), at(traffic, 0, 5), 5)
    path = stand.add_member(traffic)
    code, status = stand.refused[0]
    refuse(stand, code, status)
    with pytest.raises(AwsRefused, match=f"{code}: no.*It was sent without") as refused:
        force(router_for(traffic), 0)
    assert path in str(refused.value)
    assert refused.value.code == code


def refuse(stand: Stand, code: str, status: int) -> None:
    def before_call(name: str, _params: Document) -> None:
        if name.partition(".")[2] in stand.writes:
            raise Refusal(code, "no", status)

    stand.fake.before_call = before_call


@PER_ROUTER
def test_a_lost_answer_is_no_foreign_write(stand: Stand) -> None:
    traffic = first(stand)
    known = at(traffic, 0, 5)

    def lost(name: str, _params: Document) -> None:
        if name.partition(".")[2] in stand.writes:
            raise Refusal("InternalFailure", "lost", 500)

    stand.fake.after_call = lost
    with pytest.raises(AwsUnavailable):
        shift(router_for(traffic), known, 5)
    writes = stand.written()
    assert shift(router_for(traffic), known, 5).split.canary > 0
    assert stand.written() == writes


@PER_ROUTER
def test_there_is_no_route(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    traffic = first(stand)
    stand.remove()
    with pytest.raises(
        RequestRejected, match=r"traffic: there is no .*; mend the profile"
    ) as error:
        plan(monkeypatch, stand)
    assert router_for(traffic).name in str(error.value)


@PER_ROUTE
def test_a_plan_fixes_the_traffic(
    stand: Stand, route: Route, monkeypatch: pytest.MonkeyPatch
) -> None:
    traffic = stand.place(route)
    release = plan(monkeypatch, stand, **route.traffic)
    assert release.traffic == [planned(traffic)]
    assert stand.written() == 0


@PER_ROUTE
def test_a_plan_knows_the_rest_of_a_route_that_a_dead_release_moved(
    stand: Stand, route: Route, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand.place(route)
    before = plan(monkeypatch, stand, **route.traffic)
    (traffic,) = before.traffic
    shift(router_for(traffic), at(traffic, 0, 50), 50)
    dead = Lease(before.split, holder=f"{EXECUTION}-dead")
    monkeypatch.setattr(leases, "release_of", lambda _lease: before)
    monkeypatch.setattr(stepfunctions, "status_of", lambda _execution: "ABORTED")
    after = plan(monkeypatch, stand, dead, **route.traffic)
    assert after == before
    # What OpenRelease does first, for it then plans again and compares.
    force(router_for(traffic), 0)
    assert plan(monkeypatch, stand, **route.traffic) == after


@PER_UNFIT
def test_a_plan_refuses_a_route_that_no_release_can_use(
    stand: Stand, unfit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    route = stand.unfit[unfit]
    stand.place(route)
    with pytest.raises(RequestRejected) as error:
        plan(monkeypatch, stand, **route.traffic)
    assert str(error.value).startswith(("traffic: ", "steps: "))
    assert route.problem in str(error.value)
    assert stand.written() == 0


def plan(
    monkeypatch: pytest.MonkeyPatch,
    stand: Stand,
    found: Lease | None = None,
    may_be_lost: Collection[str] = (),
    **changed: Any,
) -> Release:
    """Plan a release of the article's services behind the stand's route."""
    cloud = stand.fake if isinstance(stand.fake, Cloud) else Cloud(VirtualClock())
    connect(monkeypatch, cloud, "autoscaling", "ecs", "cloudwatch", "ssm")
    monkeypatch.setattr(leases, "read", lambda split: found or Lease(split))
    monkeypatch.setattr(ledger, "last", lambda _service, _outcome=None: None)
    written = {k: v for k, v in {**stand.profile, **changed}.items() if v is not None}
    document = request(profile=profile(traffic=[written]))
    return plan_release(EXECUTION, *resolve(document), may_be_lost)


@PER_ROUTER
def test_healthy_targets_are_counted(stand: Stand) -> None:
    router = router_for(first(stand))
    stand.set_targets("primary", healthy=5, others=6)
    stand.set_targets("canary", healthy=0, others=3)
    assert router.healthy_targets("primary") == 5
    assert router.healthy_targets("canary") == 0


@PER_ROUTER
def test_each_side_has_metrics_of_its_own(stand: Stand) -> None:
    router = router_for(first(stand))
    primary, canary = router.dimensions("primary"), router.dimensions("canary")
    assert primary.namespace == canary.namespace == stand.namespace
    assert primary.values != canary.values
    assert primary.values.keys() == canary.values.keys()


@PER_ROUTER
def test_two_profiles_of_one_split_have_one_key(stand: Stand) -> None:
    keys = {stand.place(route).key(EXECUTION) for route in stand.routes.values()}
    targets = {route.traffic.get("listener", "") for route in stand.routes.values()}
    assert all(key.startswith(f"{stand.name()}/") for key in keys)
    # A rule and the default action are two splits, however they are written.
    assert len(keys) == (2 if any(targets) else 1)


def pair(stand: Stand) -> tuple[str, str]:
    return stand.primary, stand.canary


def split_of(split: Split) -> tuple[int, int]:
    return split.primary, split.canary
