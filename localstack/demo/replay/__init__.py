"""Real sales and returns, replayed through the API and audited through the API, Stripe and the mailbox."""

from typing import Any

from localstack.cloud.local_cloud import Cloud
from localstack.cloud.shop import Shop
from localstack.demo.replay import sales as sales_file
from localstack.demo.replay.audit import audit
from localstack.demo.replay.evidence import stock
from localstack.demo.replay.returns import describe, match_returns, return_lines
from localstack.demo.replay.returns_replay import replay_return
from localstack.demo.replay.sales_replay import METHOD, SalesReplay

UNUSED_COUNTRY = "AQ"  # Antarctica: no demo shopper lives there


def run(cloud: Cloud, count: int) -> bool:
    """Replay the first `count` clean sales with their returns, and return whether the audit is clean."""
    clean = sales_file.clean_sales()
    sales_run = SalesReplay(cloud, clean[:count])
    returns, skipped = match_returns(return_lines(), clean, clean[:count])
    countries = sorted(set(sales_file.COUNTRIES.values()))
    taxes = [sales_run.staff.expect(200, "GET", f"/tax-rates/{country}") for country in countries]
    for tax in taxes:
        _put_tax(sales_run.staff, tax | {"rate_bp": 0})
    _ship_free(sales_run.staff, countries)
    try:
        sales_run.catalog.load(sales_run.sales)
        before = stock(sales_run.staff, sales_run.catalog.products)
        sales_run.run()
        print("\nreturns")
        for sale_return in returns:
            replay_return(sales_run, sale_return)
        print(describe(returns, skipped))
        return audit(sales_run, returns, before)
    finally:
        for tax in taxes:
            _put_tax(sales_run.staff, tax)
        # A shipping method cannot be deleted, and quotes use the cheapest one.
        _ship_free(sales_run.staff, [UNUSED_COUNTRY])


def _put_tax(staff: Shop, tax: dict[str, Any]) -> None:
    terms = {"rate_bp": tax["rate_bp"], "inclusive": tax["inclusive"]}
    staff.expect(200, "PUT", f"/tax-rates/{tax['country']}", terms)


def _ship_free(staff: Shop, countries: list[str]) -> None:
    """Make shipping free in these countries, because the invoices have no shipping costs."""
    free = {"amount": 0, "currency": "GBP"}
    body = {
        "name": "Wholesale, free",
        "countries": countries,
        "rates": [{"min_subtotal": free, "price": free}],
    }
    staff.expect(200, "PUT", f"/shipping-methods/{METHOD}", body)
