"""Reports: the page of each release, which the stack has put into its bucket."""

import time
from pathlib import Path
from typing import Any

from deploycheck import stack
from deploycheck.ministack import FOLDER
from sandbox.demo.checks import Report
from stepcanary_cli.saved import saved

LONGEST_SECONDS = 30.0
"""No release waits for its page; a function that starts cold writes it."""


def wrong_with_page(s3: Any, released: Report) -> list[str]:
    """Of a release that is over. The page is kept beside the logs."""
    page = _page(s3, released["execution"].rpartition(":")[2])
    if page is None:
        return [f"its page is not in the bucket after {LONGEST_SECONDS:.0f} s"]
    path = FOLDER / f"{released['name']}.html"
    path.write_bytes(page)
    return _wrong(path, released)


def _page(s3: Any, name: str) -> bytes | None:
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        for found in s3.list_objects_v2(Bucket=stack.REPORTS).get("Contents", []):
            if found["Key"].endswith(f"-{name}.html"):
                body: bytes = s3.get_object(Bucket=stack.REPORTS, Key=found["Key"])["Body"].read()
                return body
        time.sleep(0.5)
    return None


def _wrong(path: Path, released: Report) -> list[str]:
    report = saved(path)
    picture = report.facts.picture
    wrong = [] if report.holds else ["its page has another hash than its evidence"]
    if (picture.execution, picture.outcome) != (released["execution"], released["outcome"]):
        wrong.append(f"its page is of {picture.execution}, which ended {picture.outcome}")
    return wrong
