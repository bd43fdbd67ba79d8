"""Real sales and returns through the deployed shop, then an audit from outside: over the API and Stripe's."""

from localstack.cloud.local_cloud import Cloud
from localstack.cloud.shop import Shop
from localstack.demo.replay import sales as file
from localstack.demo.replay.audit import audit
from localstack.demo.replay.evidence import stock
from localstack.demo.replay.returning import send_back
from localstack.demo.replay.returns import matched, return_lines, told
from localstack.demo.replay.selling import METHOD, Selling

NOWHERE = "AQ"  # Antarctica: no shopper of the demo lives there


def run(cloud: Cloud, count: int) -> bool:
    """Replay the first `count` clean sales and what came back of them, and audit it all; whether every
    figure is right."""
    clean = file.clean_sales()
    selling = Selling(cloud, clean[:count])
    parcels, left_out = matched(return_lines(), clean, clean[:count])
    tax = selling.staff.expect(200, "GET", "/tax-rates/GB")
    selling.staff.expect(200, "PUT", "/tax-rates/GB", {"rate_bp": 0, "inclusive": tax["inclusive"]})
    _ship_free(selling.staff, sorted(set(file.COUNTRIES.values())))
    try:
        selling.catalog.load(selling.sales)
        before = stock(selling.staff, selling.catalog.products)
        selling.play()
        print("\nreturns")
        for parcel in parcels:
            send_back(selling, parcel)
        print(told(parcels, left_out))
        return audit(selling, parcels, before)
    finally:
        restored = {"rate_bp": tax["rate_bp"], "inclusive": tax["inclusive"]}
        selling.staff.expect(200, "PUT", "/tax-rates/GB", restored)
        # A method cannot be deleted, and the cheapest is the one that is quoted.
        _ship_free(selling.staff, [NOWHERE])


def _ship_free(staff: Shop, countries: list[str]) -> None:
    """The invoices know no carriage: so it costs nothing, in these countries."""
    free = {"amount": 0, "currency": "GBP"}
    body = {
        "name": "Wholesale, free",
        "countries": countries,
        "rates": [{"min_subtotal": free, "price": free}],
    }
    staff.expect(200, "PUT", f"/shipping-methods/{METHOD}", body)
