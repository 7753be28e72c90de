"""Layers: what is in them is what the code needs; `make package-check` looks at what was built."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import grimp
import pytest
from botocore.session import get_session

from emulator import template
from package import trim
from tests.conftest import transform
from tools import package

FUNCTIONS = template.ROOT / "functions"
SERVICES = (template.ROOT / "package/services.txt").read_text().split()


def calls_of_boto3() -> dict[str, set[str]]:
    """By file, the services that clients are made of; empty where something else is made of it."""
    found: dict[str, set[str]] = {}
    for path in FUNCTIONS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="boto3"), attr=made), args=args):
                    name = args[0].value if isinstance(args[0], ast.Constant) else ""
                    service = {str(name)} if made == "client" else {""}
                    found.setdefault(str(path.relative_to(FUNCTIONS)), set()).update(service)
                # botocore's own, without what boto3 adds.
                case ast.Call(func=ast.Attribute(attr="create_client"), args=[ast.Constant(name)]):
                    found.setdefault(str(path.relative_to(FUNCTIONS)), set()).add(str(name))
    return found


def test_the_layer_has_the_services_that_have_clients() -> None:
    calls = calls_of_boto3()
    assert list(calls) == ["stepcanary/aws/clients.py"]
    assert calls["stepcanary/aws/clients.py"] == set(SERVICES)
    assert sorted(SERVICES) == SERVICES


def test_slack_is_in_the_functions_that_need_it_and_in_no_other() -> None:
    graph = grimp.build_graph("handlers", "stepcanary", include_external_packages=True)
    slack = {module for module in ("slack_bolt", "slack_sdk") if module in graph.modules}
    assert slack == {"slack_bolt", "slack_sdk"}
    need = {
        function.name
        for function in template.functions()
        for module in slack
        if graph.chain_exists(function.handler.rpartition(".")[0], module)
    }
    have = {f.name for f in template.functions() if package.SLACK in package.layers_of(f.name)}
    assert have == need == {"AnswerSlackFunction", "PostToSlackFunction"}


def test_a_report_is_loaded_by_what_writes_it_and_by_nothing_else() -> None:
    """No release, and no question, waits for it to be loaded."""
    graph = grimp.build_graph("handlers", "stepcanary")
    pages = "stepcanary.report.page"
    handlers = {f.name: f.handler.rpartition(".")[0] for f in template.functions()}
    writers = {name for name, handler in handlers.items() if graph.chain_exists(handler, pages)}
    assert writers == {"WriteReportFunction"}


def test_no_library_is_in_two_layers() -> None:
    assert not package.pins("libraries.txt").keys() & package.pins("slack.txt").keys()


def test_a_new_layer_is_a_new_version_of_each_function(
    transformed: dict[str, Any], tmp_path: Path
) -> None:
    """Its code is in the layer, and a version keeps the layers that it was published with."""
    later = transform(tmp_path / "later.json", "later")["Resources"]
    names = [
        {name for name, each in resources.items() if each["Type"] == "AWS::Lambda::Version"}
        for resources in (transformed, later)
    ]
    assert len(names[0]) == len(names[1]) == len(template.functions())
    assert not names[0] & names[1]
    assert transform(tmp_path / "same.json")["Resources"].keys() == transformed.keys()


def test_a_layer_is_deleted_with_the_last_version_that_has_it(transformed: dict[str, Any]) -> None:
    layers = [r for r in transformed.values() if r["Type"] == "AWS::Lambda::LayerVersion"]
    assert [layer["DeletionPolicy"] for layer in layers] == ["Delete"] * len(package.LAYERS)


def test_texts_are_taken_out_of_a_model_and_members_that_are_called_so_are_not() -> None:
    model = {
        "documentation": "<p>All of it.</p>",
        "shapes": {
            "Rule": {
                "type": "structure",
                "members": {"documentation": {"shape": "String", "documentation": "A text."}},
            }
        },
        "list": [{"documentation": "A text."}, "documentation"],
    }
    assert trim.without_documentation(model) == {
        "shapes": {
            "Rule": {"type": "structure", "members": {"documentation": {"shape": "String"}}}
        },
        "list": [{}, "documentation"],
    }


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """botocore's data of three services."""
    data, copied = Path(get_session().get_component("data_loader").BUILTIN_DATA_PATH), tmp_path
    for service in ("dynamodb", "elbv2", "s3"):
        for source in (data / service).rglob("*.*"):
            target = copied / "botocore/data" / source.relative_to(data)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read_bytes())
    (copied / "botocore/data/endpoints.json").write_bytes((data / "endpoints.json").read_bytes())
    return copied


