"""`make sandbox`; see `program`."""

from sandbox.console import exit_with_program

if __name__ == "__main__":
    exit_with_program("sandbox.program")
