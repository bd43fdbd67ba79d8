"""The counted usage of an order and of lists, from counts.json, which tests/simulator compares."""

from pathlib import Path

from pydantic import BaseModel

PATH = Path(__file__).parent / "counts.json"


class Counts(BaseModel):
    """What an order of three lines uses from its quote until it is paid, invoiced and emailed.

    `requests` and `runs` count a function's requests and invocations. `calls` counts each function's calls by
    service; calls of functions have their name, as in `lambda.OrdersCommands`. `write_units` is by table with
    its indexes, `partitions` by the names in partitions.py. `stripe` counts requests by endpoint. `sign_in`
    counts the calls of one sign-in.
    """

    requests: dict[str, int]
    runs: dict[str, int]
    calls: dict[str, dict[str, int]]
    write_units: dict[str, int]
    partitions: dict[str, int]
    stripe: dict[str, int]
    emails: int
    sign_in: dict[str, int]


class Lists(BaseModel):
    """What lists of products read: the read units of a page, and the bytes of a product of usual size."""

    page_units: float
    row_bytes: int


class Counted(BaseModel):
    """The content of counts.json."""

    order: Counts
    lists: Lists


def read() -> Counted:
    return Counted.model_validate_json(PATH.read_text())
