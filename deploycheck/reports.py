"""Reports: the page of each release, which the stack has put into its bucket."""

import time
from typing import Any

from deploycheck import stack
from deploycheck.ministack import FOLDER
from sandbox.demo.checks import Report
from stepcanary_cli.saved import Saved, saved

LONGEST_SECONDS = 30.0
"""No release waits for its page; a function that starts cold writes it."""


def wrong_with_page(s3: Any, released: Report) -> list[str]:
    """Of a release that is over. The page is kept beside the logs."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < deadline:
        if pages := fetched(s3, released):
            early = ["its page has a toll already"] if is_whole(pages[0]) else []
            return early + wrong_with(pages[0], released)
        time.sleep(0.5)
    return [f"its page is not in the bucket after {LONGEST_SECONDS:.0f} s"]


def fetched(s3: Any, released: Report) -> list[Saved]:
    """What the bucket has of a release now, which is one page or none."""
    name = released["execution"].rpartition(":")[2]
    objects = s3.list_objects_v2(Bucket=stack.REPORTS).get("Contents", [])
    found = []
    for key in (each["Key"] for each in objects if each["Key"].endswith(f"-{name}.html")):
        path = FOLDER / f"{released['name']}.html"
        path.write_bytes(s3.get_object(Bucket=stack.REPORTS, Key=key)["Body"].read())
        found.append(saved(path))
    return found


def is_whole(report: Saved) -> bool:
    """Whether it has the toll."""
    cost = report.facts.picture.exposure
    return cost is not None and cost.whole


def wrong_with(report: Saved, released: Report) -> list[str]:
    picture = report.facts.picture
    wrong = [] if report.holds else ["its page has another hash than its evidence"]
    if (picture.execution, picture.outcome) != (released["execution"], released["outcome"]):
        wrong.append(f"its page is of {picture.execution}, which ended {picture.outcome}")
    return wrong
