"""The artifact of every function, built as `sam build` does: content, size and imports."""

import json
import re
import subprocess
import sys
import tomllib
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest

import package
from tests.packaging.artifacts import (
    FUNCTIONS,
    MB,
    RECIPES,
    Recipe,
    build,
    environment,
    limit,
    recipe,
    zipped_size,
)
from tests.support import ROOT

NO_FUNCTION = r"(?!)"
UNCHECKED_HASH = 1  # PEP 552: with a hash (bit 0) that is not checked against the source (bit 1)

# Modules that are slow to import or not needed → a pattern of the functions that may import them at start.
MAY_IMPORT = {
    "argon2": r"Users(?!Authorizer)",
    "aws_xray_sdk": NO_FUNCTION,
    "boto3": NO_FUNCTION,
    "cryptography": r"UsersAuthorizer$",
    "httpx": NO_FUNCTION,
    "jinja2": r"NotifyConsumer$|OrdersInvoices$",
    "jwt": r"Users|Notify",
    "PIL": NO_FUNCTION,
    "reportlab": r"OrdersInvoices$",
    "requests": r"Payments(?!Api$|Webhook)",
    "stripe": r"Payments(?!Api$|Webhook)",
}


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> dict[Recipe, Path]:
    """Build one artifact per recipe."""
    built = {key: tmp_path_factory.mktemp(name) for key, name in RECIPES.items()}
    for key, name in RECIPES.items():
        build(name, built[key])
    return built


@pytest.mark.parametrize("key", RECIPES, ids="-".join)
def test_a_zip_is_within_its_size_limit(key, artifacts, tmp_path):
    size = zipped_size(artifacts[key], tmp_path)
    assert size <= limit(key) * MB, f"{size / MB:.2f} MB"


@pytest.mark.parametrize("key", RECIPES, ids="-".join)
def test_an_artifact_contains_nothing_that_it_does_not_use(key, artifacts):
    files = [path.relative_to(artifacts[key]) for path in artifacts[key].rglob("*")]
    forbidden = {"pip", "setuptools", "wheel", "tests", "test", "bin", "moto", "boto3"}
    assert [str(path) for path in files if forbidden & set(path.parts) or path.suffix == ".pyi"] == []
    models = {path.name for path in (artifacts[key] / "botocore" / "data").glob("*/")}
    assert models == package.Lock.read(package.ROOT / key[1]).aws_services


