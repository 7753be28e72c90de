"""What the sandbox does again and again."""

import threading

import pytest

from sandbox.timers import Ticks


def test_a_tick_that_fails_is_not_the_last(caplog: pytest.LogCaptureFixture) -> None:
    again = threading.Event()
    begun: list[str] = []

    def do() -> None:
        begun.append("begun")
        if len(begun) == 1:
            raise ValueError("no")
        again.set()

    ticks = Ticks("the drum", do, 0.01)
    ticks.start()
    assert again.wait(10)
    ticks.close()
    assert [record.message for record in caplog.records] == ["the drum failed in one tick"]


def test_closing_waits_for_what_has_begun() -> None:
    begun, go_on = threading.Event(), threading.Event()
    ended: list[bool] = []

    def do() -> None:
        begun.set()
        ended.append(go_on.wait(10))

    ticks = Ticks("the drum", do, 0.01)
    ticks.start()
    assert begun.wait(10)
    threading.Timer(0.1, go_on.set).start()
    ticks.close()
    assert ended == [True]


def test_who_never_started_can_be_closed() -> None:
    Ticks("the drum", lambda: None, 0.01).close()
