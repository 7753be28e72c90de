"""The page of benchmarks says what was measured, on what, and what is not true any more."""

import json
from pathlib import Path

import pytest

from bench import page, report
from bench.__main__ import turns
from bench.sample import of_sample, sample_states


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(report, "ROOT", tmp_path)
    return tmp_path


def test_a_part_that_was_not_measured_is_said_not_to_be(here: Path) -> None:
    assert page.written().count("Not measured yet.") == len(page.PARTS)


def test_a_part_whose_code_has_changed_is_marked_with_its_commit(here: Path) -> None:
    figures = {"stepcanary": of_sample(), "sample": of_sample()}
    measured = {"commit": "0" * 10, "changed_since": False, "day": "2026-01-02", "seconds": 3}
    (here / "cost.json").write_text(json.dumps({**figures, "measured": measured}))
    (part,) = [part for part in page.PARTS if part.name == "cost"]
    said = page.section(part)
    assert "**Stale.** Measured at `0000000000` on 2026-01-02, in 3 s." in said
    assert f"| states entered | {len(list(sample_states()))} |" in said


def test_a_part_is_stale_by_what_it_imports_and_not_by_its_neighbours() -> None:
    assert {"bench/load.py", "bench/fleet.py", "bench/rates.py"} <= set(
        report.own_code("bench.load")
    )
    assert report.own_code("bench.judge") == ["bench/judge"]
    assert report.own_code("bench.cold_start") == ["bench/cold_start.py", "tools/package.py"]


def test_a_report_has_the_commit_that_it_was_measured_on(here: Path) -> None:
    report.write("scale", {"a question": {"100": {"read_units": 1}}})
    written = json.loads((here / "scale.json").read_text())
    assert written["measured"]["commit"]
    assert page.section(next(part for part in page.PARTS if part.name == "scale"))


def test_the_sample_s_good_release_enters_the_states_of_its_definition() -> None:
    names = [name for name, _ in sample_states()]
    assert names[:3] == [
        "Check Deployment Version",
        "Deploy New Version/CFN",
        "Canary & Switch traffic",
    ]
    assert names.count("Wait") == 9
    assert names.count("Canary & Switch traffic") == 10


def test_what_is_timed_runs_by_itself_and_what_counts_beside_its_neighbours() -> None:
    names = [[part.name for part in turn] for turn in turns(page.PARTS)]
    assert [turn for turn in names if len(turn) > 1] == [["load", "scale"]]
    assert [name for turn in names for name in turn] == [part.name for part in page.PARTS]
