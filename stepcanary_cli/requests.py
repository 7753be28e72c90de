"""Requests: what a command line says, as the input of an execution."""

import json
from collections.abc import Iterable
from pathlib import Path

from stepcanary.domain.request import parse_action, parse_request
from stepcanary.errors import RequestRejected
from stepcanary_cli.failures import Misuse, Refused
from stepcanary_cli.outcomes import Answer


def version_named(
    images: Iterable[str], task_definitions: tuple[str, str] | None, profile: Path | None
) -> Answer:
    """The keys of a request that say what to release. Raises `Misuse`."""
    found: Answer = {}
    if named := _images(images):
        found["images"] = named
    if task_definitions:
        primary, canary = task_definitions
        found["task_definitions"] = {"primary": primary, "canary": canary}
    if profile:
        found["profile"] = read_json(profile)
    return found


def require_valid(request: Answer) -> None:
    """Raises `Refused` for what the stack would refuse in any case, before anything is started. A
    profile is left to the stack, which may know more of it than this command."""
    known = {key: value for key, value in request.items() if key != "profile"}
    is_release = request.get("action", "release") in ("release", "rollback")
    try:
        (parse_request if is_release else parse_action)(known)
    except RequestRejected as rejected:
        raise Refused(str(rejected)) from rejected


def _images(images: Iterable[str]) -> dict[str, str]:
    named: dict[str, str] = {}
    for image in images:
        container, equals, uri = image.partition("=")
        if not (equals and container and uri):
            raise Misuse(f"--image {image}: write CONTAINER=IMAGE")
        if container in named:
            raise Misuse(
                f"--image: container {container} is named twice, {named[container]} and {uri};"
                " name one image for it"
            )
        named[container] = uri
    return named


def read_json(path: Path) -> Answer:
    """Raises `Misuse` with the file and the place in it."""
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise Misuse(f"{path}: {error.strerror}; name a file that can be read") from error
    except UnicodeDecodeError as error:
        place = f"byte {error.start}"
        raise Misuse(f"{path}: is no text in UTF-8, at {place}; save it as UTF-8") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Misuse(f"{path}: is no JSON, {place}: {error.msg}; mend it there") from error
    except (RecursionError, ValueError) as error:
        raise Misuse(
            f"{path}: has brackets too deep or a number too long to be read; is it the right file?"
        ) from error
    if not isinstance(document, dict):
        raise Misuse(f"{path}: has to be a JSON object, in {{}}")
    return document
