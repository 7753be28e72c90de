"""Markup: elements of a page. Whatever is put into one is text or a value, never markup."""

from collections.abc import Iterable
from xml.etree.ElementTree import Element, tostring

from stepcanary.domain.visible import line

Part = Element | str | None
"""What an element holds; nothing where it is None."""


def element(tag: str, *parts: Part, **attributes: object) -> Element:
    """An attribute's name may end with an underscore, and has hyphens for the others; one that is
    None is left out. Characters that only browsers obey are shown as what they are."""
    made = Element(
        tag, {_named(name): _value(v) for name, v in attributes.items() if v is not None}
    )
    return filled(made, parts)


def filled(made: Element, parts: Iterable[Part]) -> Element:
    for part in parts:
        if isinstance(part, Element):
            made.append(part)
        elif part is not None:
            _add_text(made, line(part))
    return made


def raw(tag: str, text: str, **attributes: object) -> Element:
    """A style or a script: what is in it is ours, and not escaped."""
    made = element(tag, **attributes)
    made.text = text
    return made


def _add_text(made: Element, text: str) -> None:
    if len(made):
        made[-1].tail = (made[-1].tail or "") + text
    else:
        made.text = (made.text or "") + text


def _named(name: str) -> str:
    return name.rstrip("_").replace("_", "-") if name != "viewBox" else name


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.1f}".removesuffix(".0")
    return line(value)


def html(page: Element) -> str:
    return "<!doctype html>\n" + tostring(page, encoding="unicode", method="html") + "\n"
