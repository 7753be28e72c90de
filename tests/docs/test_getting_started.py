"""The getting-started page is one script: `make deploy-check` runs it."""

import subprocess

from deploycheck.page import blocks, script
from tests.docs import test_docs

PAGE = test_docs.DOCS / "getting-started.md"
TEXT = PAGE.read_text()
LEFT_OUT = 4


def test_every_block_is_in_the_script() -> None:
    assert [block.text for block in blocks(TEXT)] == test_docs.blocks(PAGE, "shell")


def test_what_is_not_run_has_its_reason() -> None:
    left_out = [block.why_not for block in blocks(TEXT) if block.why_not]
    assert len(left_out) == LEFT_OUT
    assert TEXT.count("<!--") == LEFT_OUT


def test_a_shell_reads_the_script() -> None:
    written = script(PAGE, {"## Remove it all": "echo now it goes"})
    subprocess.run(["/bin/bash", "-n"], input=written, text=True, check=True)
    before, after = written.split("echo now it goes")
    assert "start-execution" in before
    assert "delete-stack" not in before
    assert "start-execution" not in after
