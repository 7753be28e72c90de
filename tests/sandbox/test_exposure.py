"""What a bad version did to users is told from their side and from that of its sources."""

from sandbox.client import Client
from sandbox.demo.exposure import as_seen, told


def client(**failed: tuple[int, float, float]) -> Client:
    """One that saw so many requests fail of each version, from when until when."""
    made = Client("http://127.0.0.1:1", canary="example2")
    for version, (count, first, last) in failed.items():
        made.failed[version] = (first, last)
        made.total.errors_by_version[version] = count
    return made


def test_time_runs_from_the_first_bad_answer_to_weight_0() -> None:
    seen = client(v1=(9, 101.0, 140.0), v2=(40, 110.0, 113.0), gateway=(2, 112.0, 114.5))
    shifts = [(105.0, 5), (108.0, 0), (109.0, 5), (113.2, 0), (150.0, 0)]
    assert as_seen(100.0, seen, "v1", shifts) == {
        "by_primary": False,
        "failed_requests": 42,
        "first_bad": 10.0,
        "seconds_to_weight_0": 3.2,
        "seconds_to_last_bad": 4.5,
    }


def test_a_canary_that_keeps_its_weight_has_no_such_time() -> None:
    seen = as_seen(100.0, client(v2=(1, 110.0, 110.0)), "v1", [(105.0, 5), (120.0, 100)])
    assert seen["seconds_to_weight_0"] is None
    [line] = told(seen | {"sources": []})
    assert "weight 0 never" in line


def test_what_the_primary_fails_with_the_version_is_after_weight_0() -> None:
    seen = as_seen(100.0, client(v2=(1, 130.0, 140.0)), "v1", [(105.0, 100), (120.0, 0)])
    assert (seen["seconds_to_weight_0"], seen["by_primary"]) == (None, True)
    [line] = told(seen | {"sources": []})
    assert "weight 0 before it" in line


def test_where_nothing_failed_nothing_is_told() -> None:
    seen = as_seen(100.0, client(v1=(9, 101.0, 140.0)), "v1", [(105.0, 5), (120.0, 0)])
    assert seen == {"failed_requests": 0, "first_bad": None}
    assert told(seen | {"sources": []}) == []


def test_each_source_is_told_with_what_it_saw() -> None:
    seen = as_seen(100.0, client(v2=(7, 110.0, 112.0)), "v1", [(105.0, 5), (112.5, 0)])
    sources = [
        {"source": "example2-5xx", "seconds": 1.5},
        {"source": "errors", "requests": 30, "bad": 6},
    ]
    assert told(seen | {"sources": sources}) == [
        "first bad answer at 10.0 s, weight 0 2.5 s later, last bad answer 2.0 s later; 7 requests"
        " failed",
        "alarm example2-5xx fired 1.5 s after the first bad answer",
        "errors: 6 of the canary's 30 requests were bad",
    ]
