"""Which published versions may go, and how few executions have to be asked for that."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from emulator import template
from stepcanary.domain.published import (
    NEWEST_KEPT,
    SETTLES,
    Pinned,
    Running,
    named_by_all,
    removable,
    versions_named,
)

START = datetime(2026, 11, 1, tzinfo=UTC)
NOTHING = frozenset[tuple[str, int]]()


def pinned(number: int, updated: datetime = START) -> Pinned:
    return Pinned(frozenset({("Revert", number)}), updated)


def test_the_definition_names_one_version_of_each_function() -> None:
    named = versions_named(template.definition())
    assert {version for _, version in named} == {1}
    assert {name for name, _ in named} >= {"PlanReleaseFunction", "CloseReleaseFunction"}
    assert len(named) == 16


def test_an_alias_and_a_function_are_no_version() -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:stepcanary-Revert-1A2B3C"
    text = f'["{arn}", "{arn}:live", "{arn}:$LATEST", "{arn}:12", "{arn}:7x"]'
    assert versions_named(text) == {("stepcanary-Revert-1A2B3C", 12)}


def test_what_nothing_names_goes_and_the_newest_stay() -> None:
    published = [1, 2, 3, 4, 5, 6, 7]
    named = frozenset({("Revert", 2), ("Plan", 3)})
    assert removable("Revert", published, {4}, named) == [1, 3, 5]
    assert removable("Revert", [10, 9], (), NOTHING) == []
    assert removable("Revert", [], (), NOTHING) == []


versions = st.sets(st.integers(1, 30))


@given(versions, versions, versions)
def test_nothing_goes_that_is_needed(
    published: set[int], aliased: set[int], used: set[int]
) -> None:
    named = frozenset(("Revert", number) for number in used)
    gone = removable("Revert", published, aliased, named)
    assert gone == sorted(gone)
    assert set(gone) <= published - aliased - used
    assert sorted(published)[-NEWEST_KEPT:] == sorted(published - set(gone))[-NEWEST_KEPT:]


@given(
    st.lists(st.integers(301, 2_000), max_size=4),
    st.lists(st.tuples(st.integers(0, 6_000), st.booleans(), st.booleans()), max_size=40),
)
def test_every_definition_that_an_execution_has_is_found(
    gaps: list[int], begun: list[tuple[int, bool, bool]]
) -> None:
    """Also of one that began within the minutes in which the definition before is begun with."""
    updates = [START]
    for gap in gaps:
        updates.append(updates[-1] + timedelta(seconds=gap))
    running, has = [], {}
    for number, (second, lingers, ended) in enumerate(begun):
        began = START + timedelta(seconds=second)
        at = max(n for n, updated in enumerate(updates) if updated <= began)
        if lingers and at and began < updates[at] + SETTLES:
            at -= 1
        running.append(Running(str(number), began))
        has[str(number)] = None if ended else pinned(at, updates[at])
    needed = {name for found in has.values() if found is not None for name in found.names}
    assert named_by_all(running, has.__getitem__) == needed


def test_a_thousand_executions_of_three_definitions_are_asked_a_few_times() -> None:
    asked: list[str] = []
    updates = [START, START + timedelta(days=2), START + timedelta(days=4)]

    def ask(execution: str) -> Pinned:
        asked.append(execution)
        began = START + timedelta(minutes=5 * int(execution))
        last = max(n for n, moment in enumerate(updates) if moment <= began)
        return pinned(last, updates[last])

    running = [Running(str(n), START + timedelta(minutes=5 * n)) for n in range(1_500)]
    assert named_by_all(list(reversed(running)), ask) == {("Revert", n) for n in range(3)}
    assert len(asked) == len(set(asked)) < 40


def test_nobody_runs_and_the_one_that_ran_has_ended() -> None:
    assert named_by_all([], lambda _: pinned(1)) == NOTHING
    assert named_by_all([Running("one", START)], lambda _: None) == NOTHING
