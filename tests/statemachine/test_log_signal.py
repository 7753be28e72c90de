"""A signal in seconds: lines of the canary's log revert a release, and nothing is left of it."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from functools import partial
from itertools import cycle
from typing import Any
from unittest.mock import Mock, patch

import pytest

from emulator.log_subscription import control_message, packed
from stepcanary import observability
from stepcanary.domain.log_counts import RETURNED, LogCounts
from stepcanary.domain.log_lines import Read
from stepcanary.errors import RequestRejected
from stepcanary.release import subscriptions, telling
from stepcanary.store import batches, ledger, register, settings
from tests.builders import profile, request
from tests.fakes.service import Document, Refusal
from tests.statemachine.runner import Outcome, World
from tests.statemachine.test_telling import Told
from tests.statemachine.test_toll import count_later, picture
from tests.statemachine.timeline import FIRST_BAKE, PRIMARY_ROLLS

GROUP = "/ecs/checkout"
OURS = "stepcanary/release-1/access"
LOG: Document = {"group": GROUP, "status": "status"}
OTHERS = {"filterPattern": "", "destinationArn": "arn:aws:lambda:::function:other"}
METRIC: Document = {"kind": "logs", "name": "access", "log": LOG}


BAKE = 120
STEPS = [{"weight": weight, "bake_seconds": BAKE} for weight in (20, 50, 100)]
LATER = PRIMARY_ROLLS - 3 * (300 - BAKE)
"""While the primary rolls, after bakes that are shorter than usual."""


def logged(metrics: list[Document] | None = None, **changed: Any) -> Any:
    judge = {"metrics": metrics or [METRIC]}
    return request(profile=profile(**{"judge": judge, "steps": STEPS, **changed}))


def breaks_at(here: World, seconds: float, share: float = 1.0) -> None:
    """The canary answers with errors from so many seconds on."""
    began = here.clock.now()

    def bad(side: str, at: datetime) -> float:
        is_broken = side == "canary" and (at - began).total_seconds() >= seconds
        return share if is_broken else 0.0

    here.cloud.bad = bad


def reverted(here: World, outcome: Outcome, why: str) -> bool:
    none_left = here.cloud.log_filters[GROUP] == {}
    return outcome.state == "Reverted" and why in outcome.cause and none_left


def sums(name: str = "release-1") -> LogCounts:
    release = ledger.release_of(name)
    assert release.judge is not None
    return batches.read(release.execution, release.judge)


def of_canary() -> dict[int, dict[str, Read]]:
    return {step: found for step, found in sums().counts.items() if step != RETURNED}


def again(name: str = "release-1") -> dict[int, dict[str, Read]]:
    """The sums, computed again from the batches."""
    found: dict[int, dict[str, Read]] = {}
    for batch in batches.batches(ledger.release_of(name).execution):
        for step, of_step in batch.counts.items():
            for metric, read in of_step.items():
                before = found.setdefault(step, {}).get(metric, Read())
                found[step][metric] = before.plus(read)
    return found


def verdicts_on_the_first_step(outcome: Outcome) -> int:
    shifts = [at for at, state in enumerate(outcome.path) if state == "ShiftWeight"]
    return outcome.path[shifts[0] : shifts[1]].count("JudgeCanary")


def seconds_to_weight_0(here: World) -> list[float]:
    """When the canary lost its weight, from now on."""
    began, found = here.clock.now(), list[float]()

    def on_write(_primary: int, canary: int) -> None:
        if canary == 0:
            found.append((here.clock.now() - began).total_seconds())

    here.cloud.on_write = on_write
    return found


def test_a_healthy_canary_is_released_and_no_filter_is_left(here: World) -> None:
    here.cloud.log_requests(GROUP)
    outcome = here.release(logged())
    assert outcome.state == "Released", outcome
    assert here.cloud.log_filters[GROUP] == {}
    assert register.entries(here.arn("release-1")) == []
    assert sums().counts == again()
    assert sorted(sums().counts) == [0, 1, 2, RETURNED]
    (put,) = here.cloud.called("PutSubscriptionFilter")
    assert put["filterName"] == OURS
    assert put["destinationArn"].endswith(":function:stepcanary-counts:live")


def test_an_outage_is_over_in_seconds(here: World) -> None:
    here.cloud.log_requests(GROUP, per_second=10, every=5)
    gone = seconds_to_weight_0(here)
    breaks_at(here, FIRST_BAKE)
    outcome = here.release(logged())
    assert reverted(here, outcome, "revert by the judge: access: the canary gave"), outcome
    assert "and 1 % are tolerated" in outcome.cause
    assert gone[0] - FIRST_BAKE < 15


def test_what_a_log_reverts_in_seconds_has_an_exposure_at_once(here: World) -> None:
    """The router's first minute is not published by then."""
    here.cloud.log_requests(GROUP, per_second=10, every=5)
    breaks_at(here, FIRST_BAKE)
    outcome = here.release(logged([{"kind": "errors"}, METRIC]))
    assert reverted(here, outcome, "revert by the judge: access: the canary gave"), outcome
    seen = picture(here)
    errors, access = seen["metrics"]
    assert errors["canary"] == 0 < access["canary_bad"]
    cost = seen["exposure"]
    assert (cost["metric"], cost["bounded"], cost["whole"]) == ("access", "access", False)
    assert (cost["requests"], cost["failed"]) == (access["canary"], access["canary_bad"])
    assert cost["left"] == pytest.approx(access["budget"] - access["excess"])
    count_later(here)
    after = picture(here)["exposure"]
    assert (after["metric"], after["bounded"], after["whole"]) == ("errors", "access", True)
    assert after["excess"] == cost["excess"]


