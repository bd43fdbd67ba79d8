"""The vocabulary: retired words occur neither in names nor in docstrings, comments and documentation."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.vocabulary import MODULES, PHRASES, TERMS, Term
from tests.support import ROOT

FOLDERS = ("docs", "functions", "infra", "localstack", "ops", "tests")
SUFFIXES = {".py", ".md", ".yaml", ".j2"}
# The vocabulary itself, German texts, and files of others.
LEFT_OUT = (
    "tests/contracts/vocabulary.py",
    "tests/contracts/test_vocabulary.py",
    "functions/notify/templates/de/",
)
FILES = sorted(
    name
    for path in (
        *(ROOT / name for name in ("README.md", "template.yaml")),
        *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*")),
    )
    if path.suffix in SUFFIXES and not (name := str(path.relative_to(ROOT))).startswith(LEFT_OUT)
)
TESTS = [name for name in FILES if name.startswith("tests/") and name.endswith(".py")]


def names(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield each identifier with its line."""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name, line
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, line
            case ast.keyword(arg=str(name)):
                yield name, line
            case ast.alias(name=name, asname=other):
                yield from ((part, line) for part in name.split("."))
                if other:
                    yield other, line


def prose(source: str, tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield each docstring, comment and log event with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Module() | ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                text = ast.get_docstring(node, clean=False)
                if text:
                    yield text, getattr(node, "lineno", 1)
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="log")), args=[ast.Constant(value=str(text)), *_]
            ):
                yield text, node.lineno
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string, token.start[0]


def terms_for(path: str) -> list[Term]:
    """Return the terms in whose scope the file is."""
    return [
        term for term in TERMS if path.startswith(term.scope) and not path.startswith(term.allowed or "\0")
    ]


def findings(path: str, source: str) -> list[str]:
    """Return one message per retired word: where it is and what to use instead."""
    if not path.endswith(".py"):
        lines = enumerate(source.splitlines(), start=1)
        return [found for line, text in lines for found in prose_findings(f"{path}:{line}", text)]
    tree = ast.parse(source)
    retired = {word: term.use for term in terms_for(path) for word in term.retired}
    modules = {
        old: new
        for scope, known in MODULES.items()
        if path.startswith(f"{scope}/")
        for old, new in known.items()
    }
    found = []
    if use := (retired | modules).get(Path(path).stem):
        found.append(f"{path}: the module name '{Path(path).stem}' is retired; use {use}")
    for name, line in names(tree):
        if name in retired:
            found.append(f"{path}:{line}: the name '{name}' is retired; use {retired[name]}")
    for text, line in prose(source, tree):
        found += prose_findings(f"{path}:{line}", text)
    return found


def prose_findings(place: str, text: str) -> Iterator[str]:
    """Yield one message per retired word or phrase of a text."""
    words = " ".join(re.findall(r"\w+", re.sub(r"(?i)dead.letter|letter-spacing", "", text))).lower()
    for phrase, use in PHRASES.items():
        if re.search(rf"\b{phrase}\b", words):
            yield f"{place}: '{phrase}' is retired; use {use}"


@pytest.mark.parametrize("name", FILES)
def test_retired_words_do_not_occur(name):
    found = findings(name, (ROOT / name).read_text())
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", TESTS)
def test_names_of_tests_have_at_most_80_characters(name):
    tree = ast.parse((ROOT / name).read_text())
    tests = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert [test for test in tests if test.startswith("test_") and len(test) > 80] == []


@pytest.mark.parametrize(
    ("path", "source", "word"),
    [
        ("functions/orders/x.py", "def settle(): ...\n", "settle"),
        ("functions/orders/x.py", 'x = f"{order.settle}"\n', "settle"),
        ("functions/orders/x.py", "totals: dict[str, Account] = {}\n", "Account"),
        ("functions/notify/x.py", "class Letter: ...\n", "Letter"),
        ("functions/cart/x.py", 'log.info("heard")\n', "heard"),
        ("functions/catalog/shelves.py", "x = 1\n", "shelves"),
        ("tests/x.py", '"""What staff were told."""\n', "told"),
        ("ops/x.py", "x = 1  # sent in vain\n", "in vain"),
        ("docs/x.md", "Orders lets go of the stock.\n", "lets go of"),
    ],
)
def test_a_planted_word_is_found_with_its_replacement(path, source, word):
    (message, *_) = [found for found in findings(path, source) if f"'{word}'" in found]
    assert "; use " in message


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("functions/users/x.py", "class Account: ...\n"),
        ("functions/orders/x.py", "class PaymentTotals: ...\n"),
        ("localstack/stripe/x.py", "class Declined(Exception): ...\n"),
    ],
)
def test_a_word_that_is_right_elsewhere_is_accepted_there(path, source):
    assert findings(path, source) == []


if __name__ == "__main__":
    for name in FILES:
        for message in findings(name, (ROOT / name).read_text()):
            print(message)
