"""Log patterns: regular expressions of a profile, of which none can be slow.

RE2 goes once through a line, whatever the expression: it has no backreference and no look-around,
and refuses what would need more memory than it is given. See https://github.com/google/re2/wiki
"""

from functools import lru_cache

import re2

MOST_BYTES = 1 << 17
"""Of memory, for one expression: so it has some thousand instructions at most, and a line of n
characters takes n times that."""


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> "re2._Regexp":
    """Raises `ValueError`."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MOST_BYTES
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        (said,) = error.args
        raise ValueError(said.decode() if isinstance(said, bytes) else str(said)) from error


def groups(pattern: str) -> list[str]:
    """The names of its groups; one without a name has an empty one. Raises `ValueError`."""
    compiled = _compiled(pattern)
    named = {number: name for name, number in compiled.groupindex.items()}
    return [named.get(number, "") for number in range(1, compiled.groups + 1)]


def found(pattern: str, line: str, group: str) -> str | None:
    """What the group is in the first place of the line that matches; None where none does."""
    # Half a character, which JSON can name, is none in UTF-8.
    match = _compiled(pattern).search(line.encode(errors="replace").decode())
    return match.group(group) if match else None
