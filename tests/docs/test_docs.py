"""The docs say what is: files that exist, targets that make has, JSON that is accepted, links that
lead somewhere."""

import ast
import json
import re
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, get_args
from xml.etree import ElementTree

import pytest

from emulator.template import ROOT
from stepcanary.domain.judging import Judging, Metric
from stepcanary.domain.log_source import LogSource
from stepcanary.domain.measures import Measure, Series
from stepcanary.domain.model import Model
from stepcanary.domain.profile import Profile
from stepcanary.domain.request import ActionRequest
from stepcanary.domain.signals import Kind
from stepcanary.domain.usual import Usual
from stepcanary.domain.verdict import Decision
from tests.builders import profile, request
from tests.statemachine.runner import World
from tools import draw_workflow

DOCS = ROOT / "docs"
INDEX = DOCS / "README.md"
EXAMPLES = ROOT / "examples"
PAGES = sorted(
    page
    for pattern in ("*.md", "docs/**/*.md", "events/*.md", "examples/**/*.md", "tests/*.md")
    for page in ROOT.glob(pattern)
)
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
ROOTS = [ROOT, ROOT / "functions", ROOT / "functions/stepcanary"]
"""What the paths on the pages are relative to."""
FOLDERS = {
    each.name
    for root in ROOTS
    for each in root.iterdir()
    if each.is_dir() and not each.name.startswith(".")
}
PLAIN_ENGLISH = {"input"}
"""Words of class names that need no entry in the glossary."""
NOT_IN_GIT = {"build"}
MADE_ELSEWHERE = {
    "imagedefinitions.json", "imageDetail.json",  # by CodePipeline and ECR
    "endpoints.json",  # botocore's
    "report.json", "report-alb.json",  # by `make demo`
}  # fmt: skip
"""Files that pages name and that are in no commit."""
SUFFIXES = (".md", ".py", ".json", ".yaml", ".yml", ".toml", ".tf", ".txt", ".in", ".sh")
PLACEHOLDERS = re.compile(r"[<>*…{}]")
ARTICLE = "https://jedipunkz.github.io/post/app-mesh-ecs-canary/"


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^ *```{language}\n(.*?)^ *```", page.read_text(), re.MULTILINE | re.DOTALL)


def without_blocks(page: Path) -> str:
    fenced = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
    return fenced.sub("", page.read_text())


def prose(page: Path) -> str:
    return re.sub(r"`[^`]*`", "", without_blocks(page))


def links(page: Path) -> list[str]:
    """The targets of the page's links, without those that leave the repository."""
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    targets += re.findall(r"^\[[^\]]+\]: (\S+)", prose(page), re.MULTILINE)
    return [target for target in targets if "://" not in target]


def named(page: Path) -> list[str]:
    """The files and folders of the repository that the page names in code spans."""
    spans = re.findall(r"`([\w./<>*…{}$-]+)`", without_blocks(page))
    known = [span for span in spans if not PLACEHOLDERS.search(span)]
    folders = FOLDERS - NOT_IN_GIT
    return [
        span
        for span in known
        if ("/" in span and span.split("/")[0] in folders)
        or (span.endswith(SUFFIXES) and span.split("/")[0] not in NOT_IN_GIT)
    ]


def linked(page: Path, target: str) -> Path:
    path = target.partition("#")[0]
    return (page.parent / path).resolve() if path else page