def test_lines_that_are_brought_after_the_last_weight_count_and_signal_nothing(here: World) -> None:
    here.cloud.log_requests(GROUP, per_second=10, every=5)
    here.cloud.lines_after = 20.0
    breaks_at(here, FIRST_BAKE)
    bad: list[str] = []
    write_lines = here.cloud.write_lines

    def write(group: str, stream: str, lines: list[str]) -> None:
        bad.extend(line for line in lines if "503" in line)
        write_lines(group, stream, lines)

    here.cloud.write_lines = write  # type: ignore[method-assign]
    outcome = here.release(logged())
    assert reverted(here, outcome, "revert by the judge: access: the canary gave"), outcome
    assert sum(of_step["access"].bad for of_step in sums().counts.values()) == len(bad)
    assert len([signal for signal in here.signals("release-1") if "revert" in signal]) <= 1


def test_what_is_brought_twice_late_and_out_of_order_counts_once(here: World) -> None:
    here.cloud.log_requests(GROUP)
    here.cloud.deliveries = 2
    here.cloud.bad = lambda _side, _at: 0.0
    after, written = cycle([40.0, 3.0]), [0]
    write_lines = here.cloud.write_lines

    def write(group: str, stream: str, lines: list[str]) -> None:
        here.cloud.lines_after = next(after)
        written[0] += len(lines) if stream.endswith(here.cloud.task_of("example2")) else 0
        write_lines(group, stream, lines)

    here.cloud.write_lines = write  # type: ignore[method-assign]
    assert here.release(logged()).state == "Released"
    assert sums().counts == again()
    counted = sum(of_step["access"].requests for of_step in of_canary().values())
    # What comes once the release is over is counted no more.
    assert 0.8 * written[0] < counted <= written[0]


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_lines_of_the_old_version_are_none_of_the_canarys(here: World, share: float) -> None:
    here.cloud.log_requests(GROUP)

    def bad(side: str, _at: datetime) -> float:
        is_old = here.cloud.running_image("example1") == "shop:v1"
        return share if side == "primary" and is_old else 0.0

    here.cloud.bad = bad
    assert here.release(logged([{**METRIC, "clusters": 2, "at_most": 0.01}])).state == "Released"
    assert all(of_step["access"].bad == 0 for of_step in sums().counts.values())


