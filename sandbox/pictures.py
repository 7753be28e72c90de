"""Pictures: of the watch and of the report, made from one release in the sandbox."""

import io
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME
from rich.text import Text

from sandbox import article
from sandbox.article import Sizing
from sandbox.cloud import Sandbox
from sandbox.console import exit_with, quiet
from sandbox.demo.acts import start_execution, watch_share
from sandbox.demo.asking import ask
from sandbox.demo.evidence_checks import shown_worse
from sandbox.demo.judge import judged
from sandbox.demo.scenarios import BY_SHARE, Scenario, by_judge
from sandbox.fronts.names import FRONTS
from stepcanary.domain.picture import Picture
from stepcanary.report.facts import Facts
from stepcanary.report.page import page
from stepcanary_cli.failures import Refused
from stepcanary_cli.scene import SECOND, scene

TAG = "v2-fail6"
STEPS = [
    {"weight": 5, "bake_seconds": 8},
    {"weight": 50, "bake_seconds": 90},
    {"weight": 100, "bake_seconds": 10},
]
COLUMNS = 100
LOOK_SECONDS = 0.3
TERMINAL = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">
<style>
.{unique_id}-matrix {{
  font: {char_height}px/{line_height}px ui-monospace, Menlo, Consolas, monospace;
}}
.{unique_id}-title {{ font: bold 18px system-ui, sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""As rich draws a terminal, with the fonts that a reader has: its own loads one from elsewhere."""


def begin(sandbox: Sandbox) -> str:
    profile = {**sandbox.profile, "steps": STEPS, **BY_SHARE, "judge": by_judge(kind="errors")}
    images = {"app": article.image(TAG)}
    request = {"service": "checkout", "images": images, "profile": profile, "by": "jane"}
    return start_execution(sandbox, request)


PICTURED = Scenario(
    "pictured",
    TAG,
    "Reverted",
    lambda report: shown_worse({**report, "bakes": report["bakes"] - 1}),
    expected="it fails 6 % where the primary fails 1 %, and is reverted in its second step",
    begin=begin,
    profile=BY_SHARE,
    before=watch_share(25.0),
    sizing=Sizing(tag="v1-fail1"),
    seconds_before=6.0,
)


@contextmanager
def watched(sandbox: Sandbox) -> Iterator[list[Picture]]:
    """What a watch of the service would have shown, look by look."""
    seen: list[Picture] = []
    is_over = threading.Event()

    def look() -> None:
        while not is_over.wait(LOOK_SECONDS):
            try:
                story = ask(sandbox, {"question": "show", "release": "checkout"})
                seen.append(Picture.model_validate(story["picture"], strict=False))
            except Refused:
                continue

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield seen
    finally:
        is_over.set()
        looking.join()


def drawn(picture: Picture) -> str:
    """A terminal with the watch as it was then, as SVG; without the plan's warnings, which are of
    the sandbox's short bakes."""
    picture = picture.model_copy(update={"warnings": []})
    console = Console(
        record=True,
        width=COLUMNS,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        markup=False,
        emoji=False,
        highlight=False,
    )
    console.print(Text("$ stepcanary watch checkout", style="bold"))
    console.print(scene(picture, now=picture.drawn_at / SECOND, width=COLUMNS))
    return console.export_svg(
        title="stepcanary watch", theme=SVG_EXPORT_THEME, code_format=TERMINAL, unique_id="watch"
    )


def main() -> int:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["TZ"] = "UTC"
    time.tzset()
    quiet()
    with Sandbox(FRONTS["alb"](), sizing=PICTURED.sizing) as sandbox:
        with watched(sandbox) as seen:
            report, problems = judged(sandbox, PICTURED)
        if problems:
            raise RuntimeError(f"no release to show: {'; '.join(problems)}")
        facts = Facts.gathered(partial(ask, sandbox), report["execution"])
    baking = [each for each in seen if each.step == 1 and each.waiting and each.metrics]
    (folder / "watch.svg").write_text(drawn(baking[-1]), encoding="utf-8")
    made = Path("build/pictures")
    made.mkdir(parents=True, exist_ok=True)
    (made / "report.html").write_text(page(facts), encoding="utf-8")
    script = Path(os.environ["BROWSER"]) / "picture.mjs"
    node = shutil.which("node") or ""
    subprocess.run([node, str(script), str(made / "report.html"), str(folder)], check=True)
    for path in sorted(folder.iterdir()):
        print(f"  {path}: {path.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    exit_with(main)
