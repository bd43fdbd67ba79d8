"""The documentation: line lengths, links, the alarms, and the form and index of the records."""

import re
import subprocess
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

from infra.monitoring import alarms
from tests.support import ROOT

MAX_LENGTH = 140

RECORDS = ROOT / "docs" / "adr"
INDEX = RECORDS / "README.md"
TRACKED = subprocess.run(
    ["git", "ls-files", "*.md"], cwd=ROOT, check=True, capture_output=True, text=True
).stdout.split()
RECORD = re.compile(
    r"# (?P<number>\d{4})\. (?P<title>[^\n]+)\n\n"
    r"- Status: (?P<status>accepted|superseded by \[(\d{4})\]\(\4-[a-z0-9-]+\.md\))\n"
    r"- Date: \d{4}-\d\d-\d\d\n\n"
    r"## Context\n(?P<context>\S.+?)\n\n"
    r"## Decision\n(?P<decision>\S.+?)\n\n"
    r"## Alternatives\n(?P<alternatives>\S.+?)\n\n"
    r"## Consequences\n(?P<consequences>\S.+)\n",
    re.DOTALL,
)


def long_lines(text: str) -> list[int]:
    """Return the numbers of the lines that are longer than MAX_LENGTH characters."""
    return [number for number, line in enumerate(text.splitlines(), start=1) if len(line) > MAX_LENGTH]


def without_code(text: str) -> str:
    """Return the Markdown without code blocks and code spans."""
    return re.sub(r"`[^`\n]+`", "", re.sub(r"^ *```.*?^ *```$", "", text, flags=re.DOTALL | re.MULTILINE))


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings."""
    blocks_removed = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
    found: list[str] = []
    for heading in re.findall(r"^#+ (.+)$", blocks_removed, re.MULTILINE):
        shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        anchor = re.sub(r"[^\w\- ]", "", shown).replace(" ", "-")
        repeated = found.count(anchor)
        found += [anchor, f"{anchor}-{repeated}"] if repeated else [anchor]
    return {*found}


def broken_links(path: Path, text: str) -> Iterator[str]:
    """Yield the relative links to files that do not exist, or to headings that their file does not have."""
    for target in re.findall(r"(?:\]\(|^\[[^\]]+\]: )([^)\s]+)", without_code(text), re.MULTILINE):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = path.parent / name
        if not file.exists():
            yield target
        elif anchor and anchor not in anchors(file.read_text() if name else text):
            yield target


def unexplained_alarms(names: Iterable[str], text: str) -> set[str]:
    """Return the names of alarms that are in no row of the operations' table; `…` stands for any prefix."""
    cells = re.findall(r"^\| (`[^|]+`) \|", text, re.MULTILINE)
    rows = [row for cell in cells for row in re.findall(r"`([^`]+)`", cell)]
    return {name for name in names if not any(fnmatch(name, row.replace("…", "*")) for row in rows)}


def missing_paths(text: str) -> list[str]:
    """Return the paths in the glossary's last column that exist neither in the repository nor in
    functions/."""
    rows = re.findall(r"^\| .+ \| .+ \| (.+) \|$", text, re.MULTILINE)
    paths = [path for cell in rows for path in re.findall(r"`([\w./-]+)`", cell)]
    return [path for path in paths if not any((top / path).exists() for top in (ROOT, ROOT / "functions"))]


def faults_of_record(name: str, text: str) -> Iterator[str]:
    """Yield what is wrong with the form of a decision record."""
    record = RECORD.fullmatch(text)
    if record is None:
        yield f"{name} does not have the header and the sections of docs/adr/README.md in their order"
    elif record["number"] != name[:4]:
        yield f"{name} has the number {record['number']} in its title"
    elif "\n## " in record["consequences"]:
        yield f"{name} has a section after Consequences"


def faults_of_index(index: str, records: dict[str, str]) -> Iterator[str]:
    """Yield the numbers that are missing, and the records that are not listed once with title and status."""
    numbers = [name[:4] for name in sorted(records)]
    if numbers != [f"{number:04}" for number in range(1, len(records) + 1)]:
        yield f"the numbers have a gap or occur twice: {', '.join(numbers)}"
    lines = index.splitlines()
    for name, text in records.items():
        title = text.partition("\n")[0].removeprefix("# ")
        superseded = " (superseded)" if "\n- Status: superseded" in text else ""
        line = f"- [{title}]({name}){superseded}"
        if lines.count(line) != 1 or index.count(f"]({name})") != 1:
            yield f"docs/adr/README.md must have this line once: {line}"