@pytest.mark.parametrize("no_data", ["hold", "advance"])
def test_a_log_of_no_request_holds_and_says_what_to_mend(here: World, no_data: str) -> None:
    """Whatever silence means: lines came."""
    here.cloud.log_filters[GROUP] = {}
    task = here.cloud.task_of("example2")

    def write() -> None:
        here.clock.after(30, write)
        here.cloud.write_lines(GROUP, f"app/app/{task}", ["starting", '{"level": "info"}'])
        here.cloud.write_lines(GROUP, "app/app/of-nobody", ["starting"])

    write()
    outcome = here.release(logged([{**METRIC, "no_data": no_data}], holds=1))
    assert reverted(here, outcome, "no request of the canary was counted for access (")
    assert "lines could not be read)" in outcome.cause
    assert "Mend log.status or log.pattern" in outcome.cause


def test_a_filter_that_somebody_removes_is_put_up_again_and_the_bake_held(here: World) -> None:
    here.cloud.log_requests(GROUP)
    here.clock.after(FIRST_BAKE, here.cloud.log_filters[GROUP].clear)
    outcome = here.release(logged())
    assert outcome.state == "Released", outcome
    assert verdicts_on_the_first_step(outcome) == 2
    assert here.cloud.log_filters[GROUP] == {}


def test_a_place_that_somebody_takes_is_told(here: World) -> None:
    here.cloud.log_requests(GROUP)

    def take() -> None:
        here.cloud.log_filters[GROUP] = {
            name: {**OTHERS, "filterName": name} for name in ("one", "two")
        }

    here.clock.after(FIRST_BAKE, take)
    outcome = here.release(logged(holds=1))
    assert outcome.state == "Reverted"
    assert "not all of the canary's log was counted: the subscription filter" in outcome.cause
    assert "LimitExceededException" in outcome.cause
    assert sorted(here.cloud.log_filters[GROUP]) == ["one", "two"]


def test_without_data_advance_says_that_silence_means_nothing(here: World) -> None:
    here.cloud.log_requests(GROUP)
    here.clock.after(FIRST_BAKE, here.cloud.log_filters[GROUP].clear)
    steps = [{"weight": 20, "bake_seconds": 300}, {"weight": 100, "bake_seconds": 300}]
    metrics = [{"kind": "errors"}, {**METRIC, "no_data": "advance"}]
    outcome = here.release(logged(metrics, steps=steps))
    assert verdicts_on_the_first_step(outcome) == 1


def test_a_batch_that_fails_is_counted_at_its_next_delivery(here: World) -> None:
    here.cloud.log_requests(GROUP)
    refused: list[str] = []

    def refuse(name: str, _params: Any) -> None:
        if name == "ecs.DescribeTasks" and len(refused) < 3 and here.cloud.weight("example2"):
            refused.append(name)
            raise Refusal("ThrottlingException", "Rate exceeded", 400)

    here.cloud.before_call = refuse
    assert here.release(logged()).state == "Released"
    assert len(refused) == 3
    assert sums().counts == again()


def test_without_concurrency_lines_come_late_and_none_is_lost(here: World) -> None:
    here.cloud.log_requests(GROUP)
    here.cloud.deliveries = 2
    written = [0]
    write_lines = here.cloud.write_lines

    def write(group: str, stream: str, lines: list[str]) -> None:
        written[0] += len(lines) if stream.endswith(here.cloud.task_of("example2")) else 0
        write_lines(group, stream, lines)

    def throttle(*, throttled: bool) -> None:
        here.cloud.throttled = throttled

    here.cloud.write_lines = write  # type: ignore[method-assign]
    here.cloud.bad = lambda _side, _at: 0.0
    for at, throttled in ((FIRST_BAKE, True), (FIRST_BAKE + 50, False)):
        here.clock.after(at, partial(throttle, throttled=throttled))
    assert here.release(logged()).state == "Released"
    assert sums().counts == again()
    counted = sum(of_step["access"].requests for of_step in of_canary().values())
    assert 0.5 * written[0] < counted <= written[0]


