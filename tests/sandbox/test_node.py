"""A program in another language, with an SDK that shares nothing with boto3, uses the sandbox."""

import json
import os
import shutil
import subprocess

import pytest

from emulator.template import ROOT
from sandbox import article
from sandbox.cloud import Sandbox, environment
from sandbox.demo.run import wait_until_ready
from sandbox.fronts.names import FRONTS

NODE = shutil.which("node") or ""
FOLDER = os.environ.get("SDK", "")
"""Where tests/sandbox/sdk is installed with what it needs."""


@pytest.mark.skipif(not FOLDER, reason="`make sdk-check` runs it, which needs Node")
@pytest.mark.parametrize("router", FRONTS)
def test_an_sdk_in_node_releases(router: str) -> None:
    with Sandbox(FRONTS[router]()) as opened:
        wait_until_ready(opened)
        world = {
            "table": opened.table,
            "cluster": opened.profile["cluster"],
            "service": "checkout",
            "primary": article.PRIMARY,
            "image": article.image("v2"),
            "traffic": opened.profile["traffic"][0],
        }
        env = {**environment(opened.endpoint), "PATH": os.environ["PATH"]}
        env |= {"STATE_MACHINE": opened.machine, "WORLD": json.dumps(world)}
        done = subprocess.run(
            [NODE, "release.mjs"],
            cwd=ROOT / FOLDER,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
