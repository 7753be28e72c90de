"""Stories: one release in full: its picture, what has happened in it, and what it changes."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError
from rich.console import Group, RenderableType
from rich.text import Text

from stepcanary.domain.picture import ImageChange, Picture
from stepcanary.domain.visible import line
from stepcanary_cli.failures import Failure
from stepcanary_cli.outcomes import Answer
from stepcanary_cli.scene import Hanging, scene
from stepcanary_cli.telling import SECOND, told
from stepcanary_cli.times import clock, moment, now

DIGEST = 19
"""Characters of a digest that are shown, with its algorithm."""


@contextmanager
def of_this_version() -> Iterator[None]:
    """Raises `Failure` for what a stack of another version answers."""
    try:
        yield
    except ValidationError as error:
        raise Failure(
            "the stack is of another version than this command; `stepcanary show --json` has what"
            " it answers"
        ) from error


def story(found: Answer, width: int) -> RenderableType:
    """Raises as `of_this_version`."""
    with of_this_version():
        picture = Picture.model_validate(found.get("picture"), extra="ignore", strict=False)
    return Group(
        scene(picture, now=now(), width=width),
        Text(),
        Hanging(Text(f"{line(picture.execution)}, begun {moment(picture.started_at / SECOND)}")),
        *(Hanging(Text(text)) for text in _lines(picture)),
    )


def _lines(picture: Picture) -> Iterator[str]:
    for image in picture.images:
        yield f"{line(image.container)}: {_images(image)}"
    for change in picture.changes:
        yield line(change)
    if picture.alarms:
        yield f"alarms: {line(', '.join(picture.alarms))}"
    for name, reason in _fired(picture).items():
        yield f"alarm {line(name)} fired: {line(reason) or 'CloudWatch says no reason'}"
    yield ""
    beside = picture.started_at / SECOND
    for each in told(picture):
        yield f"{clock(each.at / SECOND, beside)}  {each.text}"


def _fired(picture: Picture) -> dict[str, str]:
    """What the alarms saw that verdicts have found fired, by name."""
    return {
        alarm.name: alarm.reason
        for step in (*picture.steps, *picture.return_steps)
        for verdict in step.verdicts
        for alarm in verdict.alarms
        if alarm.fired
    }


def _images(image: ImageChange) -> str:
    before = _short(image.before)
    return f"{f'{before} → ' if before else ''}{_short(image.after)}"


def _short(image: str) -> str:
    name, at, digest = line(image).partition("@")
    return f"{name}{at}{digest[:DIGEST]}"