def test_lines_that_nobody_may_bring_are_missed_and_the_bake_is_held(here: World) -> None:
    """Its filter is there all the same."""
    here.cloud.log_requests(GROUP)
    here.cloud.refused = True
    here.clock.after(FIRST_BAKE + BAKE, lambda: setattr(here.cloud, "refused", False))
    outcome = here.release(logged())
    assert outcome.state == "Released", outcome
    assert verdicts_on_the_first_step(outcome) == 2


def test_what_comes_after_the_end_changes_nothing(here: World) -> None:
    here.cloud.log_requests(GROUP)
    late: list[Any] = []
    deliver = here.cloud.on_lines

    def keep(event: Any) -> None:
        late.append(event)
        deliver(event)

    here.cloud.on_lines = keep
    assert here.release(logged()).state == "Released"
    before = sums()
    assert all(
        here.invoke("CountRequestsFunction", event) == {"executions": [], "signalled": []}
        for event in late
    )
    assert sums() == before


def test_what_a_dead_execution_has_put_up_is_taken_down(here: World) -> None:
    here.cloud.log_requests(GROUP)
    here.wait(here.start_and_stop(logged(), "release-1", FIRST_BAKE))
    assert list(here.cloud.log_filters[GROUP]) == [OURS]
    here.pass_minutes(3)
    assert here.records() == {"release-1": "Reverted"}
    assert here.cloud.log_filters[GROUP] == {}


def test_a_kept_canary_has_no_filter(here: World) -> None:
    here.cloud.log_requests(GROUP)
    here.clock.after(FIRST_BAKE, lambda: here.signal("revert"))
    assert here.release(logged(keep_failed_seconds=3_600)).state == "Reverted"
    assert here.cloud.log_filters[GROUP] == {}


def test_filters_that_releases_have_left_behind_make_room(here: World) -> None:
    here.cloud.log_requests(GROUP)
    assert here.release(logged()).state == "Released"
    (put,) = here.cloud.called("PutSubscriptionFilter")
    for name in ("stepcanary/release-1/access", "stepcanary/never-heard-of/access"):
        here.cloud.log_filters[GROUP][name] = {**put, "filterName": name}
    outcome = here.release({**logged(), "images": {"app": "shop:v3"}}, "release-2")
    assert outcome.state == "Released", outcome
    assert here.cloud.log_filters[GROUP] == {}


def test_the_limit_is_three_times_what_the_primary_has(here: World) -> None:
    here.cloud.bad = lambda side, _at: 0.02
    here.cloud.log_requests(GROUP)
    assert here.release(logged()).state == "Released"
    release = ledger.release_of("release-1")
    assert release.judge is not None
    (metric,) = release.judge.metrics
    assert metric.at_most == 0.06
    assert metric.clusters is not None


def test_a_metric_that_only_observes_reverts_nothing(here: World) -> None:
    here.cloud.log_requests(GROUP)
    breaks_at(here, FIRST_BAKE)
    outcome = here.release(
        logged([{"kind": "errors", "observe": True}, {**METRIC, "observe": True}])
    )
    assert outcome.state == "Released", outcome


def test_two_metrics_of_one_log_need_one_filter(here: World) -> None:
    here.cloud.log_requests(GROUP)
    other = {
        **METRIC,
        "name": "other",
        "log": {"group": GROUP, "pattern": '"status": (?P<status>[0-9]+)'},
    }
    assert here.release(logged([METRIC, other])).state == "Released"
    assert len(here.cloud.called("PutSubscriptionFilter")) == 1
    for of_step in sums().counts.values():
        assert of_step["access"] == of_step["other"]


def test_an_outage_while_the_primary_rolls_is_signalled(here: World) -> None:
    here.cloud.log_requests(GROUP)
    breaks_at(here, LATER)
    outcome = here.release(logged())
    assert reverted(here, outcome, "access: the canary gave"), outcome


