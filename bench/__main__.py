"""`make bench`: every benchmark, and the page of what they have found."""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import groupby

from bench.page import PAGE, PARTS, Part, written


def turns(parts: list[Part]) -> Iterator[list[Part]]:
    """What runs at once: neighbours that count, and else one by itself."""
    for counts, each in groupby(parts, key=lambda part: part.counts):
        if counts:
            yield list(each)
        else:
            yield from ([part] for part in each)


def run(part: Part, python: str, *, beside: bool) -> bool:
    """Whether it ran and kept its limits. One that runs beside another is printed at its end."""
    began = time.monotonic()
    arguments = [python] if part.name == "cold-start" else []
    command = [sys.executable, "-m", part.module, *arguments]
    title = f"== {part.title} (make {part.target})"
    if not beside:
        print(title, flush=True)
    to = subprocess.PIPE if beside else None
    done = subprocess.run(command, check=False, stdout=to, stderr=to, text=True)
    if beside:
        print(title, done.stdout, done.stderr, sep="\n")
    print(f"== {time.monotonic() - began:.0f} s", flush=True)
    return done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--only", nargs="*", help="parts; none writes the page alone")
    parser.add_argument("--python", default=sys.executable, help="the functions' Python")
    given = parser.parse_args()
    chosen = [part for part in PARTS if given.only is None or part.name in given.only]
    began = time.monotonic()
    failed = []
    for turn in turns(chosen):
        run_here = partial(run, python=given.python, beside=len(turn) > 1)
        with ThreadPoolExecutor(len(turn)) as pool:
            kept = list(pool.map(run_here, turn))
        failed += [part.target for part, is_kept in zip(turn, kept, strict=True) if not is_kept]
    PAGE.write_text(written())
    print(f"page: {PAGE}, after {(time.monotonic() - began) / 60:.0f} minutes")
    if failed:
        print(f"over a limit, or not run: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
