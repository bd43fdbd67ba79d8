"""The demo data: what the shop ships, where to, and with which tax."""

import itertools
import sys

import pytest

from localstack.cloud import local_cloud
from localstack.cloud.local_cloud import Cloud
from localstack.demo import __main__ as demo
from localstack.demo import seed
from localstack.demo.replay import sales


def test_every_country_that_the_demo_shop_ships_to_has_a_tax_rate():
    served = set(itertools.chain.from_iterable(terms["countries"] for terms in seed.SHIPPING.values()))
    assert served == set(seed.TAX_RATES)
    assert len(served) > 1
    assert all(rate >= 500 for rate in seed.TAX_RATES.values())


def test_the_replay_finds_a_tax_rate_of_every_country_that_it_sells_to():
    assert set(sales.COUNTRIES.values()) <= set(seed.TAX_RATES)


def test_the_demo_offers_every_sale_that_can_be_replayed():
    assert len(sales.clean_sales()) == demo.MAX_SALES


@pytest.mark.parametrize("number", ["0", "62"])
def test_the_demo_rejects_another_number_of_sales(monkeypatch, number):
    monkeypatch.setattr(sys, "argv", ["demo", "--orders", number])
    with pytest.raises(SystemExit, match=f"ORDERS is a number from 1 to 61, not {number}"):
        demo.main()


def test_a_cloud_starts_again_as_it_was_started_last(tmp_path, monkeypatch):
    monkeypatch.setattr(local_cloud, "RUN", tmp_path)
    assert Cloud.choose("trial") == Cloud("trial", 4566, 12111, external=False)
    Cloud.choose("trial", engine_port=4999, external=True).save()
    assert Cloud.choose("trial", stripe_port=12999) == Cloud("trial", 4999, 12999, external=True)
