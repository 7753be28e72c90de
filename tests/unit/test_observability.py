"""What cannot be published fails nothing."""

import pytest

from stepcanary.observability import count


def test_a_metric_that_cannot_be_published_stops_no_revert(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE")
    count("Reverted", service="checkout")
    assert "_aws" not in capsys.readouterr().out
    count("no such metric")
