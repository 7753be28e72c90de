"""Timeline: each line is as wide, and a release of many moments fits into a message."""

from hypothesis import given
from hypothesis import strategies as st

from stepcanary.chat.timeline import MOST_LINES, WIDTH, timeline

moments = st.lists(
    st.tuples(st.integers(0, 900_000), st.just("x"), st.none() | st.integers(0, 100)), max_size=100
)


@given(moments)
def test_every_line_has_a_bar_of_one_width(given_: list[tuple[int, str, int | None]]) -> None:
    drawn = timeline(given_).splitlines()
    assert len(drawn) <= MOST_LINES + 1
    for line in drawn:
        assert line.strip() == "…" or sum(line.count(each) for each in "█░") == WIDTH


def test_a_little_weight_shows_and_only_all_of_it_fills_the_bar() -> None:
    lines = timeline([(0, "a", 1), (1, "b", 99), (2, "c", 100), (3, "d", 0)]).splitlines()
    assert [line.count("█") for line in lines] == [1, WIDTH - 1, WIDTH, 0]


def test_an_event_that_came_late_stands_where_it_belongs() -> None:
    lines = timeline([(100, "a", 5), (180, "c", 0), (140, "b", 50)]).splitlines()
    assert [line.split()[0] for line in lines] == ["0:00", "0:40", "1:20"]
    assert [line.split("%")[0].split()[-1] for line in lines] == ["5", "50", "0"]


def test_nothing_has_no_picture() -> None:
    assert timeline([]) == ""
