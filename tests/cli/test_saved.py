"""A report that was written down is made again and judged again, without AWS, and a changed one is
told to be one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stepcanary.report.facts import digest
from stepcanary_cli.outcomes import Exit
from stepcanary_cli.saved import MOST_BYTES
from tests.cli.conftest import Command
from tests.fakes.service import Document
from tests.handlers.test_garbage import replaced
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
    return json.loads(_parts(page)[1])


def _parts(page: Path) -> tuple[str, str, str]:
    """The page around its data, and these."""
    text = page.read_text()
    begin = text.index('id="report">') + len('id="report">')
    end = text.index("</script>", begin)
    return text[:begin], text[begin:end], text[end:]


def put_data(page: Path, data: Any) -> None:
    before, _, after = _parts(page)
    page.write_text(before + json.dumps(data).replace("<", "\\u003c") + after)


def by_an_older_version(evidence: Any) -> None:
    """It knew less, all of which has a default today."""
    del evidence["picture"]["warnings"]
    del evidence["picture"]["exposure"]["whole"]
    del evidence["judging"]
    for row in evidence["rows"]:
        del row["incomplete"], row["moving"]


def by_a_newer_version(evidence: Any) -> None:
    evidence["mood"] = "calm"
    evidence["picture"]["mood"] = {"was": "tense"}
    evidence["picture"]["metrics"][0]["mood"] = 1
    for row in evidence["rows"]:
        row["mood"] = [1.0, None]


OTHERS = {"older": by_an_older_version, "newer": by_a_newer_version}


@pytest.mark.parametrize("write", OTHERS.values(), ids=OTHERS)
def test_a_page_of_another_version_keeps_its_evidence_and_its_hash(
    write: Callable[[Any], None], page: Path, command: Command, tmp_path: Path
) -> None:
    data = data_of(page)
    before = data["sha256"]
    write(data["evidence"])
    data["sha256"] = digest(data["evidence"])
    assert data["sha256"] != before
    put_data(page, data)
    again = tmp_path / "again.html"
    done = command("report", "--from", str(page), "--html", str(again), "--json")
    assert done.code == Exit.DONE, done.err
    assert (done.json["evidence"], done.json["sha256"]) == (data["evidence"], data["sha256"])
    assert data_of(again) == data
    assert f"<code>{data['sha256']}</code>" in again.read_text()
    lines = command("report", "--from", str(again), "--markdown").out
    assert f"`sha256:{data['sha256'][:16]}`" in lines
    replayed = command("replay", "--from", str(again), "--json").json
    assert (replayed["holds"], replayed["sha256"]) == (True, data["sha256"])


@pytest.mark.parametrize("write", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("place", ["known", "unknown", "added"])
def test_a_page_of_another_version_that_was_changed_is_told_to_be(
    write: Callable[[Any], None], place: str, page: Path, command: Command
) -> None:
    """Also in what this version does not know."""
    data = data_of(page)
    write(data["evidence"])
    data["evidence"]["later"] = 1
    data["sha256"] = digest(data["evidence"])
    if place == "known":
        data["evidence"]["rows"][0]["counts"]["errors"][1] += 1
    elif place == "unknown":
        data["evidence"]["later"] = 2
    else:
        data["evidence"]["rows"][0]["incomplete"] = ["errors"]
    put_data(page, data)
    assert "was changed since it was written" in command("report", "--from", str(page)).err
    assert not command("replay", "--from", str(page), "--json").json["holds"]


def test_what_this_version_would_fill_in_itself_is_a_change_too(
    page: Path, command: Command
) -> None:
    data = data_of(page)
    del data["evidence"]["picture"]["warnings"]
    put_data(page, data)
    assert command("report", "--from", str(page)).code == Exit.FAULT


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
    neither, both = command(word), command(word, "checkout", "--from", str(tmp_path / "x"))
    assert (neither.code, ", or give --from FILE" in neither.err) == (Exit.MISUSE, True)
    assert (both.code, "both checkout and --from" in both.err) == (Exit.MISUSE, True)
    missing = command(word, "--from", str(tmp_path / "none"))
    assert (missing.code, "cannot be read" in missing.err) == (Exit.MISUSE, True)


EDITS: dict[str, tuple[tuple[Any, ...], Any]] = {
    "no entries": (("history",), [1, 2]),
    "an entry without its execution": (("history", 0, "execution"), ...),
    "a time that is none": (("history", 0, "started_at"), "y"),
    "a time before all": (("history", 0, "started_at"), -1),
    "a year that no calendar has": (("evidence", "picture", "started_at"), 10**30),
    "a second that no calendar has": (("evidence", "picture", "signals", 0, "at"), 10**12),
    "a period that no calendar has": (("evidence", "rows", 0, "at"), 10**12),
    "no number": (("evidence", "picture", "metrics", 0, "worse"), float("nan")),
    "half a character": (("summary",), "\ud800"),
    "no release": (("evidence", "past"), "x"),
    "no sentence": (("summary",), {"a": 1}),
    "no evidence": (("evidence",), []),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_page_that_was_edited_into_no_report_is_misuse(
    edit: tuple[tuple[Any, ...], Any], page: Path, command: Command
) -> None:
    """Also where whoever did it knew of the hash."""
    data = replaced(data_of(page), *edit)
    data["sha256"] = digest(data["evidence"])
    put_data(page, data)
    for word in ("report", "replay"):
        done = command(word, "--from", str(page))
        assert done.code == Exit.MISUSE, done.err
        assert "it was changed, or written by another version" in done.err


@pytest.mark.parametrize("option", [("--days", "3"), ("--profile", "x.json")])
def test_what_a_report_leaves_no_room_for_is_misuse(
    option: tuple[str, str], command: Command, tmp_path: Path
) -> None:
    done = command("replay", "--from", str(tmp_path / "x"), *option)
    assert (done.code, f"{option[0]} is not for --from" in done.err) == (Exit.MISUSE, True)