def breaks_once_returned(here: World, seconds: float, share: float = 1.0) -> None:
    """The primary's new tasks answer with errors, so many seconds after the weights came back."""
    came_back: list[datetime] = []

    def on_write(primary: int, canary: int) -> None:
        is_new = here.cloud.running_image("example1") == "shop:v2"
        if primary and is_new and not came_back:
            came_back.append(here.clock.now())

    def bad(side: str, at: datetime) -> float:
        is_broken = came_back and (at - came_back[0]).total_seconds() >= seconds
        is_new = here.cloud.running_image("example1") == "shop:v2"
        return share if side == "primary" and is_new and is_broken else 0.0

    here.cloud.on_write = on_write
    here.cloud.bad = bad


@pytest.mark.parametrize("share", [0.5, 1.0])
def test_a_fault_that_begins_once_the_weights_are_back_brings_the_old_version_back(
    here: World, share: float
) -> None:
    here.cloud.log_requests(GROUP, per_second=10, every=5)
    breaks_once_returned(here, 5, share)
    outcome = here.release(logged())
    assert reverted(here, outcome, "access: the canary gave 0 of"), outcome
    assert "the primary " in outcome.cause
    assert here.cloud.running_image("example1") == "shop:v1"
    found = sums().counts
    assert found == again()
    assert found[RETURNED]["access"].bad > 2
    assert all(not found[step]["access"].bad for step in (0, 1, 2))


@pytest.mark.parametrize("late", [5.0, 20.0])
def test_what_the_new_tasks_answer_until_they_are_replaced_counts_however_late_it_comes(
    here: World, late: float
) -> None:
    written: Counter[str] = Counter()
    write = here.cloud.write_lines

    def note(group: str, stream: str, lines: list[str]) -> None:
        written[stream] += sum("503" in line for line in lines)
        write(group, stream, lines)

    here.cloud.write_lines = note  # type: ignore[method-assign]
    here.cloud.log_requests(GROUP, per_second=10, every=5)
    here.cloud.lines_after = late
    breaks_once_returned(here, 5)
    assert here.release(logged()).state == "Reverted"
    # All others are of tasks that bring the old version back.
    [(_, by_new_task)] = written.most_common(1)
    assert by_new_task > 400
    assert sums().counts[RETURNED]["access"].bad == by_new_task


def test_a_fault_of_the_last_seconds_is_nobodys(here: World) -> None:
    """Its lines come when the release is over."""
    here.cloud.log_requests(GROUP, per_second=10, every=5)
    here.cloud.lines_after = 300.0
    breaks_once_returned(here, 5)
    assert here.release(logged()).state == "Released"


def test_a_fault_on_the_way_back_by_steps_is_signalled(here: World) -> None:
    here.cloud.log_requests(GROUP, per_second=10, every=5)
    breaks_once_returned(here, 10)
    promotion = {"return_weights": [50], "return_bake_seconds": 120}
    outcome = here.release(logged(promotion=promotion))
    assert reverted(here, outcome, "access: the canary gave 0 of"), outcome
    assert "revert by the judge" in "".join(here.signals("release-1"))
    assert here.cloud.running_image("example1") == "shop:v1"


def on_return(here: World, do: Callable[[], object]) -> None:
    """Once the primary has weight with the new version."""
    pending = [do]

    def on_write(primary: int, _canary: int) -> None:
        if primary and pending and here.cloud.running_image("example1") == "shop:v2":
            pending.pop()()

    here.cloud.on_write = on_write


def test_health_checks_while_the_traffic_is_lent_to_the_canary_are_no_evidence(here: World) -> None:
    """The primary's tasks are lost once they have the traffic, and others start."""
    here.cloud.log_requests(GROUP, per_second=10, every=5)
    here.cloud.bad = lambda _side, _at: 0.0
    checked: list[datetime] = []

    def check() -> None:
        here.clock.after(2, check)
        if here.cloud.split() == (0, 100) and len(checked) < 20:
            checked.append(here.clock.now())
            stream = f"app/app/{here.cloud.task_of('example1')}"
            here.cloud.write_lines(GROUP, stream, ['{"status": 503}'] * 2)

    def lose() -> None:
        here.clock.after(2, lambda: here.cloud.lose_tasks("example1", heals_after=60))
        # Not at once: a weight is read back a moment after it was written.
        here.clock.after(5, check)

    on_return(here, lose)
    outcome = here.release(logged())
    assert len(checked) > 10
    assert outcome.state == "Released", outcome
    assert sums().counts[RETURNED]["access"].bad < 5