def anchors(page: Path) -> set[str]:
    """The anchors of the page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", without_blocks(page), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@cache
def file_names() -> set[str]:
    folders = [ROOT / name for name in FOLDERS - NOT_IN_GIT if (ROOT / name).is_dir()]
    below = {path.name for each in folders for path in each.rglob("*") if path.is_file()}
    return below | {path.name for path in ROOT.iterdir()}


def exists(page: Path, path: str) -> bool:
    """A path is relative to one of the roots, or to its page; a bare name is that of any file."""
    if any((root / path).exists() for root in [*ROOTS, page.parent]):
        return True
    return "/" not in path and path in file_names() | MADE_ELSEWHERE


@each_page
def test_files_that_are_named_exist(page: Path) -> None:
    assert [path for path in named(page) if not exists(page, path)] == []


@pytest.mark.parametrize("page", [ROOT / "README.md", INDEX], ids=["README", "index"])
def test_what_a_newcomer_reads_first_links_the_files_that_it_names(page: Path) -> None:
    linked_away = re.sub(r"\[[^\]]*\]\([^)]*\)", "", without_blocks(page))
    bare = re.findall(r"`([\w./-]+)`", linked_away)
    assert [path for path in bare if "/" in path and (ROOT / path).exists()] == []


@each_page
def test_targets_that_are_named_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    commands = "\n".join(blocks(page, "shell"))
    spans = re.findall(r"`make ([a-z-]+)", page.read_text())
    assert {*spans, *re.findall(r"^make ([a-z-]+)", commands, re.MULTILINE)} <= targets


@each_page
def test_links_lead_to_pages_and_headings_that_exist(page: Path) -> None:
    broken = []
    for target in links(page):
        destination, anchor = linked(page, target), target.partition("#")[2]
        is_ours = destination.is_relative_to(ROOT) and destination.exists()
        if not is_ours or (anchor and anchor not in anchors(destination)):
            broken.append(target)
    assert broken == []


def test_every_page_is_reached_from_the_index() -> None:
    reached: set[Path] = set()
    following = [INDEX]
    while following:
        page = following.pop()
        if page.suffix == ".md" and page not in reached:
            reached.add(page)
            following += [linked(page, target) for target in links(page)]
    assert [page for page in PAGES if page not in reached] == []
    assert INDEX in [linked(ROOT / "README.md", target) for target in links(ROOT / "README.md")]


def test_the_index_names_every_page_and_every_decision() -> None:
    pages = {linked(INDEX, target) for target in links(INDEX)} & set(PAGES)
    of_one_example = {page for page in PAGES if page.parent.parent == EXAMPLES}
    assert sorted(pages | of_one_example) == sorted(page for page in PAGES if page != INDEX)


def test_the_page_of_the_examples_names_every_one() -> None:
    page = EXAMPLES / "README.md"
    shown = {linked(page, target) for target in links(page)}
    folders = [each for each in sorted(EXAMPLES.iterdir()) if each.is_dir()]
    assert [each for each in folders if not {each, *each.iterdir()} & shown] == []


def entries() -> list[str]:
    """The first cells of the glossary's rows: each has one word or several."""
    rows = re.findall(r"^\| ([^|]+) \|", (DOCS / "glossary.md").read_text(), re.MULTILINE)
    return [cell for cell in rows if cell != "word"]


def defined() -> set[str]:
    return {word for cell in entries() for word in re.split(r"[ ,`]+", cell.lower())}


def test_the_glossary_has_every_signal_action_and_verdict() -> None:
    actions = get_args(ActionRequest.model_fields["action"].annotation)
    assert {*get_args(Kind), *get_args(Decision), *actions} <= defined()


def test_the_glossary_defines_a_word_once() -> None:
    terms = [term for cell in entries() for term in cell.split(", ")]
    assert [term for term, count in Counter(terms).items() if count > 1] == []


