"""The check of the package finds what is wrong, in a package that has one file of each kind."""

from pathlib import Path

import pytest

from emulator import template
from tools import check_package, package

MAGIC = b"\xf3\x0d\x0d\x0a"


@pytest.fixture(autouse=True)
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(package, "BUILT", tmp_path)
    for layer in package.LAYERS:
        add_module(tmp_path / layer / "python/module.py")
    for service in check_package.services():
        (tmp_path / package.LIBRARIES / "python/botocore/data" / service).mkdir(parents=True)
    for function in template.functions():
        (tmp_path / function.name).mkdir()
        (tmp_path / function.name / "README").write_text("All is in the layers.")
    return tmp_path


def add_module(source: Path, flags: int = check_package.UNCHECKED_HASH) -> None:
    bytecode = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
    bytecode.parent.mkdir(parents=True, exist_ok=True)
    source.write_text("")
    bytecode.write_bytes(MAGIC + flags.to_bytes(4, "little"))


def faults() -> list[str]:
    return [
        *check_package.wrong_services(),
        *check_package.not_compiled(MAGIC),
        *check_package.misplaced(),
        *check_package.too_large(),
    ]


def test_a_sound_package_has_no_fault() -> None:
    assert faults() == []


def test_a_service_that_nobody_uses(built: Path) -> None:
    (built / package.LIBRARIES / "python/botocore/data/sqs").mkdir()
    assert len(faults()) == 1
    assert "'sqs'" in faults()[0]


def test_source_that_was_not_compiled(built: Path) -> None:
    (built / package.CODE / "python/late.py").write_text("")
    assert faults() == ["CodeLayer/python/late.py has no bytecode that Lambda would take"]


def test_bytecode_that_is_compared_with_its_source(built: Path) -> None:
    add_module(built / package.CODE / "python/module.py", flags=0)
    assert faults() == ["CodeLayer/python/module.py has no bytecode that Lambda would take"]


def test_slack_where_slack_is_not(built: Path) -> None:
    (built / package.LIBRARIES / "python/slack_sdk").mkdir()
    assert faults() == ["LibrariesLayer has slack_sdk, which only SlackLibrariesLayer should have"]


def test_a_function_with_libraries_of_its_own(built: Path) -> None:
    (built / "RevertFunction/boto3.py").write_text("")
    assert faults() == ["RevertFunction has files of its own: ['README', 'boto3.py']"]


def test_a_change_of_the_code_that_stores_too_much(
    built: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stored = package.stored_per_code_change()
    code = package.zipped(built / package.CODE)
    functions = [package.zipped(built / function.name) for function in template.functions()]
    assert stored == code + sum(functions)
    monkeypatch.setattr(check_package, "MOST_PER_CODE_CHANGE", stored - 1)
    assert len(faults()) == 1
    assert "stores" in faults()[0]