@pytest.mark.parametrize("at", [545, 560])
def test_an_execution_that_dies_in_its_last_wait_leaves_no_bad_version(
    here: World, at: float
) -> None:
    here.cloud.log_requests(GROUP, per_second=10, every=5)
    breaks_once_returned(here, 2)
    here.wait(here.start_and_stop(logged(), "release-1", at))
    here.pass_minutes(8)
    assert here.records() == {"release-1": "Reverted"}
    assert here.cloud.running_image("example1") == "shop:v1"
    assert here.cloud.log_filters[GROUP] == {}


def test_what_was_taken_back_is_seen_and_told(here: World) -> None:
    here.cloud.log_requests(GROUP, per_second=10, every=5)
    breaks_once_returned(here, 5, 0.5)
    assert here.release(logged()).state == "Reverted"
    seen = here.ask("show", release=here.arn("release-1"))["picture"]
    cost, last = seen["exposure"], seen["last"]
    assert (cost["failed"], cost["left"]) == (0, 0.0)
    assert cost["excess"] < cost["new_failed"] < cost["new_requests"]
    assert last["source"] == "failure"
    assert last["reason"].startswith("CanaryAlarmed: access: the canary gave 0 of")
    old = seen["deployed"][-1]
    assert old["side"] == "primary"
    assert last["at"] <= old["at"] < old["steady_at"]
    restored = here.ask("history", service="checkout")["releases"][0]["restored_seconds"]
    assert restored == old["steady_at"] // 1_000 - last["at"] // 1_000


def test_what_old_tasks_of_the_primary_answer_counts_nothing(here: World) -> None:
    """Before the weights come back, and where they go back to the old version."""
    here.cloud.log_requests(GROUP, per_second=10, every=5)
    here.cloud.bad = lambda side, _at: 1.0 if side == "primary" else 0.0
    here.clock.after(LATER, lambda: here.signal("revert"))
    outcome = here.release(logged([{**METRIC, "at_most": 0.01, "clusters": 2}]))
    assert outcome.state == "Reverted", outcome
    assert "revert by" in outcome.cause
    assert RETURNED not in sums().counts


CHECKOUT = {"stack": "stepcanary", "service": "checkout"}


@pytest.mark.parametrize("others", [[], [{"kind": "latency"}], [{**METRIC, "name": "other"}]])
def test_the_exposure_that_a_log_has_counted_is_published_once(
    here: World, others: list[Document]
) -> None:
    found = Told()
    here.cloud.log_requests(GROUP)
    here.cloud.deliveries = 2
    breaks_at(here, FIRST_BAKE)
    with patch.object(observability, "write", found.count):
        assert here.release(logged([METRIC, *others])).state == "Reverted"
    counted = [of_step["access"] for of_step in of_canary().values()]
    assert sum(found.values("CanaryRequests", **CHECKOUT)) == sum(each.requests for each in counted)
    assert sum(found.values("CanaryFailures", **CHECKOUT)) == sum(each.bad for each in counted) > 0
    shares = found.values("ErrorShare", **CHECKOUT, side="canary")
    assert (min(shares), max(shares)) == (0, 100)


def test_what_cloudwatch_counts_too_is_not_published_of_the_log(here: World) -> None:
    here.cloud.log_requests(GROUP)
    counted = Mock(wraps=telling.counted)
    with patch.object(telling, "counted", counted):
        assert here.release(logged([METRIC, {"kind": "errors"}])).state == "Released"
    assert batches.batches(here.arn("release-1"))
    assert {metric for call in counted.mock_calls for metric in call.args[2]} == {"errors"}


