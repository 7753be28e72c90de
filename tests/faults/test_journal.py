"""The journal of the matrix: interrupted, cut off, of other code, and of several routers."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults import __main__ as command
from tests.faults import journal as journals
from tests.faults.invariants import Violation
from tests.faults.journal import Entry, JournalInUse, fingerprint, opened
from tests.faults.kinds import Fault
from tests.faults.pool import Done, Plan
from tests.faults.report import report
from tests.faults.run import Case, Result


def case(at: int, router: str = "appmesh") -> Case:
    return Case("good", (Fault("throttled", at),), router)


def entry(at: int, router: str = "appmesh", violations: tuple[Violation, ...] = ()) -> Entry:
    return Entry.of(Result(case(at, router), violations, "Reverted", {}), place=True)


def written(folder: Path, *entries: Entry, state: str = "one", without: str | None = None) -> None:
    with opened(state, without, folder) as journal:
        journal.write(entries, 2.0, 3.0)


def read(folder: Path, state: str = "one", without: str | None = None) -> list[str]:
    with opened(state, without, folder) as journal:
        return list(journal.entries)


def test_the_next_session_finds_what_was_written(tmp_path: Path) -> None:
    broken = entry(1, violations=(Violation("rest", "the split stays at (50, 50)"),))
    written(tmp_path, entry(0), broken)
    written(tmp_path, entry(2))
    with opened("one", None, tmp_path) as journal:
        assert list(journal.entries.values()) == [entry(0), broken, entry(2)]
        assert (journal.cpu_seconds, journal.seconds) == (4.0, 6.0)


@pytest.mark.parametrize("lost", [1, 20])
def test_a_line_that_was_cut_off_is_forgotten(tmp_path: Path, lost: int) -> None:
    written(tmp_path, entry(0))
    written(tmp_path, entry(1))
    path = tmp_path / "one.jsonl"
    os.truncate(path, path.stat().st_size - lost)
    assert read(tmp_path) == [entry(0).case]
    written(tmp_path, entry(2))
    assert read(tmp_path) == [entry(0).case, entry(2).case]


def test_other_code_and_other_guards_have_journals_of_their_own(tmp_path: Path) -> None:
    written(tmp_path, entry(0))
    assert read(tmp_path, state="two") == []
    assert read(tmp_path, without="kept signals") == []
    assert read(tmp_path) == [entry(0).case]


def test_the_journals_of_the_newest_two_states_are_kept(tmp_path: Path) -> None:
    for number, state in enumerate(("one", "two")):
        for without in (None, "lease"):
            written(tmp_path, entry(0), state=state, without=without)
        for path in tmp_path.glob(f"{state}*"):
            os.utime(path, (number, number))
    written(tmp_path, entry(0), state="three")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"two.jsonl", "two-lease.jsonl", "three.jsonl"}


def test_two_processes_do_not_write_one_journal(tmp_path: Path) -> None:
    with opened("one", None, tmp_path), pytest.raises(JournalInUse), opened("one", None, tmp_path):
        pass


def test_routers_that_were_run_one_after_another_are_in_one_report(tmp_path: Path) -> None:
    with opened("one", None, tmp_path) as journal:
        journal.plan({"alb": 2})
        journal.write([entry(0, "alb"), entry(1, "alb")], 2.0, 3.0)
    with opened("one", None, tmp_path) as journal:
        journal.plan({"lattice": 3})
        journal.write([entry(0, "lattice", (Violation("rest", "moved"),))], 1.0, 3.0)
        found = report(journal, "one")
    assert found["by_router"] == {"alb": 2, "lattice": 1}
    assert found["struck"]["alb"] == {"how": "whole", "run": 2, "places": 2}
    assert found["struck"]["lattice"] == {"how": "sampled", "run": 1, "places": 3}
    assert (found["runs"], found["violations"]) == (3, 1)
    assert found["by_fault"]["throttled"] == {"runs": 3, "violations": 1}
    assert (found["cpu_seconds_per_run"], found["seconds"]) == (1.0, 6)


def test_a_case_that_is_generated_twice_counts_once(tmp_path: Path) -> None:
    one, other = Fault("throttled", 1), Fault("stopped", 2)
    twice = [Case("good", faults) for faults in ((one, other), (other, one), (one, other, one))]
    written(tmp_path, *[Entry.of(Result(c, (), "Reverted", {}), place=False) for c in twice])
    assert len(read(tmp_path)) == 1


Runs = Callable[..., list[str]]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    """Calls the command for four cases and returns those that it ran."""
    monkeypatch.chdir(tmp_path)
    plan = Plan([case(at) for at in range(4)], {"appmesh": {case(at).name for at in range(4)}})
    monkeypatch.setattr(command, "planned", lambda *_: plan)
    monkeypatch.setattr(journals, "fingerprint", lambda: "one")
    monkeypatch.setattr("signal.signal", lambda *_: None)

    def run(*arguments: str, until: int = 4) -> list[str]:
        ran: list[str] = []

        def run_all(cases: list[Case], _without: str | None, stopped: Callable[[], bool]) -> object:
            for one in cases:
                if stopped():
                    return
                if len(ran) == until:
                    raise KeyboardInterrupt
                ran.append(one.name)
                yield Done([Result(one, (), "Reverted", {})], 1.0)

        monkeypatch.setattr(command, "run_all", run_all)
        monkeypatch.setattr(sys, "argv", ["faults", *arguments])
        try:
            assert command.main() == 0
        except KeyboardInterrupt:
            assert until < 4
        return ran

    return run


def test_a_session_goes_on_where_the_last_one_was_interrupted(runs: Runs) -> None:
    names = [case(at).name for at in range(4)]
    assert runs(until=2) == names[:2]
    assert runs() == names[2:]
    assert runs() == []


def test_a_session_without_time_begins_nothing(
    runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    assert runs("--seconds", "0") == []
    assert "4 cases are left" in capsys.readouterr().out


def test_the_fingerprint_changes_with_the_code_and_not_with_its_tests(tmp_path: Path) -> None:
    for name in journals.CODE:
        path = tmp_path / name if "." in name else tmp_path / name / "code.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("before")
    before = fingerprint(tmp_path)
    (tmp_path / "tests/faults/test_it.py").write_text("a test")
    assert fingerprint(tmp_path) == before
    (tmp_path / "functions/code.py").write_text("after")
    assert fingerprint(tmp_path) != before
