"""Senders: who a request, a release or a signal is by, as people read it."""

CLAIMED = " (claimed)"


def claimed(by: str) -> str:
    """A name that nobody vouches for, with a mark that no other name has.

    It stays on one line and in one direction, so that it cannot be written to look like more.
    """
    written = "".join(sign if sign.isprintable() else " " for sign in by).strip()
    return f"{written}{CLAIMED}" if written else ""
