"""Text: what can be written down at all, among the strings that JSON can say."""

from collections.abc import Iterator
from typing import TypeGuard

Place = tuple[int | str, ...]
"""Keys and indices that lead to something in a document."""


def is_text(value: object) -> TypeGuard[str]:
    r"""Whether it is a string of whole characters.

    JSON can say one half of a surrogate pair alone, as "\ud800", which no encoding can write. See
    https://datatracker.ietf.org/doc/html/rfc8259#section-8.2
    """
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def unwritable(document: object) -> Iterator[Place]:
    """The places of all strings that are no text; of a key, the place of what it names."""
    left: list[tuple[Place, object]] = [((), document)]
    while left:
        place, found = left.pop()
        if isinstance(found, str) and not is_text(found):
            yield place
        elif isinstance(found, list):
            left += [((*place, n), item) for n, item in enumerate(found)][::-1]
        elif isinstance(found, dict):
            if broken := [key for key in found if not is_text(key)]:
                yield (*place, broken[0])
            left += [((*place, key), item) for key, item in found.items()][::-1]
