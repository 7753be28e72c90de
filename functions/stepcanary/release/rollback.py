"""Rollback: back to the version before the last release, at full speed."""

from stepcanary.aws import ecs
from stepcanary.domain.profile import Profile, Step
from stepcanary.domain.request import Request, TaskDefinitions
from stepcanary.errors import RequestRejected
from stepcanary.release.deploy import runs_version
from stepcanary.store import ledger


def rolled_back(request: Request, profile: Profile) -> tuple[Request, Profile]:
    """A request for the version of before, and the profile without steps, alarms and gates.

    The alarms judge a canary of the version that is already known; those that fire now are about
    the version that is to go. Raises `RequestRejected` when nothing was released.
    """
    last = ledger.last_released(request.service)
    if last is None:
        raise RequestRejected(
            f"rollback: no release of {request.service} is in the ledger; name an image instead"
        )
    primary = ecs.require_service(profile.cluster, profile.primary, "primary")
    if not runs_version(last, primary):
        raise RequestRejected(
            f"rollback: {primary.name} does not run what {last.execution} released, so somebody"
            " else has deployed since; name an image instead"
        )
    fast = profile.model_copy(
        update={
            "steps": [Step(weight=100, bake_seconds=0)],
            "alarms": [],
            "promotion": profile.promotion.model_copy(update={"approval": False}),
        }
    )
    if last.images is None:
        before = TaskDefinitions(
            primary=last.primary.task_definition, canary=last.canary.task_definition
        )
        return request.model_copy(update={"task_definitions": before}), fast
    old = ecs.find_task_definition(last.primary.task_definition)
    document = old.document if old is not None else ledger.way_back(last.execution)
    if document is None:
        raise RequestRejected(
            f"rollback: {last.primary.task_definition} was deleted; name an image instead"
        )
    images = {c["name"]: c["image"] for c in document["containerDefinitions"]}
    gone = [name for name in last.images if name not in images]
    if gone:
        raise RequestRejected(
            f"rollback: {last.primary.task_definition} has no container {gone[0]}; name an image"
        )
    return request.model_copy(update={"images": {n: images[n] for n in last.images}}), fast
