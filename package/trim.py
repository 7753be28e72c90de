"""Trim: what no function uses is taken out of installed libraries.

botocore has the API of every service of AWS, with its documentation. Of its data only the services
that are listed stay, and of these only what a client reads. It runs in `sam build`, where nothing
of this repository can be imported.
"""

import gzip
import json
import shutil
import sys
from pathlib import Path
from typing import Any

TRANSFER_CONFIG = '''
class TransferConfig:
    """How files are copied to S3 and from it. No function does that: what it writes there is one
    request, which is botocore's. See docs/package.md."""
'''


def without_documentation(value: Any) -> Any:
    """An API model without its texts, which are most of it. A member that has the name
    `documentation` stays: its value is a shape, and no text."""
    if isinstance(value, dict):
        return {
            key: without_documentation(each)
            for key, each in value.items()
            if key != "documentation" or not isinstance(each, str)
        }
    return [without_documentation(each) for each in value] if isinstance(value, list) else value


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def trim_models(data: Path, services: set[str]) -> set[str]:
    """The names of the endpoints of all that stays."""
    missing = services - {folder.name for folder in data.iterdir()}
    if missing:
        raise SystemExit(f"botocore does not have {', '.join(sorted(missing))}")
    endpoints = set()
    for folder in data.iterdir():
        if folder.is_dir() and folder.name not in services:
            shutil.rmtree(folder)
    for path in data.rglob("examples-1.json"):
        path.unlink()
    for path in data.rglob("service-2.json.gz"):
        model = without_documentation(json.loads(gzip.decompress(path.read_bytes())))
        # botocore reads these texts, of S3 alone, and no others, when a client first calls.
        for parameter in model.get("clientContextParams", {}).values():
            parameter["documentation"] = ""
        endpoints.add(model["metadata"]["endpointPrefix"])
        # Without a time, so that the same libraries are the same layer.
        path.write_bytes(gzip.compress(compact(model), mtime=0))
    return endpoints


def trim_endpoints(path: Path, endpoints: set[str]) -> None:
    """The first client of a process reads all of it."""
    document = json.loads(path.read_text())
    for partition in document["partitions"]:
        partition["services"] = {
            name: service for name, service in partition["services"].items() if name in endpoints
        }
    path.write_bytes(compact(document))


def replace_s3transfer(site: Path) -> None:
    """boto3 loads all of it, and much of the standard library for it, to see one class."""
    for path in site.glob("s3transfer*"):
        shutil.rmtree(path)
    (site / "s3transfer").mkdir()
    (site / "s3transfer/__init__.py").touch()
    (site / "s3transfer/manager.py").write_text(TRANSFER_CONFIG)


def main() -> None:
    site, services = Path(sys.argv[1]), set(Path(sys.argv[2]).read_text().split())
    data = site / "botocore/data"
    trim_endpoints(data / "endpoints.json", trim_models(data, services))
    replace_s3transfer(site)
    # Descriptions of boto3's resources, and the scripts of the libraries.
    for folder in ("boto3/data", "boto3/examples", "bin"):
        shutil.rmtree(site / folder, ignore_errors=True)


if __name__ == "__main__":
    main()
