"""A primary that takes its traffic back in the moment in which its restore begins."""

from typing import Any

import pytest

from stepcanary.domain.signals import Signal
from stepcanary.release import signalling
from stepcanary.store import leases, stages
from tests.builders import request
from tests.statemachine.runner import World
from tests.statemachine.test_paths import break_primary


@pytest.mark.parametrize("nth", [1, 2], ids=["once it has failed", "once nobody has answered"])
def test_a_doubt_between_the_look_and_the_restore_ends_reverted(
    here: World, monkeypatch: pytest.MonkeyPatch, nth: int
) -> None:
    enter, entered = stages.enter, list[str]()

    def raced(release: Any, fence: int, stage: Any, **more: Any) -> Any:
        if stage.phase == "restoring":
            entered.append(str(stage))
            if len(entered) == nth:
                (lease,) = leases.held()
                doubt = Signal(
                    kind="revert",
                    reason="the log",
                    by="the judge",
                    at=int(here.clock.now().timestamp()),
                )
                signalling.doubt(lease, doubt, "checkout", at_once=True)
                assert leases.held()[0].taken_back
        return enter(release, fence, stage, **more)

    monkeypatch.setattr(stages, "enter", raced)
    break_primary(here)
    outcome = here.release(request())
    assert outcome.state == "Reverted"
    assert here.cloud.running_image("example1") == "shop:v1"
    assert here.cloud.split() == (100, 0)
