"""Keeper: runs a command until its own standard input ends, and then removes its folder.

A sandbox that is killed can close nothing, but its end of the pipe ends with it.
"""

import shutil
import signal
import subprocess
import sys
import threading


def main(folder: str, *command: str) -> int:
    # Ctrl-C reaches the whole group; the sandbox says when it is time.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    kept = subprocess.Popen(command, stdin=subprocess.DEVNULL)

    def end_with_the_sandbox() -> None:
        sys.stdin.buffer.read()
        kept.kill()

    threading.Thread(target=end_with_the_sandbox, daemon=True).start()
    try:
        return kept.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
