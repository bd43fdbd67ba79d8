"""The limits in the code: numeric constants of modules and numeric settings, with their comments."""

import ast
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from infra.limits.limit import Kind, Limit, text_of

# Constants that are numbers but no limits: a file, or a name in a file → what they are.
NOT_LIMITS = {
    "infra/openapi/examples.py": "examples of requests",
    "functions/orders/invoicing/pdf.py": "measures of a page",
    "functions/users/domain/keys.py": "bytes of an encoding",
    "functions/users/signing.py:SIGNATURE_SIZE": "the size of an encoding",
    "functions/shared/values/ids.py:RANDOM_LENGTH": "a part of the format",
    "functions/shared/values/money.py:BASIS_POINTS": "a unit",
    "functions/orders/tables/packing.py": "the format of a row",
    "functions/notify/domain/outcomes.py:_SOFT": "a rank",
    "functions/notify/domain/brand.py:_STEPS": "a step of a search",
}
BUILD_STEPS = {"functions/package.py", "functions/trimming.py"}  # run on the developer's machine
# The kind of a constant, by its file and name; the first match counts. Others are processing.
KINDS = {
    Kind.LIFETIMES: "TTL|RETENTION|CACHE|_FOR$|LINK|REFRESH|AFTER_|_OPEN$|NOTICE|TOLERANCE|_days$|_minutes$",
    Kind.RETRIES: "TIMEOUT|TRIES|ATTEMPTS|DOUBLINGS|RETRY|RETRIES|PAUSE|DEADLINE$|LEFT|PER_CALL|LEASE|ROUNDS",
    Kind.PROCESSING: "/reconciliation|/inbox|GRACE",
    Kind.RULES: "/(domain|schemas|contracts|http|values|routes|settings)[/.]",
}


class Constant(NamedTuple):
    """A named number: `place` is its file, `comment` the text beside and above it."""

    place: str
    name: str
    line: int
    value: ast.expr
    comment: str


def sources(root: Path) -> dict[str, str]:
    """Return the source files that may have limits, the services' and the gateway's: path → text."""
    paths = [*(root / "functions").rglob("*.py"), *(root / "infra" / "openapi").rglob("*.py")]
    files = {str(path.relative_to(root)): path.read_text() for path in sorted(paths)}
    return {place: source for place, source in files.items() if place not in BUILD_STEPS}


def limits(files: Mapping[str, str], parameters: Mapping[str, str]) -> Iterator[Limit]:
    """Yield the limits of the files (path → source).

    `parameters`: environment variable → parameter of template.yaml that sets it. Raises LookupError with all
    constants that have no unit or no reason.
    """
    found = [each for place, source in files.items() for each in constants(place, source)]
    known: dict[str, set[Any]] = {}
    for each in found:
        known.setdefault(each.name, set()).add(evaluate(each.value, {}))
    incomplete = []
    for each in found:
        own = {other.name: evaluate(other.value, {}) for other in found if other.place == each.place}
        only = {name: next(iter(values)) for name, values in known.items() if len(values) == 1}
        value = evaluate(each.value, only | own)
        unit, _, reason = each.comment.partition("; ")
        if isinstance(value, timedelta):
            unit, reason = "", each.comment
        if not reason:
            incomplete.append(f"{each.place}:{each.line} {each.name}")
        root, service, *_, module = each.place.removesuffix(".py").removesuffix("/__init__").split("/")
        is_setting = module == "settings"
        variable = each.name.upper()
        yield Limit(
            _kind(each),
            service if root == "functions" else "",
            variable if is_setting else f"{module}.{each.name}",
            text_of(value, unit),
            reason,
            parameters.get(variable, "environment") if is_setting else "fixed",
        )
    if incomplete:
        raise LookupError(
            "State the unit and the reason in a comment beside or above each limit, as in "
            "`MAX_LINES = 98  # lines; a transaction has at most 100 writes` (a timedelta needs no unit):\n"
            + "\n".join(incomplete)
        )


def constants(place: str, source: str) -> Iterator[Constant]:
    """Yield the numeric constants of a module, and the numeric settings of its Settings classes."""
    lines = source.splitlines()
    for node, name, value in _assignments(ast.parse(source), "settings.py" in place):
        if is_number(value) and not {place, f"{place}:{name}"} & NOT_LIMITS.keys():
            yield Constant(place, name, node.lineno, value, comment(lines, node.lineno, node.end_lineno))


def _assignments(tree: ast.Module, of_classes: bool) -> Iterator[tuple[ast.stmt, str, ast.expr]]:
    """Yield (statement, name, value) for each assignment of a constant."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value) if name.isupper():
                yield node, name, value
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value) if name.isupper():
                yield node, name, value
            case ast.ClassDef(body=body) if of_classes:
                for field in body:
                    if (
                        isinstance(field, ast.AnnAssign)
                        and isinstance(field.target, ast.Name)
                        and field.value
                    ):
                        yield field, field.target.id, field.value


def comment(lines: list[str], first: int, last: int | None = None) -> str:
    """Return the comment beside the lines `first` to `last` (from 1), and the one directly above."""
    beside = re.search(r"\s#\s(.+)$", lines[(last or first) - 1])
    above: list[str] = []
    for line in reversed(lines[: first - 1]):
        if not line.lstrip().startswith("# "):
            break
        above.insert(0, line.strip().removeprefix("# "))
    return "; ".join(part for part in (beside[1] if beside else "", " ".join(above)) if part)


def is_number(node: ast.expr) -> bool:
    """Return whether an expression is a number or a period that the source states."""
    match node:
        case ast.Constant(value=value):
            return isinstance(value, int | float) and not isinstance(value, bool)
        case ast.UnaryOp(operand=operand):
            return is_number(operand)
        case ast.BinOp(left=left, right=right):
            return is_number(left) or is_number(right)
        case ast.Call(func=ast.Name(id="timedelta" | "Decimal")):
            return True
    return False


def evaluate(node: ast.expr, known: Mapping[str, Any]) -> Any:
    """Return the value of an expression, as text if it refers to something that is not `known`."""
    names = {"__builtins__": {}, "timedelta": timedelta, "Decimal": Decimal, **known}
    source = re.sub(r"\b[a-z_]+\.(?=[A-Z_]+\b)", "", ast.unparse(node))  # module.NAME → NAME
    try:
        return eval(source, names)  # noqa: S307  numbers and names of the repository's own source
    except NameError:
        return source


def _kind(each: Constant) -> Kind:
    found = (kind for kind, pattern in KINDS.items() if re.search(pattern, f"{each.place}:{each.name}"))
    return next(found, Kind.PROCESSING)
