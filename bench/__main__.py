"""`make bench`: every benchmark, one after the other, and the page of what they have found."""

import argparse
import subprocess
import sys
import time

from bench.page import PAGE, PARTS, written


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--only", nargs="*", help="parts; none writes the page alone")
    parser.add_argument("--python", default=sys.executable, help="the functions' Python")
    given = parser.parse_args()
    failed = []
    for part in PARTS:
        if given.only is not None and part.name not in given.only:
            continue
        began = time.monotonic()
        print(f"== {part.title} (make {part.target})", flush=True)
        arguments = [given.python] if part.name == "cold-start" else []
        command = [sys.executable, "-m", part.module, *arguments]
        if subprocess.run(command, check=False).returncode:
            failed.append(part.target)
        print(f"== {time.monotonic() - began:.0f} s", flush=True)
    PAGE.write_text(written())
    print(f"page: {PAGE}")
    if failed:
        print(f"over a limit, or not run: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
