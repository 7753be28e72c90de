"""Program: `make sandbox`, which keeps the sandbox running and prints how to use it."""

import argparse
import signal
import socket
import tempfile
import threading
from pathlib import Path

from sandbox import article
from sandbox.cloud import Sandbox, environment
from sandbox.console import quiet
from sandbox.demo.run import wait_until_ready
from sandbox.example import Example, NotMade
from sandbox.fronts.front import Front
from sandbox.fronts.names import FRONTS
from sandbox.hints import ASK_ON, show_split, start_release


def port(text: str) -> int:
    """A port of this machine that nobody has."""
    number = int(text)
    with socket.socket() as probe:
        # As the server will: one that has just been closed is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", number))
        except PermissionError:
            problem = f"port {number} is for root only: take one from 1024 on, as PORT=9000"
        except OverflowError:
            problem = f"there is no port {number}: take one from 1024 to 65535, as PORT=9000"
        except OSError as error:
            problem = (
                f"port {number} cannot be had ({error.strerror}): end what has it, take another"
                " one, or leave PORT out"
            )
        else:
            return number
    raise argparse.ArgumentTypeError(problem)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="sandbox", description="Keep the sandbox running, and print how to use it."
    )
    parser.add_argument("--port", type=port, default=0, help="port of the AWS API (default: any)")
    parser.add_argument("--router", choices=sorted(FRONTS), default="appmesh")
    parser.add_argument(
        "--from",
        dest="example",
        type=Path,
        metavar="FOLDER",
        help="start from the template of an example, such as examples/alb, not from a router",
    )
    given = parser.parse_args()
    if given.example and (lacks := Example(given.example).lacks()):
        parser.error(
            f"{given.example} has no {' and no '.join(lacks)}; name an environment, such as"
            " examples/alb, examples/appmesh or examples/lattice"
        )
    quiet()
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    front = None if given.example else FRONTS[given.router]()
    print("# Starting the AWS API, the gateway and the tasks …", flush=True)
    try:
        _keep(front, given, stopped)
    except NotMade as error:
        parser.exit(2, f"{parser.prog}: error: {error}\n")
    except OSError as error:
        room = f"it needs some room in {tempfile.gettempdir()}, or wherever TMPDIR says"
        parser.exit(2, f"{parser.prog}: error: {error}; {room}\n")
    return 0


def _keep(front: Front | None, given: argparse.Namespace, stopped: threading.Event) -> None:
    """A sandbox until somebody ends it."""
    with Sandbox(front, given.port, example=given.example) as sandbox:
        for name, value in environment(sandbox.endpoint).items():
            print(f"export {name}={value}")
        print(f"export STATE_MACHINE={sandbox.machine}")
        print(f"export GATEWAY={sandbox.url}")
        print(
            "# With the lines above in another terminal, requests all the time (nobody can judge a"
        )
        print("# canary that gets none), a release and the split are:")
        print(ASK_ON)
        request = sandbox.request if given.example else article.request("v2")
        print(start_release(request))
        for traffic in sandbox.profile["traffic"]:
            print(show_split(traffic))
        print(f"# Envoy's admin page: {sandbox.admin_url}", flush=True)
        # A release that begins before its primary runs is refused.
        wait_until_ready(sandbox)
        print("# Ready. Ctrl-C ends it.", flush=True)
        stopped.wait()
