"""Runs statelint, which knows every rule of the language but JSONata's `{% … %}` for numbers."""

import re
import subprocess
import sys
from pathlib import Path

from emulator.template import DEFINITION

JSONATA_NUMBER = re.compile(r'\.(Timeout)?Seconds is "\{% .* %\}" but should be an Integer$')


def problems() -> list[str]:
    linter = Path(sys.executable).with_name("statelint")
    run = subprocess.run([linter, DEFINITION], capture_output=True, text=True, check=False)
    lines = [line.strip() for line in run.stdout.splitlines()]
    found = [line for line in lines if line.startswith("State Machine")]
    if run.returncode and not found:
        return [run.stdout + run.stderr]
    return [line for line in found if not JSONATA_NUMBER.search(line)]


def main() -> int:
    found = problems()
    for problem in found:
        print(problem)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
