"""The clock on which many threads wait: they run one at a time, and in the same order each time."""

from collections.abc import Callable

from bench.many import BatonClock

Line = tuple[str, float]


def written(act: Callable[[BatonClock, Callable[[str], None]], None]) -> list[Line]:
    """Who wrote a line, and after how many seconds."""
    clock, lines = BatonClock(), list[Line]()
    began = clock.now()

    def write(who: str) -> None:
        lines.append((who, (clock.now() - began).total_seconds()))

    act(clock, write)
    assert clock.failures == []
    return lines


def test_threads_run_in_the_order_of_their_moments() -> None:
    def act(clock: BatonClock, write: Callable[[str], None]) -> None:
        def sleeper(name: str, seconds: float) -> Callable[[], None]:
            def sleep_thrice() -> None:
                for _ in range(3):
                    clock.sleep(seconds)
                    write(name)

            return sleep_thrice

        clock.after(0, sleeper("two", 2))
        clock.after(0, sleeper("three", 3))
        clock.sleep(100)
        write("main")

    # What was due first of one moment, at 6 s, is who began to wait for it first.
    expected = [("two", 2), ("three", 3), ("two", 4), ("three", 6), ("two", 6), ("three", 9)]
    assert [written(act) for _ in range(5)] == [[*expected, ("main", 100)]] * 5


def test_who_starts_a_thread_goes_on_until_it_waits() -> None:
    def act(clock: BatonClock, write: Callable[[str], None]) -> None:
        clock.after(0, lambda: write("started"))
        write("starter")
        clock.sleep(0)
        write("starter")

    assert written(act) == [("starter", 0), ("started", 0), ("starter", 0)]


def test_a_condition_that_comes_true_ends_a_wait_before_time_passes() -> None:
    def act(clock: BatonClock, write: Callable[[str], None]) -> None:
        told: list[str] = []

        def wait() -> None:
            clock.wait_until(lambda: bool(told), 600)
            write("told")
            clock.wait_until(lambda: False, 600)
            write("not told")

        clock.after(0, wait)
        clock.after(60, lambda: told.append("it"))
        clock.sleep(3_600)
        write("main")

    assert written(act) == [("told", 60), ("not told", 660), ("main", 3_600)]


def test_what_an_action_raises_is_kept_and_ends_nothing_else() -> None:
    clock, failure = BatonClock(), RuntimeError("it failed")

    def fail() -> None:
        raise failure

    clock.after(1, fail)
    clock.sleep(10)
    assert clock.failures == [failure]