@pytest.mark.parametrize("folder", ["domain", "store", "release", "traffic"])
def test_the_glossary_has_every_word_of_a_class_name(folder: str) -> None:
    missing = {}
    for path in sorted((ROOT / "functions/stepcanary" / folder).rglob("*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                words = {word.lower() for word in re.findall(r"[A-Z][a-z]+", node.name)}
                singular = {word.removesuffix("s") for word in words - defined()}
                if unknown := singular - defined() - PLAIN_ENGLISH:
                    missing[node.name] = unknown
    assert missing == {}


@each_page
def test_the_article_is_linked_where_a_page_first_speaks_of_it(page: Path) -> None:
    paragraphs = re.split(r"\n\s*\n", page.read_text())
    speaking = [text for text in paragraphs if re.search(r"\barticle\b", text)]
    assert not speaking or ARTICLE in speaking[0]


def test_the_first_release_of_the_readme_is_that_of_the_example() -> None:
    shown = [json.loads(text) for text in blocks(ROOT / "README.md", "json")]
    files = [ROOT / "examples/alb" / name for name in ("profile.json", "request.json")]
    assert shown == [json.loads(path.read_text()) for path in files]


@pytest.mark.parametrize("model", [Judging, Metric, LogSource, Measure, Series, Usual])
def test_the_configuration_has_every_key_of_the_judge(model: type[Model]) -> None:
    section = (DOCS / "configuration.md").read_text().partition("\n## Judge\n")[2]
    shown = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`]+`", section.partition("\n## ")[0]))))
    assert set(model.model_fields) - shown == set()


def test_the_folders_of_the_architecture_are_the_layers_that_are_checked() -> None:
    section = (DOCS / "architecture.md").read_text().partition("## Folders")[2]
    table = section.partition("|---|---|")[2].partition("\n\n")[0]
    shown = [set(re.findall(r"`(\w+)`", row.split("|")[1])) for row in table.strip().splitlines()]
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = (each["layers"] for each in linter["contracts"] if each["type"] == "layers")
    checked = [{name.rpartition(".")[2] for name in row.split(" | ")} for row in layers]
    assert shown == checked[checked.index({"handlers"}) :]


@pytest.mark.parametrize("path", [ROOT / "README.md", DOCS / "architecture.md"])
def test_the_figure_of_the_workflow_is_that_of_the_definition(path: Path) -> None:
    text = path.read_text()
    assert len(blocks(path, "mermaid")) == 1
    assert draw_workflow.page(text) == text, "run `make workflow`"


def test_a_state_that_is_in_no_stage_is_named() -> None:
    state = {"Type": "Wait", "Seconds": 1, "Next": "Revert"}
    with pytest.raises(KeyError, match="WaitForLuck is in no stage"):
        draw_workflow.stage_of("WaitForLuck", state)


def test_stages_have_states_of_the_definition() -> None:
    placed = {*draw_workflow.STAGES, *" ".join(draw_workflow.STAGES.values()).split()}
    placed |= draw_workflow.WITHOUT | draw_workflow.INNER_ENDS
    text = draw_workflow.DEFINITION.read_text()
    assert [name for name in sorted(placed) if f'"{name}": {{' not in text] == []


MOST_BYTES = 200_000
"""Of one picture."""


def pictures(page: Path) -> list[Path]:
    sources = re.findall(r'(?:src|srcset)="([^"]+)"', without_blocks(page))
    return [(page.parent / each).resolve() for each in sources if "://" not in each]


def test_pictures_are_there_small_and_shown() -> None:
    shown = {each for page in PAGES for each in pictures(page)}
    assert shown == {each.resolve() for each in (DOCS / "pictures").iterdir()}
    assert [each for each in shown if each.stat().st_size > MOST_BYTES] == []


@pytest.mark.parametrize("path", sorted(DOCS.glob("pictures/*.svg")), ids=lambda path: path.name)
def test_a_drawn_picture_loads_and_runs_nothing(path: Path) -> None:
    text = path.read_text()
    drawing = ElementTree.fromstring(text)  # noqa: S314 - we have made it
    names = {
        name.rpartition("}")[2] for each in drawing.iter() for name in (each.tag, *each.keys())
    }
    assert not names & {"script", "image", "use", "foreignObject", "href", "src"}
    assert not [name for name in names if name.startswith("on")]
    assert re.findall(r"url\((?!#)|@import|@font-face", text) == []


def test_the_profile_of_a_migration_is_one() -> None:
    (text,) = blocks(ROOT / "docs/migration.md", "json")
    moving = Profile.model_validate(profile(**json.loads("{" + text + "}")))
    assert [traffic.router for traffic in moving.traffic] == ["appmesh", "alb"]


def test_the_test_that_shows_how_to_write_one_passes(here: World) -> None:
    (text,) = blocks(ROOT / "tests/README.md", "python")
    names: dict[str, Any] = {"World": World, "request": request}
    exec(text, names)  # noqa: S102 - the page is in this repository
    (shown,) = (value for name, value in names.items() if name.startswith("test_"))
    shown(here)