STRANGERS: list[Document] = [
    {"logGroup": "/ecs/other"},
    {"owner": "210987654321"},
    {"subscriptionFilters": ["stepcanary/release-1/other"]},
    {"subscriptionFilters": ["stepcanary/release-2/access"]},
    {"subscriptionFilters": ["somebody/release-1/access", "release-1", "", "a/b/c/d"]},
    {"subscriptionFilters": []},
    {"logStream": "app/app/" + "0" * 32},
    {"logEvents": []},
]


@pytest.mark.parametrize("strange", STRANGERS)
def test_lines_that_are_not_the_releases_count_nothing(here: World, strange: Document) -> None:
    """Though they say that all is lost; the same from its own log counts once, twice delivered."""
    here.cloud.log_filters[GROUP] = {}
    found: list[LogCounts] = []
    answers: list[Any] = []

    def deliver(**changed: Any) -> Any:
        stream = f"app/app/{here.cloud.task_of('example2')}"
        at = int(here.clock.now().timestamp() * 1_000)
        lines = [{"id": str(n), "timestamp": at, "message": '{"status": 503}'} for n in range(2)]
        message = {
            "messageType": "DATA_MESSAGE",
            "owner": "123456789012",
            "logGroup": GROUP,
            "logStream": stream,
            "subscriptionFilters": [OURS],
            "logEvents": lines,
        }
        return here.invoke("CountRequestsFunction", packed({**message, **changed}))

    def strike() -> None:
        answers.extend(deliver(**strange) for _ in range(9))
        found.append(sums())
        for each in ({"subscriptionFilters": [OURS, OURS]}, {}, {}):
            answers.append(deliver(**each))
        found.append(sums())

    here.clock.after(FIRST_BAKE, strike)
    here.clock.after(FIRST_BAKE + 10, lambda: here.signal("revert"))
    assert here.release(logged([{**METRIC, "clusters": 50}])).state == "Reverted"
    assert all(answer["signalled"] == [] for answer in answers)
    strangers, own = found
    assert strangers.counts == {}
    assert own.counts == {0: {"access": Read(2, 2)}}


def test_a_control_message_is_taken(here: World) -> None:
    event = control_message(1_700_000_000_000)
    assert here.invoke("CountRequestsFunction", event) == {"executions": [], "signalled": []}


@pytest.mark.parametrize("at", [LATER - 5, LATER + 5])
def test_a_filter_that_is_removed_during_the_promotion_is_put_up_before_the_weights_return(
    here: World, at: float
) -> None:
    """A version that turns bad once the primary has it is taken back all the same."""
    here.cloud.log_requests(GROUP, per_second=10, every=5)
    here.clock.after(at, here.cloud.log_filters[GROUP].clear)
    breaks_once_returned(here, 5)
    outcome = here.release(logged())
    assert outcome.state == "Reverted", outcome
    assert here.cloud.running_image("example1") == "shop:v1"
    assert here.cloud.log_filters[GROUP] == {}


def test_a_filter_that_is_removed_in_the_last_wait_is_put_up_and_the_release_looks_again(
    here: World,
) -> None:
    here.cloud.log_requests(GROUP, per_second=10, every=5)

    def lose() -> None:
        here.clock.after(2, here.cloud.log_filters[GROUP].clear)

    on_return(here, lose)
    broken: list[str] = []
    here.cloud.bad = lambda side, _at: float(side == "primary" and bool(broken))

    def break_then(call: str, _params: Any) -> None:
        is_last_wait = here.cloud.running_image("example1") == "shop:v2"
        if call == "logs.PutSubscriptionFilter" and is_last_wait:
            broken.append(call)

    here.cloud.before_call = break_then
    outcome = here.release(logged())
    assert len(broken) == 1
    assert outcome.state == "Reverted", outcome
    assert outcome.path.count("ConfirmRest") > 1