@pytest.mark.parametrize("key", RECIPES, ids="-".join)
def test_every_module_has_unchecked_byte_code(key, artifacts):
    tag = sys.implementation.cache_tag
    sources = list(artifacts[key].rglob("*.py"))
    uncompiled = [
        str(path) for path in sources if not (path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc").exists()
    ]
    assert sources
    assert uncompiled == []
    compiled = list(artifacts[key].rglob("*.pyc"))
    heads = {path: path.read_bytes()[:8] for path in compiled}
    assert [
        str(p) for p, head in heads.items() if head != MAGIC_NUMBER + UNCHECKED_HASH.to_bytes(4, "little")
    ] == []


START = """
import importlib, json, sys
sys.path.insert(0, sys.argv[1])
module, _, attribute = sys.argv[2].rpartition(".")
assert callable(getattr(importlib.import_module(module), attribute))
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_starts_with_only_its_artifact(name, artifacts):
    handler = FUNCTIONS[name]["Handler"]
    command = [sys.executable, "-I", "-S", "-B", "-c", START, str(artifacts[recipe(name)]), handler]
    done = subprocess.run(command, env=environment(name), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    forbidden = {
        module for module, allowed in MAY_IMPORT.items() if module in loaded and not re.match(allowed, name)
    }
    assert forbidden == set()


CALL = """
import sys
sys.path.insert(0, sys.argv[1])
import botocore.session
session = botocore.session.get_session()
session.set_credentials("testing", "testing")
for service in sys.argv[2:]:
    client = session.create_client(service, region_name="eu-west-1")
    model = client.meta.service_model
    assert isinstance(model.client_context_parameters, list)
    for name in model.operation_names:
        operation = model.operation_model(name)
        for shape in (operation.input_shape, operation.output_shape, *operation.error_shapes):
            assert shape is None or isinstance(getattr(shape, "members", {}), dict)
        assert isinstance(operation.context_parameters, list)
    if service == "s3":
        assert client.generate_presigned_url("get_object", Params={"Bucket": "b", "Key": "k"})
"""


@pytest.mark.parametrize("key", RECIPES, ids="-".join)
def test_a_trimmed_model_contains_all_that_a_client_reads(key, artifacts):
    services = sorted(package.Lock.read(package.ROOT / key[1]).aws_services)
    command = [sys.executable, "-I", "-S", "-B", "-c", CALL, str(artifacts[key]), *services]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("folder", package.OWN_FOLDERS)
def test_a_functions_own_folder_is_in_no_other_artifact(folder, artifacts):
    containing = {RECIPES[key] for key in RECIPES if (artifacts[key] / folder).exists()}
    assert containing == {package.OWN_FOLDERS[folder]}


def test_only_the_artifact_of_root_contains_the_api_document(artifacts):
    containing = {RECIPES[key] for key in RECIPES if [*artifacts[key].rglob("openapi.json")]}
    assert containing == {"RootApi"}


RENDER = """
import sys
sys.path.insert(0, sys.argv[1])
from datetime import UTC, datetime
from orders.invoicing import html, pdf
from orders.invoicing.document import Document, Line, Seller
from shared.values.money import Money
day, sum_ = datetime(2026, 11, 21, tzinfo=UTC), Money(amount=1299, currency="GBP")
line = Line("MUG-1", "Mug for Zoë, Łódź and Щука", 1, sum_, sum_, sum_, sum_)
invoice = Document(
    "2026-000001", day, "7K3M9QX2VA", "ord_1", day,
    Seller("Shop", ("London",), "GB 1"), ("Zoë",), "zoe@example.com", (line,) * 40,
    sum_, sum_, sum_, sum_, True, sum_, "pay_1", True, "standard",
)
assert b"Mug for Zo" in html.render(invoice)
print(len(pdf.render(invoice)))
"""


def test_an_invoice_renders_with_only_its_artifact(artifacts):
    command = [sys.executable, "-I", "-S", "-B", "-c", RENDER, str(artifacts[recipe("OrdersInvoices")])]
    settings = environment("OrdersInvoices")
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert 10_000 < int(done.stdout) < 60_000


LOCKS = sorted(package.ROOT.glob("*/*requirements.txt"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_packaged_versions_are_the_tested_ones(lock):
    tested = {line.lower() for line in (ROOT / "requirements" / "dev.txt").read_text().splitlines()}
    assert {pin.lower() for pin in package.Lock.read(lock).pins} <= tested


def test_every_stage_runs_the_target_that_is_built():
    built = re.findall(r"^TARGET \?= (python\S+)-(\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    stages = [tomllib.loads(path.read_text()) for path in (ROOT / "infra" / "stages").glob("*.toml")]
    assert {(stage["PythonRuntime"], stage["Architecture"]) for stage in stages} == set(built)


SHOW = """
import sys
sys.path.insert(0, sys.argv[1])
from root import docs
print(docs.page().body)
print(len(docs.asset("viewer.js", None, None).body))
"""


def test_root_serves_the_viewer_with_only_its_artifact(artifacts):
    command = [sys.executable, "-I", "-S", "-B", "-c", SHOW, str(artifacts[recipe("RootApi")])]
    done = subprocess.run(command, env=environment("RootApi"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout.splitlines()[-1]) > 10**6


def test_the_viewer_is_packaged_with_its_licenses_and_nothing_else(artifacts):
    package_folder = artifacts[recipe("RootApi")] / "drf_spectacular_sidecar"
    files = {path.name for path in package_folder.rglob("*") if path.is_file()}
    licenses = {"LICENSE", "swagger-ui-bundle.js.LICENSE.txt"}
    assert files == {"swagger-ui-bundle.js", "swagger-ui.css"} | licenses