def trim_to(site: Path, *services: str, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = site / "services.txt"
    listed.write_text("\n".join(services))
    monkeypatch.setattr(sys, "argv", ["trim.py", str(site), str(listed)])
    trim.main()


def test_what_is_left_of_a_service_is_all_that_a_client_reads(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trim_to(site, "dynamodb", "elbv2", monkeypatch=monkeypatch)
    data = site / "botocore/data"
    assert {path.name for path in data.iterdir()} == {"dynamodb", "elbv2", "endpoints.json"}
    partitions = json.loads((data / "endpoints.json").read_text())["partitions"]
    assert partitions[0]["services"].keys() == {"dynamodb", "elasticloadbalancing"}
    whole, trimmed = get_session(), get_session()
    trimmed.get_component("data_loader").search_paths.insert(0, str(data))
    for service in ("dynamodb", "elbv2"):
        models = [each.get_service_model(service) for each in (whole, trimmed)]
        assert models[0].operation_names == models[1].operation_names
        assert models[0].documentation
        assert not models[1].documentation


class Called(Exception):
    """A request has its endpoint, and is about to be signed."""


@pytest.mark.parametrize(
    ("service", "method", "given"),
    [
        ("dynamodb", "list_tables", {}),
        ("elbv2", "describe_rules", {}),
        ("s3", "put_object", {"Bucket": "shop-reports", "Key": "x.html", "Body": b""}),
    ],
)
def test_a_client_of_what_is_left_can_call(
    site: Path, monkeypatch: pytest.MonkeyPatch, service: str, method: str, given: dict[str, Any]
) -> None:
    """A client can be made of a model that lacks what only its first call reads."""
    trim_to(site, "dynamodb", "elbv2", "s3", monkeypatch=monkeypatch)

    def called(**_: Any) -> None:
        raise Called

    session = get_session()
    loader = session.get_component("data_loader")
    loader.search_paths[:] = [str(site / "botocore/data"), loader.BUILTIN_DATA_PATH]
    client = session.create_client(service, region_name="eu-central-1")
    assert not client.meta.service_model.documentation
    client.meta.events.register("before-call", called)
    with pytest.raises(Called):
        getattr(client, method)(**given)


def test_s3transfer_goes_although_s3_is_used(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = site / "s3transfer/manager.py"
    library.parent.mkdir()
    library.write_text("whole = True")
    trim_to(site, "dynamodb", "s3", monkeypatch=monkeypatch)
    assert "class TransferConfig:" in library.read_text()
    code = (
        "import sys; from stepcanary.aws import clients; clients.s3();"
        " assert not any(name.startswith('s3transfer.f') for name in sys.modules)"
    )
    path = f"{site}:{FUNCTIONS}"
    env = {"PYTHONPATH": path, "AWS_DEFAULT_REGION": "eu-central-1", "AWS_DATA_PATH": ""}
    subprocess.run([sys.executable, "-c", code], env=env, check=True)


def test_a_service_that_botocore_does_not_have_ends_the_build(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SystemExit, match="botocore does not have dynamo2"):
        trim_to(site, "dynamodb", "dynamo2", monkeypatch=monkeypatch)
