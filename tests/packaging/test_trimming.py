"""Changes that packaging makes to the libraries of an artifact."""

import subprocess
import sys

import pytest

from tests.packaging.artifacts import FUNCTIONS, build, environment
from trimming import READS_METADATA, remove_metadata_readers

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
