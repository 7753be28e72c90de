"""The tree of errors in the docstring is the tree of the classes."""

import re

from stepcanary import errors


def test_the_tree_is_the_tree() -> None:
    written = {"ReleaseError": "Exception"}
    above = {0: "ReleaseError"}
    for indent, name in re.findall(r"^    ([│ ]*)[├└]── (\w+)", errors.__doc__ or "", re.MULTILINE):
        depth = len(indent) // 4
        written[name] = above[depth]
        above[depth + 1] = name
    classes = [c for c in vars(errors).values() if isinstance(c, type)]
    assert written == {c.__name__: c.__bases__[0].__name__ for c in classes}
