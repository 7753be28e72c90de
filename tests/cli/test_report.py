"""A report is written of a release that ran, by the same numbers that `show` answers."""

import json
import re
from typing import Any

from stepcanary_cli.outcomes import Exit
from tests.builders import request
from tests.cli.conftest import Command
from tests.statemachine.runner import World


def test_a_release_is_reported_as_page_lines_and_json(
    stack: World, command: Command, tmp_path: Any
) -> None:
    seen: list[str] = []
    stack.clock.after(100, lambda: seen.append(command("report", "checkout").out))
    assert stack.release({**request(), "by": "john"}).state == "Released"
    [running] = seen
    assert running.startswith("**`checkout`: Running** `shop:v1` → `shop:v2`")
    path = tmp_path / "report.html"
    done = command("report", "checkout", "--html", str(path), "--json")
    assert done.code == Exit.DONE, done.err
    assert f"the report is in {path}" in done.err
    picture = command("show", "checkout", "--json").json["picture"]
    drawn = done.json["evidence"]["picture"]
    assert {**picture, "drawn_at": drawn["ended_at"]} == drawn
    [script] = re.findall(r"<script[^>]*>(.+)</script>", path.read_text(), re.DOTALL)
    assert json.loads(script) == done.json
    # What is over has one hash, by whichever name and whenever it is asked for.
    again = command("report", "release-1")
    assert again.code == Exit.DONE
    assert again.out.splitlines()[0].startswith("**`checkout`: Released**")
    assert f"`sha256:{done.json['sha256'][:16]}`" in again.out
    assert command("report", "checkout", "--html", str(path)).out == f"the report is in {path}\n"
    both = command("report", "checkout", "--html", str(path), "--markdown")
    assert both.out.splitlines()[1:] == again.out.splitlines()


def test_what_cannot_be_written_or_answered_is_told(
    stack: World, command: Command, tmp_path: Any
) -> None:
    assert command("report", "checkout").code == Exit.REJECTED
    two = command("report", "checkout", "--markdown", "--json")
    assert (two.code, two.json["exit_code"]) == (Exit.MISUSE, Exit.MISUSE)
    assert stack.release(request()).state == "Released"
    nowhere = command("report", "checkout", "--html", str(tmp_path / "none" / "report.html"))
    assert nowhere.code == Exit.MISUSE
    assert "cannot be written" in nowhere.err
