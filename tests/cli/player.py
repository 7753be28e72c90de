"""Plays scenes to the view that a terminal gets; the tests read what it writes."""

import json
import sys

from stepcanary.domain.picture import Picture
from stepcanary_cli import times
from stepcanary_cli.scene import Queued
from stepcanary_cli.showing import Screen


def play() -> None:
    scenes = json.load(sys.stdin)
    screen = Screen(as_json=False)
    view = screen.view()
    for scene in scenes:
        moment = scene["now"]
        times.now = lambda moment=moment: moment  # type: ignore[misc]
        if "picture" in scene:
            view.show(Picture.model_validate(scene["picture"], strict=False))
        elif "queued" in scene:
            queued = scene["queued"]
            view.show(Queued(**{**queued, "commands": tuple(queued["commands"])}))
        elif "note" in scene:
            screen.warn(scene["note"])
        else:
            view.tick()
    view.end()


play()
