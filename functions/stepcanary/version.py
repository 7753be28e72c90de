"""Version: the one number of stack, functions and command line. A release is tagged with it."""

VERSION = "0.1.0"
