"""What an audit lets pass, and that silence is not taken for a good answer."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from emulator.template import ROOT
from tools.audit import allowed, packages, secrets, templates
from tools.audit.allowed import Allowed, Check

NONE = Allowed({}, {}, ())
ADVISORY = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-2"], "fix_versions": ["2.9.0"]}
PINS = {"a==1": ["requirements-dev.txt"], "a==2": ["requirements-sam.txt"], "b==1": ["x"]}


def answering(service: str, answers: packages.Answers) -> packages.Ask:
    """A service that answers so about what it is asked; the other one answers nothing."""

    def ask(asked: str, pins: set[str]) -> packages.Answers:
        names = [pin.partition("==")[0] for pin in pins]
        assert len(set(names)) == len(names), "pip-audit refuses two versions of a package"
        return {p: a for p, a in answers.items() if p in pins} if asked == service else {}

    return ask


@pytest.mark.parametrize("service", packages.SERVICES)
def test_an_advisory_names_the_lock_and_the_way_out(service: str) -> None:
    answers: packages.Answers = {"a==1": [], "a==2": [ADVISORY], "b==1": []}
    findings = packages.look(PINS, NONE, answering(service, answers))
    assert packages.complaints(findings, NONE) == [
        "a==2 in requirements-sam.txt: PYSEC-2026-1, fixed in 2.9.0"
    ]
    assert (findings.asked, findings.unasked) == (set(PINS), set())


def test_what_nobody_answers_about_is_named() -> None:
    findings = packages.look(PINS, NONE, answering("osv", {"b==1": []}))
    assert findings.unasked == {"a==1", "a==2"}
    assert packages.complaints(findings, NONE) == []


def test_an_advisory_is_excused_by_any_of_its_names_and_for_no_longer_than_it_is_there() -> None:
    permitted = replace(NONE, advisories={"CVE-2026-2": "we never call it"})
    bad: packages.Answers = {"a==1": [], "a==2": [ADVISORY], "b==1": []}
    assert (
        packages.complaints(packages.look(PINS, permitted, answering("pypi", bad)), permitted) == []
    )
    good: packages.Answers = {pin: [] for pin in PINS}
    (stale,) = packages.complaints(
        packages.look(PINS, permitted, answering("pypi", good)), permitted
    )
    assert "CVE-2026-2 excuses nothing any more" in stale
    # Who was not asked cannot say that it is gone.
    silent = packages.look(PINS, permitted, answering("pypi", {}))
    assert packages.complaints(silent, permitted) == []


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (lambda pins: {}, 2, "NOT ASKED: 2"),
        (lambda pins: {pin: [] for pin in pins}, 0, "2 packages asked about, 0 advisories"),
        (lambda pins: {"a==1": [ADVISORY]}, 1, "NOT ASKED: 1"),
    ],
)
def test_the_exit_code_tells_silence_from_a_good_answer(
    answer: Callable[[set[str]], packages.Answers],
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(packages, "pinned", lambda: {"a==1": ["x"], "b==1": ["x"]})
    assert packages.main(lambda _, pins: answer(pins)) == code
    assert said in capsys.readouterr().out


def test_a_package_that_is_skipped_is_not_answered_about() -> None:
    """As pip-audit reports what its service does not know, with the exit code of success."""
    skipped = {"name": "b", "skip_reason": "Dependency not found on PyPI: b (1)"}
    report = {"dependencies": [{"name": "a", "version": "1", "vulns": []}, skipped], "fixes": []}
    assert packages.answers(json.dumps(report)) == {"a==1": []}
    assert packages.answers("Traceback (most recent call last):") == {}


def test_every_lock_is_asked_about() -> None:
    locks = {str(path.relative_to(ROOT)) for path in ROOT.glob("requirements-*.txt")}
    named = {lock for where in packages.pinned().values() for lock in where}
    assert named == locks | {"package/libraries.txt", "package/slack.txt"}
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+", pin) for pin in packages.pinned())


WANTED = [*sorted(ROOT.glob("package/*.in")), *sorted(ROOT.glob("requirements-*.in"))]


@pytest.mark.parametrize("wanted", WANTED, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_lock_has_the_versions_that_are_wanted(wanted: Path) -> None:
    """A bot that raises one of them leaves the lock to `make requirements`."""
    pins = re.findall(r"^([\w-]+)(?:\[[\w,-]+\])?==([\w.]+)$", wanted.read_text(), re.MULTILINE)
    assert pins
    lock = wanted.with_suffix(".txt").read_text().splitlines()
    missing = {f"{name.lower()}=={version}" for name, version in pins} - set(lock)
    assert missing == set(), "run `make requirements`"


def failed(check: str, resource: str) -> dict[str, Any]:
    return {"check_id": check, "resource": resource, "check_name": "Ensure it"}


def report(*failures: dict[str, Any], passed: int = 1) -> dict[str, Any]:
    return {"results": {"failed_checks": list(failures)}, "summary": {"passed": passed}}


def test_a_check_that_fails_is_excused_at_the_resources_that_are_named() -> None:
    found = templates.failures(
        json.dumps([report(failed("CKV_1", "T.A"), failed("CKV_1", "U.B")), report()])
    )
    excuse = Check("CKV_1", ("T.*",), "why")
    assert templates.complaints(found, [excuse]) == ["CKV_1 U.B: Ensure it"]
    stale = replace(excuse, id="CKV_2", resources=("T.A",))
    assert "CKV_2 at T.A excuses nothing" in templates.complaints(found, [excuse, stale])[1]


@pytest.mark.parametrize("nothing", [report(passed=0), {"passed": 0, "failed": 0}])
def test_a_scan_of_nothing_is_no_success(nothing: dict[str, Any]) -> None:
    with pytest.raises(SystemExit, match="looked at nothing"):
        templates.failures(json.dumps(nothing))


def test_a_secret_is_excused_by_its_value_and_never_printed() -> None:
    there = {"type": "Secret Keyword", "line_number": 7}
    seen = [{**there, "hashed_secret": secrets.digest(value)} for value in ("testing", "hunter2")]
    found = secrets.found_in(json.dumps({"results": {"x.py": seen}}))
    complained = secrets.complaints(found, ["testing", "gone"])
    assert complained[0] == "x.py:7: Secret Keyword"
    assert "gone excuses nothing any more" in complained[1]
    assert not any("hunter2" in line for line in complained)


def test_every_excuse_has_a_reason() -> None:
    permitted = allowed.read()
    reasons = [
        *permitted.advisories.values(),
        *permitted.secrets.values(),
        *(check.reason for check in permitted.checks),
    ]
    assert len(reasons) > 10
    assert [reason for reason in reasons if len(reason.split()) < 3] == []
