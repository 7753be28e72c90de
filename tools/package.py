"""Package: what `make build` has built, by function and layer, and as it is in Lambda."""

import io
import platform
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

from emulator import template

BUILT = template.ROOT / ".aws-sam/build"
RESOURCES: dict[str, Any] = template.document()["Resources"]
LAYERS = [n for n, r in RESOURCES.items() if r["Type"] == "AWS::Serverless::LayerVersion"]
CODE, LIBRARIES, SLACK = "CodeLayer", "LibrariesLayer", "SlackLibrariesLayer"
NATIVE = "pydantic-core"
"""The one library that is compiled for an architecture, which is that of the functions."""


def layers_of(function: str) -> list[str]:
    shared = template.document()["Globals"]["Function"]["Layers"]
    return [*shared, *RESOURCES[function]["Properties"].get("Layers", [])]


def pins(lock: str) -> dict[str, str]:
    lines = (template.ROOT / "package" / lock).read_text().split()
    return dict(line.split("==") for line in lines)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def unzipped(folder: Path) -> int:
    return sum(path.stat().st_size for path in files(folder))


def zipped(folder: Path) -> int:
    """As SAM zips it."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as written:
        for path in files(folder):
            written.write(path, path.relative_to(folder))
    return len(archive.getvalue())


def stored_per_code_change() -> int:
    """Bytes that Lambda stores when the code has changed and no library has: the layer of the code,
    and a version of each function."""
    functions = [BUILT / function.name for function in template.functions()]
    return sum(zipped(folder) for folder in (BUILT / CODE, *functions))


def lay_out(layers: list[str], into: Path, python: str) -> Path:
    """The folder `/opt/python` of a function with these layers, on this machine."""
    shutil.rmtree(into, ignore_errors=True)
    for layer in layers:
        shutil.copytree(BUILT / layer / "python", into, dirs_exist_ok=True)
    add_native(into, python)
    return into


def add_native(site: Path, python: str) -> None:
    """The native library for this machine as well, where it has not the functions' architecture."""
    if platform.machine() not in ("aarch64", "arm64"):
        package = NATIVE.replace("-", "_")
        other = site.with_name(f"{site.name}-native")
        install(python, other, "--no-deps", f"{NATIVE}=={pins('libraries.txt')[NATIVE]}")
        for path in (other / package).glob("*.so"):
            shutil.copy2(path, site / package)
        shutil.rmtree(other)


def install(python: str, site: Path, *arguments: str) -> None:
    shutil.rmtree(site, ignore_errors=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    root = ["--root-user-action", "ignore"]
    subprocess.run([*pip, *root, "--target", str(site), *arguments], check=True)
