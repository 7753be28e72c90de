"""The environments in `examples` are what their profiles and requests are about."""

import json
import shutil
from pathlib import Path

import pytest

from emulator.template import ROOT
from tools import check_examples


@pytest.fixture
def alb(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "examples/alb", tmp_path / "alb"))


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("folder", check_examples.folders(), ids=lambda folder: folder.name)
def test_an_environment_is_sound(folder: Path) -> None:
    assert list(check_examples.faults(folder)) == []


def test_a_name_that_is_not_made_is_found(alb: Path) -> None:
    change(alb / "profile.json", "shop-canary-errors", "shop-canary-5xx")
    assert list(check_examples.faults(alb)) == ["alb: the template makes no alarm shop-canary-5xx"]


def test_a_profile_that_would_be_refused_is_found(alb: Path) -> None:
    change(alb / "profile.json", "${CanaryTargetGroup}", "${PrimaryTargetGroup}")
    [fault] = check_examples.faults(alb)
    assert "must differ" in fault


def test_an_output_that_is_not_there_is_found(alb: Path) -> None:
    change(alb / "profile.json", "${ListenerRule}", "${Rule}")
    assert list(check_examples.faults(alb)) == ["alb: 'Rule'"]


def test_what_a_release_changes_without_its_tag_is_found(alb: Path) -> None:
    change(alb / "template.yaml", "Value: managed", "Value: unmanaged")
    assert list(check_examples.faults(alb)) == [
        f"alb: {name} has no tag stepcanary=managed" for name in ("Rule", "Primary", "Canary")
    ]


def test_a_request_about_another_service_is_found(alb: Path) -> None:
    request = json.loads((alb / "request.json").read_text())
    (alb / "request.json").write_text(json.dumps({**request, "service": "checkout"}))
    assert list(check_examples.faults(alb)) == ["alb: the request is about checkout"]


def test_a_side_that_does_not_scale_is_found(alb: Path) -> None:
    change(alb / "template.yaml", "${Canary.Name}", "${Primary.Name}")
    assert list(check_examples.faults(alb)) == ["alb: nothing scales shop-canary"]


def test_a_canary_that_never_rests_is_found(alb: Path) -> None:
    change(alb / "template.yaml", "MinCapacity: 0", "MinCapacity: 1")
    assert list(check_examples.faults(alb)) == ["alb: shop-canary has to scale to 0"]


def test_an_alarm_that_sparse_metrics_mislead_is_found(alb: Path) -> None:
    change(alb / "template.yaml", "FILL(errors, 0)", "errors")
    change(alb / "template.yaml", "TreatMissingData: notBreaching", "TreatMissingData: missing")
    assert list(check_examples.faults(alb)) == [
        "alb: CanaryErrors takes a minute without an error for one without data",
        "alb: CanaryErrors takes one error of few requests for a bad canary",
        "alb: CanaryErrors reverts a canary that has few requests, for want of data",
    ]


@pytest.mark.parametrize(("name", "resource"), [("appmesh", "Route"), ("lattice", "Rule")])
def test_a_split_without_its_tag_is_found(tmp_path: Path, name: str, resource: str) -> None:
    folder = Path(shutil.copytree(ROOT / "examples" / name, tmp_path / name))
    change(folder / "template.yaml", "Value: managed", "Value: unmanaged")
    assert f"{name}: {resource} has no tag stepcanary=managed" in check_examples.faults(folder)
