"""What a machine lacks is told before anything is installed."""

import pytest

from tools.install import ENVOY, missing, numbers, without_envoy

GLIBC = ("glibc", "2.31")


@pytest.mark.parametrize(
    ("machine", "told"),
    [
        (("Linux", "x86_64", GLIBC, ""), ""),
        (("Linux", "aarch64", ("glibc", "2.40"), ""), ""),
        (("Darwin", "arm64", ("", ""), "15.0"), ""),
        (("Darwin", "arm64", ("", ""), "26.1"), ""),
        (("Linux", "riscv64", GLIBC, ""), "Linux on riscv64"),
        (("Linux", "x86_64", ("", ""), ""), "Linux without glibc, as Alpine is"),
        (("Linux", "x86_64", ("glibc", "2.28"), ""), "Linux with glibc 2.28"),
        (("Linux", "x86_64", ("glibc", "2.4"), ""), "Linux with glibc 2.4"),
        (("Darwin", "x86_64", ("", ""), "15.1"), "Darwin on x86_64"),
        (("Darwin", "arm64", ("", ""), "14.7.1"), "macOS 14.7.1"),
        (("Windows", "AMD64", ("", ""), ""), "Windows on AMD64"),
    ],
)
def test_envoy_is_built_for_some_machines(
    machine: tuple[str, str, tuple[str, str], str], told: str
) -> None:
    assert without_envoy(*machine) == told


def test_it_is_told_before_pip_could_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Darwin")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    told = missing(f"{ENVOY}==1.40.0\n")
    assert "This is Darwin on x86_64" in told
    assert "docker run" in told
    assert missing("boto3==1.44.5\n") == ""


def test_a_python_that_can_make_no_environment_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.install.find_spec", lambda _name: None)
    assert "-venv" in missing("")


def test_numbers() -> None:
    assert numbers("2.4") < numbers("2.31")
