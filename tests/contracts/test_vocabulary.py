"""The vocabulary: retired words occur neither in names nor in docstrings and comments."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.vocabulary import MODULES, PHRASES, TERMS, Term
from tests.support import ROOT

FOLDERS = ("functions", "infra", "localstack", "ops", "tests")
OWN = {"tests/contracts/vocabulary.py", "tests/contracts/test_vocabulary.py"}
# Grows with each folder that is converted.
CONVERTED: tuple[str, ...] = ("functions/root",)
FILES = sorted(
    path
    for folder in FOLDERS
    for path in (ROOT / folder).rglob("*.py")
    if str(path.relative_to(ROOT)) not in OWN
)


def names(source: str) -> Iterator[tuple[str, int]]:
    """Yield each identifier with its line."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NAME:
            yield token.string, token.start[0]


def prose(source: str) -> Iterator[tuple[str, int]]:
    """Yield each docstring and comment with its line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node, clean=False)
            if text:
                yield text, getattr(node, "lineno", 1)
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
    terms = terms_for(path)
    found = []
    in_names = {word: term.use for term in terms for word in term.retired}
    in_prose = {word.lower(): term.use for term in terms if term.prose for word in term.retired}
    stem = Path(path).stem
    modules = {
        old: new
        for scope, known in MODULES.items()
        if path.startswith(f"{scope}/")
        for old, new in known.items()
    }
    if use := (in_names | modules).get(stem):
        found.append(f"{path}: the module name '{stem}' is retired; use {use}")
    for name, line in names(source):
        if name in in_names:
            found.append(f"{path}:{line}: the name '{name}' is retired; use {in_names[name]}")
    for text, line in prose(source):
        words = re.findall(r"\w+", text)
        for word in words:
            if word.lower() in in_prose and (word.islower() or word.lower() not in in_names):
                found.append(f"{path}:{line}: '{word}' is retired; use {in_prose[word.lower()]}")
        flat = " ".join(words).lower()
        for phrase, use in PHRASES.items():
            if re.search(rf"\b{phrase}\b", flat):
                found.append(f"{path}:{line}: '{phrase}' is retired; use {use}")
    return found


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if str(path.relative_to(ROOT)).startswith(CONVERTED)],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_retired_words_do_not_occur(path):
    found = findings(str(path.relative_to(ROOT)), path.read_text())
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "source", "word"),
    [
        ("functions/orders/x.py", "def settle(): ...\n", "settle"),
        ("functions/notify/x.py", "class Letter: ...\n", "Letter"),
        ("functions/orders/x.py", "totals: dict[str, Account] = {}\n", "Account"),
        ("tests/x.py", '"""What staff were told."""\n', "told"),
        ("ops/x.py", "x = 1  # asked in vain\n", "in vain"),
        ("functions/catalog/shelves.py", "x = 1\n", "shelves"),
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
    for path in FILES:
        for message in findings(str(path.relative_to(ROOT)), path.read_text()):
            print(message)
