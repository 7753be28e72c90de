"""Spans that go by CloudWatch's periods are as short in the sandbox as its periods, wherever they
stand."""

from importlib import import_module
from pkgutil import iter_modules

from sandbox import pace
from stepcanary import release


def by_period() -> dict[str, dict[int, int]]:
    modules = [
        import_module(f"{release.__name__}.{each.name}") for each in iter_modules(release.__path__)
    ]
    return {
        f"{module.__name__}.{name}": span
        for module in modules
        for name, span in vars(module).items()
        if name.endswith("_SECONDS") and isinstance(span, dict)
    }


def test_no_span_by_period_is_as_long_as_on_aws() -> None:
    of_aws = {name: dict(span) for name, span in by_period().items()}
    assert of_aws
    with pace.shortened(1 / 60):
        assert {seconds for span in by_period().values() for seconds in span.values()} == {1}
    assert by_period() == of_aws
