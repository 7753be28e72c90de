"""What a release has put up, what it goes back to, and what is due: kept until it is done."""

from stepcanary.store import due, leases, ledger, register, table
from stepcanary.store.due import MOST_AT_ONCE, Task
from stepcanary.store.register import Entry
from stepcanary.store.table import ItemKey, Put
from tests.store.conftest import EXECUTION, release_named

ONE, OTHER = f"{EXECUTION}one", f"{EXECUTION}other"
COPY = Entry("copy", "primary", {"task_definition": "example1:1", "document": "{}"})


def test_what_is_put_up_is_known_before_and_after_it_came_to_something() -> None:
    register.write(ONE, COPY)
    assert register.entries(ONE) == [COPY]
    register.note_made(ONE, COPY, "example1:2")
    assert register.entries(ONE) == [Entry("copy", "primary", COPY.before, "example1:2")]


def test_entries_are_their_releases_and_each_by_its_kind_and_key() -> None:
    others = [Entry("copy", "canary"), Entry("alarm", "primary")]
    for entry in (COPY, *others):
        register.write(ONE, entry)
    register.write(OTHER, COPY)
    register.remove(ONE, COPY, "checkout")
    register.remove(ONE, COPY, "checkout")
    assert sorted(register.entries(ONE), key=str) == sorted(others, key=str)
    assert register.entries(OTHER) == [COPY]


def test_the_next_release_goes_on_with_what_is_still_up() -> None:
    register.own("checkout", ONE, COPY)
    register.note_made(ONE, COPY, "example1:2")
    left = Entry("copy", "primary", COPY.before, "example1:2")
    assert register.left_over("checkout", "copy", "primary") == left
    other = Entry("copy", "primary", {"task_definition": "example1:2", "document": "{}"})
    assert register.own("checkout", OTHER, other) == left
    assert (register.entries(ONE), register.entries(OTHER)) == ([], [left])
    # Whoever had it before takes nothing of it down.
    register.remove(ONE, COPY, "checkout")
    assert register.left_over("checkout", "copy", "primary") == left
    register.remove(OTHER, left, "checkout")
    assert register.left_over("checkout", "copy", "primary") is None


def test_an_entry_is_changed_only_as_it_was_read() -> None:
    register.write(ONE, COPY)
    changed = Entry("copy", "primary", COPY.before, "example1:2")
    assert register.change(ONE, COPY, changed)
    assert not register.change(ONE, COPY, Entry("copy", "primary", COPY.before, "example1:3"))
    assert register.entries(ONE) == [changed]
    register.remove(ONE, COPY, "checkout")
    assert not register.change(ONE, changed, COPY)
    assert register.entries(ONE) == []


def test_an_entry_is_no_event_of_the_release_and_no_document() -> None:
    release = release_named("one")
    leases.take(release)
    register.write(release.execution, COPY)
    ledger.keep_way_back(release.execution, {"family": "example1"})
    assert ledger.story(release.execution).events == []
    assert ledger.release_of(release.execution) == release


def test_a_way_back_is_kept_whole_and_the_last_one_counts() -> None:
    assert ledger.way_back(ONE) is None
    document = {
        "family": "example1",
        "containerDefinitions": [{"name": "app", "image": "shop:v1", "environment": []}],
        "cpu": "256",
        "tags": [{"key": "team", "value": ""}],
    }
    ledger.keep_way_back(ONE, {"family": "example0"})
    ledger.keep_way_back(ONE, document)
    assert ledger.way_back(ONE) == document
    assert ledger.way_back(OTHER) is None


def test_what_is_put_off_comes_again_with_one_more_try() -> None:
    task = Task(100, "retire", "split", ONE)
    due.add(task)
    assert (due.until(99), due.until(100)) == ([], [task])
    due.put_off(task, 160, tries=1)
    assert due.until(159) == []
    assert due.until(160) == [Task(160, "retire", "split", ONE, tries=1)]
    due.done(due.until(160)[0])
    assert due.until(1_000) == []


def test_of_one_split_each_kind_of_work_has_its_task() -> None:
    tasks = [Task(100, what, "split", ONE) for what in ("retire", "take_down")]
    for task in tasks:
        due.add(task)
    due.done(tasks[0])
    assert due.until(100) == tasks[1:]


def test_the_oldest_come_first_and_not_all_at_once() -> None:
    for number in reversed(range(MOST_AT_ONCE + 5)):
        due.add(Task(number, "retire", f"split-{number}", ONE))
    assert [task.at for task in due.until(1_000)] == list(range(MOST_AT_ONCE))


def test_a_task_of_a_stack_that_did_not_count_was_never_tried() -> None:
    old = {"at": 1, "what": "retire", "key": "split", "execution": ONE}
    table.put(Put(ItemKey(due.DUE, f"{1:012d}#retire#split"), old))
    (task,) = due.until(1)
    assert task.tries == 0
