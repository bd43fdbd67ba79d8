"""The instructions for newcomers name files, `make` targets, variables and tests that exist."""

import re
import subprocess
from collections.abc import Iterable

import pytest

from tests.support import ROOT, SERVICES

DOCUMENTS = ["CONTRIBUTING.md", "README.md", "localstack/README.md", "docs/operations.md"]
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = {*re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE)}
VARIABLES = {*re.findall(r"\b([A-Z_]+)=", "\n".join(re.findall(r"^#:.*", MAKEFILE, re.MULTILINE)))}
FOLDERS = ("docs/", "functions/", "infra/", "localstack/", "ops/", "tests/")
# Files that a reader of CONTRIBUTING.md creates.
EXAMPLES = {"tests/orders/test_notes.py", "docs/adr/NNNN-title.md"}
TESTS = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))


def code_in(name: str) -> list[str]:
    """Return the code spans and the lines of the code blocks of a document."""
    text = (ROOT / name).read_text()
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return [*re.findall(r"`([^`\n]+)`", text), *(line for block in blocks for line in block.splitlines())]


def missing_files(code: Iterable[str]) -> set[str]:
    """Return the paths that do not exist. `<service>` is any service, and `<stage>` any stage."""
    paths = {path for span in code for path in re.findall(r"(?<![\w./<>-])[\w.<>-]+/[\w./<>-]+", span)}
    return {path for path in paths - EXAMPLES if path.startswith(FOLDERS) and not _exists(path)}


def _exists(path: str) -> bool:
    stages = [file.stem for file in (ROOT / "infra" / "stages").iterdir()]
    names = [path.replace("<service>", service).replace("<stage>", stages[0]) for service in SERVICES]
    return any((ROOT / name).exists() for name in names)


def unknown_commands(code: Iterable[str]) -> set[str]:
    """Return the targets and the variables of `make` commands that the Makefile does not have."""
    unknown = set()
    for span in code:
        for command in re.findall(r"(?:^|\()make ([^()#]*)", re.sub(r"<[^>]*>", "", span)):
            for word in command.split():
                name, is_variable, _ = word.partition("=")
                if not name.startswith("-") and name not in (VARIABLES if is_variable else TARGETS):
                    unknown.add(word)
    return unknown


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_named_files_exist(name):
    assert missing_files(code_in(name)) == set()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_make_commands_exist(name):
    assert unknown_commands(code_in(name)) == set()


def test_the_named_tests_exist():
    named = {span for span in code_in("CONTRIBUTING.md") if re.fullmatch(r"test_\w+", span)}
    assert named
    assert [test for test in named if f"def {test}(" not in TESTS] == []


def test_a_name_that_is_in_a_file_is_there():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    places = re.findall(r"`([A-Za-z]+)`(?: of [^`\n]*)?(?: in|:)\s+`([\w/]+\.\w+)`", text)
    assert len(places) > 5
    assert [(word, path) for word, path in places if word not in (ROOT / path).read_text()] == []


def test_help_lists_every_target_and_variable():
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {*re.findall(r"^  make ([a-z]+) ", shown, re.MULTILINE)} == TARGETS
    assert VARIABLES >= {"T", "K", "R", "ORDERS", "STAGE", "PORT"}
    assert [name for name in VARIABLES if f"{name}=" not in shown] == []


@pytest.mark.parametrize(
    ("code", "missing"),
    [
        ("see tests/orders/test_placing.py", set()),
        ("tests/orders/test_misplaced.py", {"tests/orders/test_misplaced.py"}),
        ("functions/<service>/routes.py", set()),
        ("functions/<service>/front.py", {"functions/<service>/front.py"}),
        ("infra/stages/<stage>.toml", set()),
    ],
)
def test_a_planted_missing_file_is_found(code, missing):
    assert missing_files([code]) == missing


@pytest.mark.parametrize(
    ("code", "unknown"),
    [
        ("make -s token ROLE=staff", set()),
        ("make everything", {"everything"}),
        ("make demo ORDER=3", {"ORDER=3"}),
        ('curl "$(make -s uri)/cart"', {"uri"}),
    ],
)
def test_a_planted_unknown_command_is_found(code, unknown):
    assert unknown_commands([code]) == unknown
