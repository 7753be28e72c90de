"""Answers as text: nothing is cut, and brackets are nobody's markup."""

import json

import click
import pytest

from stepcanary_cli.outcomes import Ended
from stepcanary_cli.showing import Screen, history, table, text_of_end
from stepcanary_cli.times import moment

CAUSE = "alarms: [bold]Rules[].Actions[] :warning: " + "x" * 300
PAST = {
    "execution": "arn:aws:states:eu-west-1:123456789012:execution:stepcanary-release:release-1",
    "outcome": "Reverted",
    "cause": CAUSE,
    "by": "jane (claimed)",
    "started_at": 1_795_000_000,
    "seconds": 3_725,
}


def test_a_table_has_one_line_for_a_row_where_nobody_reads_it_on_a_screen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Screen(as_json=False).answer({}, history({"service": "checkout", "releases": [PAST]}))
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["release", "outcome", "started", "took", "by", "cause"]
    assert row.startswith("release-1")
    assert "1 h 2 min" in row
    assert row.endswith(CAUSE)


def test_a_table_fits_on_a_screen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "120")
    made = table("what")
    made.add_row(CAUSE)
    Screen(as_json=False).answer({}, made)
    lines = click.unstyle(capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= 120


def test_nothing_is_left_out_on_a_narrow_screen(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "20")
    Screen(as_json=False).answer({}, history({"service": "checkout", "releases": [PAST]}))
    text = click.unstyle(capsys.readouterr().out)
    assert all(column in text for column in ("release", "outcome", "took", "by", "cause"))
    # Folded, but there.
    assert text.count("x") == CAUSE.count("x")


def test_what_people_say_has_no_say_over_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    said = "a\x1b[2Jb\u202ec\u200f\udcff\nReleased: forged"
    found = {"service": "checkout", "releases": [{**PAST, "cause": said}]}
    Screen(as_json=False).show(found, history)
    _, row = capsys.readouterr().out.splitlines()
    assert row.endswith(r"a\x1b[2Jb\u202ec\u200f\udcff Released: forged")
    Screen(as_json=False).warn(said)
    assert "\x1b" not in capsys.readouterr().err
    # As JSON it is what was said.
    Screen(as_json=True).show(found, history)
    assert json.loads(capsys.readouterr().out) == found


def test_no_word_of_people_begins_a_line_at_the_end_of_a_release() -> None:
    said = "revert by jane: it is slow\nReleased: all is well\u2028Released: again"
    assert text_of_end(Ended("arn", "Reverted", said)).splitlines() == [
        "Reverted: revert by jane: it is slow Released: all is well Released: again"
    ]


def test_a_row_that_is_too_wide_for_a_screen_has_its_names_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    name = "release-shop-1795716444256123477"
    made = table("release", "by", "what it needs", "cause")
    made.add_row(name, "jane (claimed)", "", "It was reverted. " * 9)
    made.add_row(name, "", "", "")
    Screen(as_json=False).answer({}, made)
    lines = click.unstyle(capsys.readouterr().out).splitlines()
    assert max(map(len, lines)) <= 60
    assert [line.split() for line in lines if name in line] == [["release", name]] * 2
    assert lines[1] == "by       jane (claimed)"
    assert not any("needs" in line for line in lines)


def test_times_are_said_in_full() -> None:
    assert moment(None) == ""
    assert moment(1_795_000_000) == "2026-11-18 11:06:40 UTC"


def test_an_action_says_what_it_did() -> None:
    did = {"action": "shift", "service": "checkout", "did": "weights 90:10"}
    assert text_of_end(Ended("arn", "Done", "weights 90:10", did)) == "Done: weights 90:10"
