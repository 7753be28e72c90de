"""`make sandbox`: keeps the sandbox running and prints how to reach it."""

import argparse
import signal
import threading
from pathlib import Path

from sandbox.cloud import Sandbox, environment
from sandbox.console import quiet
from sandbox.fronts.names import FRONTS


def main() -> None:
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of the AWS API (default: any)")
    parser.add_argument("--router", choices=sorted(FRONTS), default="appmesh")
    parser.add_argument(
        "--from",
        dest="example",
        type=Path,
        metavar="FOLDER",
        help="start from the template of an example, such as examples/alb, not from a router",
    )
    given = parser.parse_args()
    if given.example and not (given.example / "template.yaml").is_file():
        parser.error(f"{given.example} has no template.yaml; name a folder such as examples/alb")
    quiet()
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    front = None if given.example else FRONTS[given.router]()
    with Sandbox(front, given.port, example=given.example) as sandbox:
        for name, value in environment(sandbox.endpoint).items():
            print(f"export {name}={value}")
        print(f"export STATE_MACHINE={sandbox.machine}")
        print(f"export GATEWAY={sandbox.url}")
        print(f"# Envoy's admin page: {sandbox.admin_url}")
        print("# Ready. Ctrl-C ends it.", flush=True)
        stopped.wait()


if __name__ == "__main__":
    main()
