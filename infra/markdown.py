"""Markdown for the generated documents: tables, and the width that lines of documentation may have."""

from collections.abc import Iterable, Sequence

MAX_WIDTH = 140  # characters; longer lines are hard to review in a diff


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table. Raises ValueError if a line is too long, so that its source is shortened."""
    lines = [_line(head), "|" + "---|" * len(head), *(_line(row) for row in rows)]
    for line in lines:
        if len(line) > MAX_WIDTH:
            raise ValueError(f"{len(line)} characters, at most {MAX_WIDTH} are allowed: {line}")
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
