"""Reports in a browser: they load nothing, run nothing, and can be read in every mode."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from emulator.template import ROOT
from stepcanary.report.facts import Facts
from stepcanary.report.page import page
from tests.unit.example_reports import EXAMPLES, HOSTILE, a_hostile

NODE = shutil.which("node") or ""
FOLDER = os.environ.get("BROWSER", "")
"""Where tests/browser/page is installed with what it needs."""
DEMOS = ("demo", "scenarios", "chosen")
"""Folders of build that have the reports of releases in the sandbox."""
LONG_WORD = "a" * 200 + "\u202e\u2066" + "\u0645\u0631\u062d\u0628\u0627" * 15
PAGES = {name: made() for name, made in EXAMPLES.items()} | {"hostile-long": a_hostile(LONG_WORD)}
SPOILED = """<!doctype html><html><head>
<meta http-equiv="Content-Security-Policy" content="script-src 'none'">
</head><body><main><img src="http://image.example/a.png">
<p style="width: 2000px; color: #bbb">pale</p>
<script>alert(1)</script>
<svg role="img" width="100" height="20" viewBox="0 0 400 80">
<rect width="400" height="80" fill="#ffffff" /><text x="1" y="40" fill="#cccccc">lies</text>
<text x="3" y="40">upon</text><text x="390" y="70">leaves</text></svg>
</main></body></html>"""
"""A page that has everything that is looked for."""
Found = dict[str, dict[str, list[str]]]

pytestmark = [
    pytest.mark.skipif(
        not FOLDER, reason="`make browser-check` runs it, which needs Node and Chromium"
    ),
    pytest.mark.timeout(1_800),
]


def remade(path: Path) -> str:
    """The page that today's code makes of the data in this one."""
    [script] = re.findall(r"<script[^>]*>(.+)</script>", path.read_text(), re.DOTALL)
    document: Any = json.loads(script)
    facts = Facts.of(document)
    assert facts.sha256 == document["sha256"]
    return page(facts)


@pytest.fixture(scope="module")
def found() -> Found:
    folder = ROOT / FOLDER
    pages = folder / "pages"
    shutil.rmtree(pages, ignore_errors=True)
    pages.mkdir(parents=True)
    texts = {name: page(facts) for name, facts in PAGES.items()}
    for demo in DEMOS:
        for path in sorted((ROOT / "build" / demo).glob("*.html")):
            texts[f"{demo}-{path.stem}"] = remade(path)
    for name, text in {**texts, "spoiled": SPOILED}.items():
        (pages / f"{name}.html").write_text(text)
    done = subprocess.run(
        [NODE, "look.mjs", str(folder)], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    looked: Found = json.loads(done.stdout)
    assert looked.keys() == {*texts, "spoiled"}
    return looked


def test_a_report_is_shown_whole_and_loads_and_runs_nothing(found: Found) -> None:
    wrong = {
        (name, mode): problems
        for name, modes in found.items()
        for mode, problems in modes.items()
        if name != "spoiled" and problems
    }
    assert wrong == {}


@pytest.mark.parametrize(
    "sign",
    [
        "request: http://image.example/a.png",
        "connection: GET http://image.example/a.png",
        "console: .*Content Security Policy",
        "it is 20.. wide",
        "<p> runs over the edge",
        "letters of ",
        "it leaves its chart: leaves",
        "it lies upon lies: upon",
        "contrast 1.6: lies",
        "axe color-contrast: ",
        "axe image-alt: ",
    ],
)
def test_what_a_page_must_not_do_is_found(found: Found, sign: str) -> None:
    problems = {each for modes in found["spoiled"].values() for each in modes}
    assert any(re.match(sign, each) for each in problems), problems


def test_hostile_text_is_in_what_was_looked_at() -> None:
    assert "<script>" in HOSTILE
    assert "javascript:" in json.dumps(PAGES["hostile"].past)