def test_who_never_stops_removing_the_filter_is_named_at_the_end(here: World) -> None:
    here.cloud.log_requests(GROUP, per_second=10, every=5)

    def lose() -> None:
        here.cloud.log_filters[GROUP].clear()
        here.clock.after(3, lose)

    on_return(here, lose)
    assert here.release(logged()).state == "Released"
    assert (
        f"the subscription filter {OURS} of the log group {GROUP} was gone"
        in (here.causes()["release-1"])
    )


def test_a_release_that_ends_while_its_filter_is_mended_leaves_none(here: World) -> None:
    here.cloud.log_requests(GROUP)

    def end(call: str, _params: Any) -> None:
        if call == "logs.PutSubscriptionFilter":
            here.cloud.before_call = lambda _name, _params: None
            here.steal("Reverted")

    def lose() -> None:
        here.cloud.log_filters[GROUP].clear()
        here.cloud.before_call = end

    here.clock.after(FIRST_BAKE, lose)
    here.release(logged())
    assert here.records() == {"release-1": "Reverted"}
    assert here.cloud.log_filters[GROUP] == {}


def test_what_a_drained_canary_still_writes_counts_nothing(here: World) -> None:
    """Health checks of a task that stops, long after its last request."""
    here.cloud.log_requests(GROUP, per_second=10, every=5)
    here.cloud.bad = lambda _side, _at: 0.0
    written: list[datetime] = []

    def write() -> None:
        here.clock.after(2, write)
        if len(written) < 30:
            written.append(here.clock.now())
            stream = f"app/app/{here.cloud.task_of('example2')}"
            here.cloud.write_lines(GROUP, stream, ['{"status": 503}'] * 20)

    def gone(_primary: int, canary: int) -> None:
        if canary == 0 and not pending:
            pending.append(True)
            here.clock.after(ledger.release_of("release-1").settle_seconds + 2, write)

    pending: list[bool] = []
    here.cloud.on_write = gone
    here.clock.after(FIRST_BAKE + 60, lambda: here.signal("revert", by="jane"))
    assert here.release(logged(keep_failed_seconds=3_600)).state == "Reverted"
    assert len(written) > 10
    assert all(each["access"].bad == 0 for each in sums().counts.values())


def test_a_release_in_another_cluster_leaves_the_filter_of_one_that_runs(here: World) -> None:
    """Its canary has the same name, as staging's and production's have."""
    here.cloud.log_requests(GROUP)
    refused: list[str] = []

    def plan() -> None:
        release = ledger.release_of("release-1")
        here.cloud.log_filters[GROUP]["datadog"] = {"filterName": "datadog", **OTHERS}
        for cluster in (release.cluster, "staging"):
            canary = subscriptions.Canary(f"arn:x:cluster/{cluster}", release.canary.service)
            try:
                subscriptions.check(here.arn("release-9"), canary, release.judge)
            except RequestRejected as rejected:
                refused.append(f"{cluster}: {rejected}")
        del here.cloud.log_filters[GROUP]["datadog"]
        there = release.model_copy(
            update={"execution": here.arn("release-9"), "cluster": "staging"}
        )
        subscriptions._make_room(there, GROUP, settings.of_stack().counter)
        assert list(here.cloud.log_filters[GROUP]) == [OURS]

    here.clock.after(FIRST_BAKE, plan)
    assert here.release(logged()).state == "Released"
    [told] = refused
    assert told.startswith("staging: judge: the log group /ecs/checkout has 2 subscription filters")


def test_a_task_that_ecs_does_not_know_is_asked_for_once_in_a_while(here: World) -> None:
    """As that of another cluster, which writes into the same group."""
    here.cloud.log_requests(GROUP, every=60)
    stream = "app/app/" + "0" * 32

    def write() -> None:
        here.cloud.write_lines(GROUP, stream, ['{"status": 200}'])

    for second in range(20):
        here.clock.after(FIRST_BAKE + second / 10, write)
    assert here.release(logged()).state == "Released"
    asked = [each for each in here.cloud.called("DescribeTasks") if stream[-32:] in str(each)]
    assert len(asked) == 1
