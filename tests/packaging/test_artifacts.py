"""What `sam build` makes of every function, built by its own door and held to its budgets."""

import json
import re
import subprocess
import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path

import pytest

import package
from tests.packaging.artifacts import (
    FUNCTIONS,
    MB,
    RECIPES,
    Recipe,
    environment,
    limit,
    make,
    recipe,
    zipped_size,
)
from tests.support import ROOT

UNCHECKED_HASH = 1  # PEP 552: by hash (bit 0), and not checked against the source (bit 1)

# Modules that are dear to load or do not belong, and the only functions that may load them while they start.
MAY_LOAD = {
    "argon2": r"Users(?!Authorizer)",
    "aws_xray_sdk": r"nobody",
    "boto3": r"nobody",
    "cryptography": r"UsersAuthorizer$",
    "httpx": r"nobody",
    "jinja2": r"NotifyConsumer$|OrdersInvoices$",
    "PIL": r"nobody",
    "reportlab": r"OrdersInvoices$",
    "requests": r"Payments(?!Api$|Webhook)",
    "stripe": r"Payments(?!Api$|Webhook)",
}


@pytest.fixture(scope="session")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> dict[Recipe, Path]:
    """One built artifact a recipe."""
    built = {key: tmp_path_factory.mktemp(name) for key, name in RECIPES.items()}
    for key, name in RECIPES.items():
        make(name, built[key])
    return built


@pytest.mark.parametrize("key", RECIPES, ids="-".join)
def test_is_small(key, artifacts, tmp_path):
    size = zipped_size(artifacts[key], tmp_path)
    assert size <= limit(key) * MB, f"{size / MB:.2f} MB"


@pytest.mark.parametrize("key", RECIPES, ids="-".join)
def test_ships_nothing_that_does_not_run(key, artifacts):
    files = [path.relative_to(artifacts[key]) for path in artifacts[key].rglob("*")]
    ballast = {"pip", "setuptools", "wheel", "tests", "test", "bin", "moto", "boto3"}
    assert [str(path) for path in files if ballast & set(path.parts) or path.suffix == ".pyi"] == []
    models = {path.name for path in (artifacts[key] / "botocore" / "data").glob("*/")}
    assert models == package.Lock.read(package.ROOT / key[1]).aws_services


@pytest.mark.parametrize("key", RECIPES, ids="-".join)
def test_every_module_has_byte_code_that_is_believed_unchecked(key, artifacts):
    tag = sys.implementation.cache_tag
    sources = list(artifacts[key].rglob("*.py"))
    bare = [
        str(path) for path in sources if not (path.parent / "__pycache__" / f"{path.stem}.{tag}.pyc").exists()
    ]
    assert sources
    assert bare == []
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
def test_starts_from_its_artifact_alone(name, artifacts):
    handler = FUNCTIONS[name]["Handler"]
    command = [sys.executable, "-I", "-S", "-B", "-c", START, str(artifacts[recipe(name)]), handler]
    done = subprocess.run(command, env=environment(name), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    unwelcome = {module for module, who in MAY_LOAD.items() if module in loaded and not re.match(who, name)}
    assert unwelcome == set()


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
def test_the_trimmed_models_say_all_that_a_client_reads(key, artifacts):
    services = sorted(package.Lock.read(package.ROOT / key[1]).aws_services)
    command = [sys.executable, "-I", "-S", "-B", "-c", CALL, str(artifacts[key]), *services]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.parametrize("room", package.OWN_FOLDERS)
def test_a_functions_own_room_is_shipped_by_it_alone(folder, artifacts):
    shipping = {RECIPES[key] for key in RECIPES if (artifacts[key] / folder).exists()}
    assert shipping == {package.OWN_FOLDERS[folder]}


DRAW = """
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


def test_an_invoice_is_drawn_by_what_its_artifact_holds_alone(artifacts):
    command = [sys.executable, "-I", "-S", "-B", "-c", DRAW, str(artifacts[recipe("OrdersInvoices")])]
    settings = environment("OrdersInvoices")
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert 10_000 < int(done.stdout) < 60_000


LOCKS = sorted(package.ROOT.glob("*/*requirements.txt"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_ships_the_versions_that_are_tested(lock):
    tested = {line.lower() for line in (ROOT / "requirements" / "dev.txt").read_text().splitlines()}
    assert {pin.lower() for pin in package.Lock.read(lock).pins} <= tested


def test_every_stage_runs_what_is_built_for_it():
    made = re.findall(r"^TARGET \?= (python\S+)-(\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    said = re.findall(r"PythonRuntime=(\S+) Architecture=(\w+)", (ROOT / "samconfig.toml").read_text())
    assert set(said) == set(made)
