"""Content: the bytes that a side runs, container by container, whatever its tags come to mean.

ECS resolves a tag once per deployment, so the same task definition may run other bytes each time it
is deployed. See
https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html#deployment-container-image-stability
"""

import copy
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from stepcanary.domain.model import Document
from stepcanary.errors import RequestRejected

Content = dict[str, str]
"""By container, the image with its digest and the tag that it was asked for by, where it has one:
`shop:v2@sha256:…`. What is registered names no tag."""

Digests = Mapping[str, str]
"""Of one task: by container, the digest of what it runs."""


class ContentUnknown(ValueError):
    """ECS does not say, or not yet, what a container runs."""


class ContentMixed(ValueError):
    """Tasks of one deployment run different bytes in the same container."""


def _split(image: str) -> tuple[str, str, str]:
    """Repository, tag and digest. The tag is empty only where there is a digest."""
    name, _, digest = image.partition("@")
    # A registry may have a port, which is no tag.
    folder, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    if not (tag or digest):
        tag = "latest"
    return f"{folder}{slash}{last}", tag, digest


def digest_of(image: str) -> str:
    """Empty where the image names none."""
    return _split(image)[2]


def has_tag(image: str) -> bool:
    return bool(_split(image)[1])


def spoken(image: str) -> str:
    """The image for people: by its tag, where it has one."""
    return image.partition("@")[0] if has_tag(image) else image


def with_tags(content: Content, known: Content) -> Content:
    """The content with the tags by which the same bytes are known."""
    return {
        name: known[name] if by_digest(known.get(name, "")) == by_digest(image) else image
        for name, image in content.items()
    }


def by_digest(image: str) -> str:
    """The image without its tag, where it names a digest."""
    repository, _, digest = _split(image)
    return f"{repository}@{digest}" if digest else image


def containers_of(document: Document) -> dict[str, str]:
    """Images by container."""
    return {container["name"]: container["image"] for container in document["containerDefinitions"]}


def is_fixed(document: Document) -> bool:
    """Whether each deployment of this task definition runs the same bytes."""
    return all(digest_of(image) for image in containers_of(document).values())


def loose_containers(document: Document) -> list[str]:
    """Those whose tasks may run different bytes within one deployment."""
    return [
        container["name"]
        for container in document["containerDefinitions"]
        if container.get("versionConsistency") == "disabled" and not digest_of(container["image"])
    ]


def content_of(document: Document, tasks: Iterable[Digests]) -> Content:
    """What these tasks of the document run.

    What ECS adds to a task, as an agent of its own, is nobody's release. Raises `ContentUnknown`
    and `ContentMixed`.
    """
    running = list(tasks)
    return {
        name: image if digest_of(image) else _found(image, _one_digest(name, image, running))
        for name, image in containers_of(document).items()
    }


def _found(image: str, digest: str) -> str:
    repository, tag, _ = _split(image)
    return f"{repository}:{tag}@{digest}"


def _one_digest(name: str, image: str, tasks: list[Digests]) -> str:
    found = {task.get(name, "") for task in tasks}
    if not all(found) or not found:
        raise ContentUnknown(f"ECS does not say which digest of {image} its container {name} runs")
    if len(found) > 1:
        raise ContentMixed(
            f"its tasks run {len(found)} different images as {image} in container {name}"
        )
    return found.pop()


def differences(content: Content, tasks: Iterable[Digests]) -> list[str]:
    """Which containers of these tasks run something else, in words."""
    wanted = {name: digest_of(image) for name, image in content.items()}
    other = {
        name: digest
        for task in tasks
        for name, digest in task.items()
        if name in wanted and digest != wanted[name]
    }
    return [f"{digest} in container {name}" for name, digest in sorted(other.items())]


def pinned(document: Document, content: Content) -> Document:
    """A copy of the task definition with the images of the content in every container of it, by
    digest where they have one: whether ECS takes a tag beside it is not documented."""
    changed = copy.deepcopy(document)
    containers: list[dict[str, Any]] = changed["containerDefinitions"]
    for container in containers:
        if container["name"] in content:
            container["image"] = by_digest(content[container["name"]])
    return changed


def with_images(document: Document, images: Content) -> Document:
    """The same with the images of a request.

    Raises `RequestRejected` for a container that the task definition does not have.
    """
    there = containers_of(document)
    for name in images:
        if name not in there:
            raise RequestRejected(
                f"images.{name}: task definition {document['family']} has no container of that"
                f" name; it has {', '.join(sorted(there))}"
            )
    return pinned(document, images)


def unpinned(document: Document, known: Content) -> Document:
    """The task definition with the tags by which its digests are known."""
    found = {n: known.get(n, "") for n, i in containers_of(document).items() if digest_of(i)}
    images = containers_of(document)
    tags = {n: spoken(i) for n, i in found.items() if has_tag(i) and by_digest(i) == images[n]}
    return pinned(document, tags)


def is_same(content: Content, other: Content) -> bool:
    """Whether these are the same bytes, in all containers that both have."""
    both = content.keys() & other.keys()
    return bool(both) and all(digest_of(content[n]) == digest_of(other[n]) for n in both)


def brought(canary: Content, primary: Content, named: Collection[str]) -> Content:
    """What the primary gets of a release: what the canary ran in the containers that the release
    named, and in those with the same image on both sides; in the others what it ran before."""
    baked = {
        name: image
        for name, image in canary.items()
        if name in named or name not in primary or _is_meant(primary[name], image)
    }
    return {**primary, **baked}


def unbaked(document: Document, canary: Document, primary: Content) -> str | None:
    """Which container of the primary's ready task definition no canary would run, in words; None
    where the canary runs each of them, or the primary does already what it alone has. `primary` is
    what it runs, with the tags by which that is known."""
    theirs = containers_of(canary)
    for name, image in containers_of(document).items():
        ran = primary.get(name, "")
        runs_now = _is_same(image, ran)
        if _is_meant(ran if runs_now else image, theirs[name]) if name in theirs else runs_now:
            continue
        if name in theirs:
            return f"container {name} is {image} on the primary and {theirs[name]} on the canary"
        return f"container {name} with {image} is on the primary alone"
    return None


def promoted(document: Document, canary: Content, primary: Content) -> Document:
    """What the primary gets: of each container what the canary ran.

    A container that the canary does not have, or that is another on purpose, keeps the bytes that
    the primary ran, where that is known. An earlier release has left it with a digest; `primary`
    knows by which tag.
    """
    images = containers_of(document)
    kept = {name: image for name, image in primary.items() if _is_same(images.get(name, ""), image)}
    meant = {**images, **kept}
    baked = {
        name: image
        for name, image in canary.items()
        if name in images and _is_meant(meant[name], image)
    }
    return pinned(document, {**kept, **baked})


def _is_same(image: str, found: str) -> bool:
    """Whether this is what was found there, with the tag or the digest that it has now."""
    repository, tag, digest = _split(image)
    other = _split(found)
    return repository == other[0] and (digest == other[2] if digest else tag == other[1])


def _is_meant(image: str, baked: str) -> bool:
    """Whether the canary's image stands for this one too: both have the same tag, or the same
    digest. Everything else is another image on purpose."""
    repository, tag, digest = _split(image)
    other_repository, other_tag, other_digest = _split(baked)
    same = tag == other_tag if tag and other_tag else digest == other_digest
    return repository == other_repository and same
