"""Copies: the old version's task definition, registered again where ECS would not deploy it.

A revision that was deregistered runs on where it runs, and no service can be brought back to it.
"""

import json
from collections.abc import Mapping
from typing import Any

from stepcanary.aws import ecs
from stepcanary.domain.model import Document
from stepcanary.domain.release import Release
from stepcanary.domain.revisions import short_name
from stepcanary.release import world
from stepcanary.store import register
from stepcanary.store.register import Entry

KIND = "copy"
TAG = "stepcanary-copy-of"
MOST_TAGS = 50


def put_up(release: Release, arn: str, document: Document) -> str:
    """ARN of the copy. Registered once: a second call finds it by its tag."""
    before = {"task_definition": arn, "document": json.dumps(document)}
    entry = Entry(KIND, short_name(arn), before)
    register.write(release.execution, entry)
    copy = ecs.find_or_register(_tagged(before), release.may_be_lost)
    register.note_made(release.execution, entry, copy)
    return copy


def take_down(release: Release, entry: Entry) -> None:
    """Deregister the copy, unless a service of the release was brought back to it."""
    arn = entry.made or _left_without_a_name(entry)
    if not arn:
        return
    found = ecs.find_task_definition(arn)
    if found is None or not found.is_active or TAG not in _tags(found.document):
        return
    sides = world.see(release)
    deployed = [d["taskDefinition"] for s in (sides.primary, sides.canary) for d in s.deployments]
    if arn not in deployed:
        ecs.deregister(arn)


def _left_without_a_name(entry: Entry) -> str:
    """The copy whose registration was not noted any more."""
    wanted = _tagged(entry.before)
    newest = ecs.find_task_definition(wanted["family"])
    return newest.arn if newest is not None and newest.document == wanted else ""


def _tagged(found: Mapping[str, str]) -> Document:
    document: Document = json.loads(found["document"])
    if TAG in _tags(document):
        return document
    tags: list[Any] = document.get("tags", [])
    if len(tags) >= MOST_TAGS:
        # Nobody can tell such a copy from somebody else's revision, so it stays registered.
        return document
    name = found["task_definition"].rpartition("/")[2]
    return {**document, "tags": [*tags, {"key": TAG, "value": name}]}


def untagged(document: Document) -> Document:
    """What a revision of another version may inherit of a copy."""
    if TAG not in _tags(document):
        return document
    kept = [tag for tag in document["tags"] if tag["key"] != TAG]
    bare = {key: value for key, value in document.items() if key != "tags"}
    return {**bare, "tags": kept} if kept else bare


def _tags(document: Document) -> list[str]:
    return [tag["key"] for tag in document.get("tags", [])]
