"""Changes that packaging makes to the libraries of an artifact."""

import subprocess
import sys

import pytest

from tests.packaging.artifacts import FUNCTIONS, build, environment
from trimming import READS_METADATA, remove_metadata_readers, simplify_dataclasses

START = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
importlib.import_module(sys.argv[2].rpartition(".")[0])
from shared.values.ids import new_id
print("importlib.metadata" in sys.modules, len(new_id("ord")))
"""


def test_a_function_starts_without_reading_the_metadata_of_packages(tmp_path):
    build("OrdersApi", tmp_path)
    handler = FUNCTIONS["OrdersApi"]["Handler"]
    command = [sys.executable, "-I", "-S", "-B", "-c", START, str(tmp_path), handler]
    done = subprocess.run(command, env=environment("OrdersApi"), capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("False 30\n", "")
    assert list(tmp_path.glob("*.dist-info")) == []


@pytest.mark.parametrize("position", range(len(READS_METADATA)))
def test_a_new_version_of_a_library_without_a_replaced_line_fails_the_build(tmp_path, position):
    for module in {module for module, _, _ in READS_METADATA}:
        (tmp_path / module).parent.mkdir(parents=True)
        lines = [
            line for n, (other, line, _) in enumerate(READS_METADATA) if other == module and n != position
        ]
        (tmp_path / module).write_text("".join(lines))
    with pytest.raises(ValueError, match=r"correct READS_METADATA"):
        remove_metadata_readers(tmp_path)


DATACLASSES = """
import sys
sys.path.insert(0, sys.argv[1])
import annotated_types, pydantic
from pydantic.experimental import pipeline  # the modules that a start does not load
from pydantic.json_schema import models_json_schema
assert annotated_types.Ge(1) == annotated_types.Ge(1) != annotated_types.Ge(2) != annotated_types.Gt(2)
assert len({annotated_types.Ge(1), annotated_types.Ge(1), pydantic.Strict(), pydantic.Strict(False)}) == 3
assert "Ge(ge=1)" not in repr(annotated_types.Ge(1))
"""


def test_the_dataclasses_of_libraries_keep_equality_and_hashes(tmp_path):
    build("OrdersApi", tmp_path)
    command = [sys.executable, "-I", "-S", "-B", "-c", DATACLASSES, str(tmp_path)]
    done = subprocess.run(command, env={}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_library_without_dataclasses_fails_the_build(tmp_path):
    (tmp_path / "pydantic").mkdir()
    (tmp_path / "pydantic" / "types.py").write_text("class Strict:\n    strict: bool = True\n")
    with pytest.raises(ValueError, match="pydantic no longer contains a dataclass"):
        simplify_dataclasses(tmp_path / "pydantic")
