"""docs/scaling.md is computed from counts of one order and of lists; they are counted here."""

import re

from infra.scaling import counts
from infra.scaling.partitions import PARTITIONS
from tests.simulator import counting, shopping
from tests.simulator.shopping import ADA, BOB
from tests.simulator.usage import Usage

HOW = "run make counts"


def test_the_counts_of_an_order_are_those_in_the_file(simulator, monkeypatch):
    shopping.open_shop(simulator, counting.ON_HAND)
    counted = counting.count_order(simulator, Usage(monkeypatch, lambda: ""), ADA)
    assert counted.model_dump() == counts.read().order.model_dump(), HOW


def test_what_lists_read_is_in_the_file(simulator, monkeypatch):
    counted = counting.count_lists(simulator, Usage(monkeypatch, lambda: ""))
    assert counted.model_dump() == counts.read().lists.model_dump(), HOW


def test_a_second_order_counts_the_same_and_shares_only_the_known_partitions(simulator, monkeypatch):
    shopping.open_shop(simulator, counting.ON_HAND)
    usage = Usage(monkeypatch, lambda: "")
    first = counting.count_order(simulator, usage, ADA)
    places = set(usage.places)
    second = counting.count_order(simulator, usage, BOB)
    assert second == first
    unknown = [
        (place, key)
        for place, key in places & set(usage.places)
        if not any(each.place == place and re.fullmatch(each.key, key) for each in PARTITIONS)
        and not re.search(r"#[BC]$", key)  # the other SKUs of the order
    ]
    assert unknown == [], "add these rows or partitions to infra/scaling/partitions.py"
