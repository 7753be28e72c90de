"""Triggers: which services a repository or a pipeline is about, without a look at every profile.

What is found here is no more than where to look: the profile has the last word, and is read anew.
"""

from typing import Literal

from stepcanary.domain.profile import Profile
from stepcanary.store import table
from stepcanary.store.table import Delete, ItemKey, Put

Kind = Literal["repository", "pipeline"]
_PK = "triggers"


def services_of(kind: Kind, name: str) -> list[str]:
    return [item["service"] for item in table.every(_PK, f"{kind}#{name}#")]


def index(profiles: list[tuple[str, Profile]]) -> None:
    """Have exactly what these profiles say. Only differences are written."""
    wanted = {sk: service for service, profile in profiles for sk in _keys_of(service, profile)}
    there = {item["sk"] for item in table.every(_PK)}
    for sk in sorted(wanted.keys() - there):
        table.put(Put(ItemKey(_PK, sk), {"service": wanted[sk]}))
    for sk in sorted(there - wanted.keys()):
        table.delete(Delete(ItemKey(_PK, sk)))


def _keys_of(service: str, profile: Profile) -> list[str]:
    if profile.triggers is None:
        return []
    named: list[tuple[Kind, str]] = [("repository", profile.triggers.repository)]
    named += [("pipeline", pipeline) for pipeline in profile.triggers.promote_pipelines]
    return [f"{kind}#{name}#{service}" for kind, name in named]
