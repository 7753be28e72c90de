"""MiniStack: the emulator as a process, in the environment that only it has."""

import os
import shutil
import signal
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Self

from deploycheck.bridges.names import ELSEWHERE, INTERPRETER
from emulator.account import ACCOUNT
from emulator.template import ROOT
from sandbox.cloud import environment
from sandbox.ports import free_port

PYTHON = ROOT / ".venv-deploy/bin/python"
FOLDER = ROOT / "build/deploy"
START_SECONDS = 60.0
STOP_SECONDS = 10.0
SANDBOX = (
    "APPLICATION_AUTO_SCALING",
    "APP_MESH",
    "CLOUDWATCH",
    "CLOUDWATCH_LOGS",
    "ECS",
    "ELASTIC_LOAD_BALANCING_V2",
    "SERVICEDISCOVERY",
    "VPC_LATTICE",
)
"""The services of which the functions find the sandbox's, as botocore's variables name them."""


class MiniStack:
    """While it is open it answers at `endpoint`.

    What the functions do to a user's services, they do to the sandbox at `elsewhere`; they are run
    by `python`.
    """

    def __init__(self, elsewhere: str, python: str, name: str) -> None:
        self.port = free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._elsewhere, self._python, self._name = elsewhere, python, name
        self.log = FOLDER / f"ministack-{name}.log"

    def __enter__(self) -> Self:
        scratch = self._scratch()
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [PYTHON, "-m", "deploycheck.launch"],
                cwd=ROOT,
                env=self._environment(scratch),
                stdout=log,
                stderr=subprocess.STDOUT,
                # With the functions' processes, which end with it.
                start_new_session=True,
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        shutil.rmtree(self._scratch(), ignore_errors=True)

    def _scratch(self) -> Path:
        """Where the functions' processes have their layers."""
        folder = FOLDER / "scratch" / self._name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _environment(self, scratch: Path) -> dict[str, str]:
        """Nothing of this process's: the functions inherit it, and find on AWS what is theirs."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": os.environ["HOME"],
            "TMPDIR": str(scratch),
            **environment(self.endpoint),
            **{f"AWS_ENDPOINT_URL_{name}": self._elsewhere for name in SANDBOX},
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            INTERPRETER: self._python,
            ELSEWHERE: self._elsewhere,
        }

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.endpoint}/_ministack/health", timeout=2).close()
            except OSError:
                time.sleep(0.2)
            else:
                return
        raise RuntimeError(f"MiniStack does not answer; see {self.log}")
