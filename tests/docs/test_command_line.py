"""What the pages say of the command line is so: commands that parse, exit codes, keys of JSON."""

import re
import shlex
from typing import Any

import click
import pytest

from emulator import template
from stepcanary.contracts.questions import (
    CheckAnswer,
    Checked,
    History,
    PastRelease,
    Previewed,
    ReleaseStory,
    ServiceStatus,
    StackStatus,
)
from stepcanary.domain.exposure import Assumed
from stepcanary.domain.judged import AlarmSeen, MetricSeen
from stepcanary.domain.picture import Deployed, Exposure, Picture
from stepcanary.domain.preview import PreviewStep, Source
from stepcanary.domain.ramp import Ramp, RampStep
from stepcanary.domain.rejudging import Rejudgement
from stepcanary.domain.replay import FalseReverts, Found, Rejudged
from stepcanary_cli.app import cli
from stepcanary_cli.outcomes import Ended, Exit
from tests.docs.test_commands import commands
from tests.docs.test_docs import PAGES
from tests.unit.example_reports import a_young

PAGE = template.ROOT / "docs/command-line.md"
PIPELINE = template.ROOT / "examples/pipeline/template.yaml"
TYPED = sorted(
    {c for page in PAGES for c in commands(page) if c.startswith("stepcanary ")}
    | set(re.findall(r"^ +- (stepcanary .+)$", PIPELINE.read_text(), re.MULTILINE))
)


def rows(heading: str) -> list[list[str]]:
    """The cells of a section's table, without its head."""
    section = PAGE.read_text().partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^\|(.+)\|$", section, re.MULTILINE)
    return [[cell.strip() for cell in line.split(" | ")] for line in lines[2:]]


def test_there_are_commands_to_check() -> None:
    assert len(TYPED) > 6
    assert any("promote" in line and "$SERVICE" in line for line in TYPED)


@pytest.mark.parametrize("line", TYPED)
def test_a_command_on_a_page_can_be_typed(line: str) -> None:
    words = shlex.split(line, comments=True)[1:]
    # What the shell does with the answer is no word of the command.
    words = words[: next((n for n, word in enumerate(words) if ">" in word), None)]
    if words == ["--version"]:
        return
    with cli.make_context("stepcanary", words) as context:
        name, command, rest = cli.resolve_command(context, [*context.protected_args, *context.args])
        assert command is not None
        command.make_context(name, rest, parent=context)


def test_the_page_has_every_command() -> None:
    named: set[str] = set()
    for cells in rows("Commands"):
        named |= {words.split()[0] for words in re.findall(r"`([^`]+)`", cells[0])}
    assert named == set(cli.commands)


def test_the_page_has_every_exit_code() -> None:
    table = {int(code): name.strip("`") for code, name, _ in rows("Exit codes")}
    assert table == {int(each): each.name for each in Exit}


def test_the_page_has_the_keys_of_each_document() -> None:
    models: dict[str, Any] = {
        "`status`": StackStatus,
        "`status SERVICE`": ServiceStatus,
        "`history`": History,
        "a release in `history`": PastRelease,
        "`show`": ReleaseStory,
        "`picture` of `show`": Picture,
        "an entry of `metrics`": MetricSeen,
        "`exposure` of `picture`": Exposure,
        "an entry of `deployed`": Deployed,
        "an alarm of a verdict": AlarmSeen,
        "`check`": Checked,
        "`preview`": Previewed,
        "an entry of `answers`": CheckAnswer,
        "`traffic` of `preview`": Assumed,
        "an entry of `sources`": Source,
        "a step of `preview`": PreviewStep,
        "`ramp` of `preview`": Ramp,
        "a step of `ramp`": RampStep,
        "a release in `replay`": Rejudged,
        "an entry of `verdicts`": Rejudgement,
        "an entry of `false_reverts`": FalseReverts,
        "an entry of `found`": Found,
    }
    found = {what: re.findall(r"`(\w+)`", keys) for what, keys in rows("As JSON")}
    for what, model in models.items():
        assert found[what] == list(model.model_fields), what
    facts = a_young()
    assert found["`report`"] == list(facts.document)
    assert found["`evidence` of `report`"] == list(facts.evidence)
    assert set(found["every act and `watch`"]) == set(Ended("a", "Done", "").as_json())


def test_every_command_takes_the_common_options() -> None:
    common = {"stack", "state_machine", "region", "aws_profile", "by", "as_json", "patience"}
    for name, command in cli.commands.items():
        assert common <= {each.name for each in command.params}, name
        assert isinstance(command, click.Command)
