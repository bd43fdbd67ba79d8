"""Removal of the parts of libraries that functions do not use."""

from __future__ import annotations

import ast
import gzip
import json
import re
import shutil
import struct
from collections.abc import Collection
from pathlib import Path

# Paths inside the library folder that are never imported at run time.
UNUSED = (
    "bin",
    "botocore/data/*/*/examples-1.json*",
    "cffi",
    "chalice/[!_a]*",
    "chalice/a[!p]*",
    "dateutil/rrule.py",
    "dateutil/zoneinfo/*.tar.gz",
    "drf_spectacular_sidecar/[!s]*",
    "drf_spectacular_sidecar/static/*/redoc",
    "drf_spectacular_sidecar/static/*/swagger-ui-dist/*.map",
    "drf_spectacular_sidecar/static/*/swagger-ui-dist/*preset.js",
    "drf_spectacular_sidecar/static/*/swagger-ui-dist/favicon*",
    "drf_spectacular_sidecar/static/*/swagger-ui-dist/oauth2*",
    "pydantic/mypy.py",
    "pydantic/v1",
    "reportlab/fonts",
    "reportlab/graphics",
    "reportlab/lib/[!_abcflpru]*",
    "reportlab/lib/a[rt]*",
    "reportlab/lib/co[dr]*",
    "reportlab/lib/p[dy]*",
    "reportlab/pdfbase/_c[ai]*",
    "reportlab/pdfbase/_glyphlist.py",
    "reportlab/pdfbase/acroform.py",
    "reportlab/pdfbase/cidfonts.py",
    "reportlab/platypus",
    "stripe/events",
    "stripe/params",
    "urllib3/contrib/[!_]*",
)
UNUSED_ANYWHERE = ("tests", "test", "__pycache__", "*.pyi")

# Lines that read the metadata of installed packages, for versions and plugins that nobody uses, and what
# replaces them. `importlib.metadata` loads modules for zip files, CSV and email: 2% of a cold start.
READS_METADATA = (
    ("pydantic/plugin/_loader.py", "from importlib.metadata import entry_points\n", ""),
    ("pydantic/plugin/_loader.py", "entry_points(group=PYDANTIC_ENTRY_POINT_GROUP)", "()"),
    ("ulid/__init__.py", "from importlib.metadata import version\n", ""),
    ("ulid/__init__.py", 'version("python-ulid")', '""'),
    ("urllib3/http2/__init__.py", "from importlib.metadata import version\n", ""),
)

# The decorator of a dataclass, without and with its arguments.
DATACLASS = re.compile(r"(?m)^( *@(?:_?dataclasses\.)?dataclass)\((.*)\)$")


def trim(site: Path, aws_services: Collection[str]) -> None:
    """Remove what functions that call only these AWS services do not need."""
    remove_unused(site, aws_services)
    narrow_endpoints(site / "botocore" / "data")
    remove_documentation(site / "botocore" / "data")
    remove_metadata_readers(site)
    simplify_schema_types(site / "pydantic_core" / "core_schema.py")
    for library in ("annotated_types", "pydantic"):
        simplify_dataclasses(site / library)
    strip_symbols(site)


def remove_unused(site: Path, aws_services: Collection[str]) -> None:
    """Remove what no function imports: models of other AWS services, scripts, stubs, package metadata."""
    unused = [path for pattern in UNUSED for path in site.glob(pattern)]
    unused += [path for pattern in UNUSED_ANYWHERE for path in site.rglob(pattern)]
    models = (site / "botocore" / "data").glob("*/")
    unused += [model for model in models if model.name not in aws_services]
    unused += site.glob("*.dist-info")
    for path in unused:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def narrow_endpoints(data: Path) -> None:
    """Reduce botocore's table of endpoints, which each cold start reads, to the remaining services."""
    prefixes = {
        json.loads(gzip.decompress(model.read_bytes()))["metadata"]["endpointPrefix"]
        for model in data.glob("*/*/service-2.json.gz")
    }
    table = json.loads((data / "endpoints.json").read_text())
    for partition in table["partitions"]:
        known = partition["services"]
        partition["services"] = {name: known[name] for name in sorted(prefixes & known.keys())}
    (data / "endpoints.json").write_text(json.dumps(table, separators=(",", ":")))


def remove_documentation(data: Path) -> None:
    """Remove the documentation from botocore's service models: 80% of what a client parses."""

    def without_documentation(node: dict[str, object]) -> dict[str, object]:
        # A member of a shape may be called `documentation` too, but its value is not a string.
        return {
            name: value
            for name, value in node.items()
            if name != "documentation" or not isinstance(value, str)
        }

    for path in data.glob("*/*/*.json.gz"):
        model = json.loads(gzip.decompress(path.read_bytes()), object_hook=without_documentation)
        for parameter in model.get("clientContextParams", {}).values():
            parameter["documentation"] = ""  # botocore requires this one
        path.write_bytes(gzip.compress(json.dumps(model, separators=(",", ":")).encode(), mtime=0))


def remove_metadata_readers(site: Path) -> None:
    """Replace the lines of READS_METADATA. Raises ValueError if a library does not contain one."""
    for module, line, replacement in READS_METADATA:
        if (path := site / module).exists():
            if line not in (text := path.read_text()):
                raise ValueError(f"{module} no longer contains {line!r}; correct READS_METADATA")
            path.write_text(text.replace(line, replacement))


def simplify_schema_types(module: Path) -> None:
    """Replace pydantic's typed dictionaries by `dict`, which they are at run time.

    Only type checkers read their fields, but Python compiles each field's annotation at every start.
    """
    if not module.exists():
        return
    tree = ast.parse(module.read_text())
    typed = {"TypedDict"}
    for position, node in enumerate(tree.body):
        if isinstance(node, ast.ClassDef) and typed & {ast.unparse(base) for base in node.bases}:
            typed.add(node.name)
            tree.body[position] = ast.parse(f"{node.name} = dict").body[0]
    module.write_text(ast.unparse(tree))


def simplify_dataclasses(library: Path) -> None:
    """Let the library's dataclasses have no `__repr__`, and let frozen ones accept assignments.

    Nothing prints or changes these objects, but Python compiles each method of each class at every start: 4%
    of a cold start. Equality and hashes stay. Raises ValueError if the library has no dataclass.
    """
    if not library.exists():
        return
    found = 0
    for module in library.rglob("*.py"):
        text, count = DATACLASS.subn(_simple_dataclass, module.read_text())
        if count:
            module.write_text(text)
        found += count
    if not found:
        raise ValueError(f"{library.name} no longer contains a dataclass; correct DATACLASS")


def _simple_dataclass(decorator: re.Match[str]) -> str:
    arguments = decorator[2].replace("frozen=True", "unsafe_hash=True")
    return f"{decorator[1]}(repr=False, {arguments})"


def strip_symbols(site: Path) -> None:
    """Remove symbols from compiled modules: everything after the last segment that the loader maps.

    Unlike `strip`, this works on ELF files of any architecture. The offsets are those of the ELF-64 header.
    """
    for path in site.rglob("*.so"):
        image = bytearray(path.read_bytes())
        if image[:5] != b"\x7fELF\x02":
            continue
        (segments,) = struct.unpack_from("<Q", image, 32)
        size, count = struct.unpack_from("<HH", image, 54)
        ranges = [struct.unpack_from("<QQQQ", image, segments + index * size + 8) for index in range(count)]
        struct.pack_into("<Q", image, 40, 0)
        struct.pack_into("<HHH", image, 58, 0, 0, 0)
        path.write_bytes(image[: max(offset + length for offset, _, _, length in ranges)])
