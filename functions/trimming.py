"""What is left out of the libraries that functions ship."""

from __future__ import annotations

import gzip
import json
import shutil
import struct
from collections.abc import Collection
from pathlib import Path

# Never imported at run time, by path inside the library folder.
UNUSED = (
    "aws_lambda_powertools/event_handler",
    "aws_lambda_powertools/metrics/provider/datadog",
    "aws_lambda_powertools/utilities/[!_jt]*",
    "bin",
    "botocore/data/*/*/examples-1.json*",
    "cffi",
    "chalice/[!_a]*",
    "chalice/a[!p]*",
    "dateutil/rrule.py",
    "dateutil/zoneinfo/*.tar.gz",
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

# Distributions that read their own version while they are imported.
READ_OWN_METADATA = {"python_ulid"}


def trim(site: Path, aws_services: Collection[str]) -> None:
    """Leave in a folder of libraries what functions that call these AWS services need."""
    leave_out_unused(site, aws_services)
    narrow_endpoints(site / "botocore" / "data")
    leave_out_prose(site / "botocore" / "data")
    strip_symbols(site)


def leave_out_unused(site: Path, aws_services: Collection[str]) -> None:
    """Take out what no function imports: other services' models, command lines, stubs, package records."""
    doomed = [path for pattern in UNUSED for path in site.glob(pattern)]
    doomed += [path for pattern in UNUSED_ANYWHERE for path in site.rglob(pattern)]
    models = (site / "botocore" / "data").glob("*/")
    doomed += [model for model in models if model.name not in aws_services]
    for record in site.glob("*.dist-info"):
        keeps = record.name.split("-")[0] in READ_OWN_METADATA
        doomed += [file for file in record.iterdir() if file.name != "METADATA"] if keeps else [record]
    for path in doomed:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def narrow_endpoints(data: Path) -> None:
    """Leave in botocore's table of endpoints the shipped services: it is read at every cold start."""
    prefixes = {
        json.loads(gzip.decompress(model.read_bytes()))["metadata"]["endpointPrefix"]
        for model in data.glob("*/*/service-2.json.gz")
    }
    table = json.loads((data / "endpoints.json").read_text())
    for partition in table["partitions"]:
        known = partition["services"]
        partition["services"] = {name: known[name] for name in sorted(prefixes & known.keys())}
    (data / "endpoints.json").write_text(json.dumps(table, separators=(",", ":")))


def leave_out_prose(data: Path) -> None:
    """Take the documentation out of botocore's service models, four fifths of what a client has to parse."""

    def lean(node: dict[str, object]) -> dict[str, object]:
        # A member may be called `documentation` too, but then it is no text.
        return {name: it for name, it in node.items() if name != "documentation" or not isinstance(it, str)}

    for path in data.glob("*/*/*.json.gz"):
        model = json.loads(gzip.decompress(path.read_bytes()), object_hook=lean)
        for parameter in model.get("clientContextParams", {}).values():
            parameter["documentation"] = ""  # the one that botocore reads
        path.write_bytes(gzip.compress(json.dumps(model, separators=(",", ":")).encode(), mtime=0))


def strip_symbols(site: Path) -> None:
    """Cut from compiled modules what only a debugger reads: all behind the last segment the loader maps.

    Works on ELF files of any processor, as `strip` does not; offsets are those of the ELF-64 header.
    """
    for path in site.rglob("*.so"):
        image = bytearray(path.read_bytes())
        if image[:5] != b"\x7fELF\x02":
            continue
        (segments,) = struct.unpack_from("<Q", image, 32)
        size, count = struct.unpack_from("<HH", image, 54)
        extents = [struct.unpack_from("<QQQQ", image, segments + index * size + 8) for index in range(count)]
        struct.pack_into("<Q", image, 40, 0)
        struct.pack_into("<HHH", image, 58, 0, 0, 0)
        path.write_bytes(image[: max(offset + length for offset, _, _, length in extents)])
