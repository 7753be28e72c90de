"""`python -m stepcanary_cli`: the same as `stepcanary`."""

import sys

from stepcanary_cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
