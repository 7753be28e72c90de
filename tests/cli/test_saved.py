"""A report that was written down is made again and judged again, without AWS, and a changed one is
told to be one."""

import json
from pathlib import Path
from typing import Any

import pytest

from stepcanary_cli.outcomes import Exit
from stepcanary_cli.saved import MOST_BYTES
from tests.cli.conftest import Command
from tests.fakes.service import Document
from tests.statemachine.runner import World
from tests.statemachine.test_judge import judged, watch, worse


@pytest.fixture
def page(stack: World, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a release that the judge has reverted; from then on AWS answers nobody."""
    stack.cloud.bad = worse(0.02)
    watch(stack, *range(100, 1_200, 30))
    assert stack.release(judged()).state == "Reverted"
    path = tmp_path / "report.html"
    assert command("report", "checkout", "--html", str(path)).code == Exit.DONE
    monkeypatch.delenv("STATE_MACHINE")
    stack.cloud.before_call = unreachable
    return path


def unreachable(name: str, _params: Document) -> None:
    raise AssertionError(f"{name} was called")


def data_of(page: Path) -> Any:
    text = page.read_text()
    begin = text.index('id="report">') + len('id="report">')
    return json.loads(text[begin : text.index("</script>", begin)])


def test_the_same_page_comes_of_a_page_and_of_its_json(
    page: Path, command: Command, tmp_path: Path
) -> None:
    again, saved = tmp_path / "again.html", tmp_path / "saved.json"
    done = command("report", "--from", str(page), "--html", str(again), "--json")
    assert (done.code, again.read_text()) == (Exit.DONE, page.read_text()), done.err
    saved.write_text(done.out)
    command("report", "--from", str(saved), "--html", str(again))
    assert again.read_text() == page.read_text()
    lines = command("report", "--from", str(saved))
    assert lines.out.startswith("**`checkout`: Reverted**")


def test_the_verdicts_are_computed_again_from_the_page(page: Path, command: Command) -> None:
    done = command("replay", "--from", str(page), "--json")
    assert done.code == Exit.DONE, done.out + done.err
    assert (done.json["holds"], done.json["agrees"]) == (True, True)
    assert done.json["release"]["outcome"] == "revert"
    [signal] = data_of(page)["evidence"]["picture"]["signals"]
    assert done.json["release"]["reason"].startswith(signal["reason"].partition(";")[0])
    told = command("replay", "--from", str(page)).out
    assert "are as they were written" in told
    assert "the judge over all periods: revert " in told


def test_each_metric_of_each_verdict_is_held_against_its_periods(
    stack: World, command: Command, tmp_path: Path
) -> None:
    watch(stack, 200, 260, 320, 900)
    assert stack.release(judged()).state == "Released"
    path = tmp_path / "report.json"
    path.write_text(command("report", "checkout", "--json").out)
    done = command("replay", "--from", str(path))
    assert done.code == Exit.DONE, done.out
    assert "4 of 4 agree" in done.out
    document = json.loads(path.read_text())
    verdict = document["evidence"]["picture"]["steps"][0]["verdicts"][0]["metrics"][0]
    verdict["worse"] += 3
    path.write_text(json.dumps(document))
    changed = command("replay", "--from", str(path))
    assert changed.code == Exit.REJECTED
    assert "were changed since they were written" in changed.out
    assert "3 of 4 agree" in changed.out
    assert "with other evidence" in changed.out


def test_of_a_changed_page_no_report_is_made(page: Path, command: Command) -> None:
    page.write_text(page.read_text().replace('"canary_bad": ', '"canary_bad": 1', 1))
    done = command("report", "--from", str(page))
    assert done.code == Exit.FAULT
    assert "was changed since it was written" in done.err
    replayed = command("replay", "--from", str(page), "--json")
    assert (replayed.code, replayed.json["holds"]) == (Exit.REJECTED, False)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is no report, or was cut off"),
        (b"{}", "is no report; give a page"),
        (b"[1, 2]", "is no report; give a page"),
        (b'{"shape": 1, "sha256": "x", "evi', "was cut off"),
        (b"<html><script>{}</script></html>", "a page without a report's data"),
        (b'{"shape": 2, "sha256": "x", "evidence": {}}', "is a report of shape 2"),
        (b'{"shape": 1, "sha256": "x", "evidence": {}}', "cannot read"),
        (b'{"shape": 1, "sha256": "x", "evidence": []}', "cannot read"),
        (b'{"shape": 1, "sha256": "x", "evidence": {"picture": {"phase": "x"}}}', "cannot read"),
        (b"[" * 100_000, "is no report"),
        (b"\xff\xfe\x00", "is no text"),
        (b" " * (MOST_BYTES + 1), "is too large"),
    ],
)
@pytest.mark.parametrize("word", ["report", "replay"])
def test_what_is_no_report_is_told(
    content: bytes, why: str, word: str, command: Command, tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    done = command(word, "--from", str(path))
    assert done.code == Exit.MISUSE, done.err
    assert why in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize("word", ["report", "replay"])
def test_either_the_stack_or_a_file_is_asked(word: str, command: Command, tmp_path: Path) -> None:
    assert command(word).code == Exit.MISUSE
    assert command(word, "checkout", "--from", str(tmp_path / "x")).code == Exit.MISUSE
    missing = command(word, "--from", str(tmp_path / "none"))
    assert (missing.code, "cannot be read" in missing.err) == (Exit.MISUSE, True)