def records() -> dict[str, str]:
    """Return the text of each record by file name."""
    return {path.name: path.read_text() for path in sorted(RECORDS.glob("*.md")) if path != INDEX}


@pytest.mark.parametrize("name", TRACKED)
def test_lines_have_at_most_140_characters(name):
    assert long_lines((ROOT / name).read_text()) == []


def test_operations_explains_each_alarm():
    names = {alarm.resource["Properties"]["AlarmName"]["Fn::Sub"] for alarm in alarms()}
    page = (ROOT / "docs" / "operations.md").read_text()
    assert unexplained_alarms({name.removeprefix("tillstack-${Stage}-") for name in names}, page) == set()


def test_the_glossary_names_each_term_once_and_existing_modules():
    page = (ROOT / "docs" / "glossary.md").read_text()
    terms = re.findall(r"^\| (.+?) \| .+ \|$", page, re.MULTILINE)
    repeated = {term for term in terms if terms.count(term) > 1}
    assert repeated == {"term"}, "only the tables' heads repeat"
    assert missing_paths(page) == []


@pytest.mark.parametrize("name", TRACKED)
def test_relative_links_lead_to_files_and_headings(name):
    assert list(broken_links(ROOT / name, (ROOT / name).read_text())) == []


@pytest.mark.parametrize("name", records())
def test_a_record_has_its_header_and_sections(name):
    assert list(faults_of_record(name, records()[name])) == []


def test_each_record_is_listed_once_in_the_index():
    assert list(faults_of_index(INDEX.read_text(), records())) == []


def test_a_planted_long_line_is_found():
    assert long_lines(f"{'a' * 140}\n{'…' * 141}\n") == [2]


def test_a_planted_alarm_without_a_row_is_found():
    page = "| `…-fails` | see the log |\n| `one`, `two` | see `three` |\n"
    assert unexplained_alarms({"x-fails", "one", "two", "three"}, page) == {"three"}


def test_a_planted_missing_path_is_found():
    page = "| a | b | `orders/domain` |\n| c | d | `orders/x.py`, each `users` |\n"
    assert missing_paths(page) == ["orders/x.py"]


@pytest.mark.parametrize(
    ("text", "broken"),
    [
        ("[a](missing.md)", ["missing.md"]),
        ("[a]\n\n[a]: missing.md", ["missing.md"]),
        ("[a](glossary.md#no-such-heading)", ["glossary.md#no-such-heading"]),
        ("# One\n[a](#two)", ["#two"]),
        ("# One\n# One\n[a](#one-2)", ["#one-2"]),
        ("```\n# Two\n```\n[a](#two)", ["#two"]),
        ("# `x` of [y](glossary.md)\n[a](#x-of-y) [b](glossary.md#payments) [c](https://x.example/y)", []),
        ("`[a](missing.md)`\n```\n[b](missing.md)\n```\n", []),
    ],
)
def test_a_planted_broken_link_is_found(text, broken):
    assert list(broken_links(ROOT / "docs" / "planted.md", text)) == broken


GOOD = """# 0001. Title

- Status: accepted
- Date: 2026-11-28

## Context
Facts.

## Decision
What is done.

## Alternatives
None recorded.

## Consequences
- One.
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# 0001. Title", "# 0002. Title"),
        ("- Status: accepted\n", ""),
        ("Status: accepted", "Status: done"),
        ("Status: accepted", "Status: superseded by [0002](0003-other.md)"),
        ("2026-11-28", "28 November"),
        ("## Context\nFacts.\n\n", ""),
        ("None recorded.", ""),
        ("## Decision", "## Reasons"),
        ("- One.\n", "- One.\n\n## Notes\nMore.\n"),
    ],
)
def test_a_planted_fault_of_a_record_is_found(old, new):
    assert list(faults_of_record("0001-title.md", GOOD)) == []
    assert list(faults_of_record("0001-title.md", GOOD.replace(old, new)))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("0002-title.md", "- [0001. Title](0002-title.md)\n"),
        ("0001-title.md", ""),
        ("0001-title.md", "- [0001. Other](0001-title.md)\n"),
        ("0001-title.md", "- [0001. Title](0001-title.md) (superseded)\n"),
        ("0001-title.md", "- [0001. Title](0001-title.md)\n- [0001. Title](0001-title.md)\n"),
    ],
)
def test_a_planted_fault_of_the_index_is_found(name, line):
    assert list(faults_of_index("- [0001. Title](0001-title.md)\n", {"0001-title.md": GOOD})) == []
    assert list(faults_of_index(line, {name: GOOD}))
