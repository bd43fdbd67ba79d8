"""The demo data: accounts, a small catalog, coupons, shipping methods and tax rates."""

import hashlib
import json
from pathlib import Path
from typing import Any

from localstack.cloud.local_cloud import ACCOUNTS, ARTIFACTS, Account, Cloud, LocalCloudError
from localstack.cloud.shop import Shop

SEEDED = "seeded.txt"

CATEGORIES = {"coffee": "Coffee", "tea": "Tea", "kitchen": "Kitchen", "books": "Books"}

# category, title, description, variants: (sku, title, options, price in pence, stock)
Variant = tuple[str, str, dict[str, str], int, int]
PRODUCTS: list[tuple[str, str, str, list[Variant]]] = [
    (
        "coffee",
        "Harbour Blend",
        "Chocolate and hazelnut, roasted for milk.",
        [
            ("COF-HARBOUR-250", "250 g", {"size": "250 g"}, 795, 120),
            ("COF-HARBOUR-1000", "1 kg", {"size": "1 kg"}, 2650, 40),
        ],
    ),
    (
        "coffee",
        "Yirgacheffe",
        "Washed Ethiopian: jasmine, lemon, black tea.",
        [
            ("COF-YIRGA-250", "250 g", {"size": "250 g"}, 1050, 80),
            ("COF-YIRGA-1000", "1 kg", {"size": "1 kg"}, 3595, 15),
        ],
    ),
    (
        "coffee",
        "Night Shift Decaf",
        "Swiss-water decaffeinated, caramel and plum.",
        [("COF-DECAF-250", "250 g", {"size": "250 g"}, 895, 60)],
    ),
    (
        "tea",
        "Assam Breakfast",
        "Malty second flush, loose leaf.",
        [("TEA-ASSAM-100", "100 g", {"size": "100 g"}, 645, 90)],
    ),
    (
        "tea",
        "Sencha",
        "First-pick steamed green tea from Shizuoka.",
        [("TEA-SENCHA-100", "100 g", {"size": "100 g"}, 1195, 45)],
    ),
    (
        "tea",
        "Peppermint",
        "Whole leaf, grown in Dorset.",
        [("TEA-MINT-050", "50 g", {"size": "50 g"}, 425, 150)],
    ),
    (
        "kitchen",
        "Stoneware Mug",
        "Thrown by hand, 300 ml, dishwasher safe.",
        [
            ("MUG-STONE-BLUE", "Blue", {"colour": "blue"}, 1400, 30),
            ("MUG-STONE-SAND", "Sand", {"colour": "sand"}, 1400, 30),
            ("MUG-STONE-MOSS", "Moss", {"colour": "moss"}, 1400, 3),
        ],
    ),
    (
        "kitchen",
        "Pour-over Dripper",
        "Porcelain cone for one or two cups.",
        [("KIT-DRIPPER-02", "Size 02", {"size": "02"}, 2295, 25)],
    ),
    (
        "kitchen",
        "Paper Filters",
        "One hundred, unbleached, for the size 02 dripper.",
        [("KIT-FILTER-100", "100 sheets", {"size": "02"}, 550, 300)],
    ),
    (
        "kitchen",
        "Gooseneck Kettle",
        "Stovetop, 900 ml, with a thermometer in the lid.",
        [("KIT-KETTLE-900", "900 ml", {"size": "900 ml"}, 4950, 12)],
    ),
    (
        "kitchen",
        "Burr Grinder",
        "Hand grinder with steel burrs, forty clicks.",
        [("KIT-GRINDER-40", "40 clicks", {}, 8900, 8)],
    ),
    (
        "books",
        "The Long Steep",
        "A history of tea in nine journeys.",
        [
            ("BOOK-STEEP-PB", "Paperback", {"binding": "paperback"}, 1099, 50),
            ("BOOK-STEEP-HB", "Hardback", {"binding": "hardback"}, 2200, 20),
        ],
    ),
    (
        "books",
        "Coffee by Weight",
        "Recipes with a scale and a watch.",
        [("BOOK-WEIGHT-PB", "Paperback", {"binding": "paperback"}, 1499, 35)],
    ),
]

# Standard rates of value added tax in basis points; Australia's is goods and services tax. The seller charges
# the tax of the country that it ships to, as the EU's import scheme (IOSS) and Australia's rules for
# low-value goods require of sellers abroad.
# https://europa.eu/youreurope/business/taxation/vat/vat-rules-rates/index_en.htm
TAX_RATES = {
    "GB": 2000,
    "AT": 2000,
    "AU": 1000,
    "BE": 2100,
    "DE": 1900,
    "ES": 2100,
    "FR": 2000,
    "IE": 2300,
    "IT": 2200,
    "NL": 2100,
}

SHIPPING: dict[str, dict[str, Any]] = {
    "standard": {
        "name": "Standard, 2 to 4 days",
        "countries": ["GB"],
        "rates": [(0, 395), (5000, 0)],
    },
    "express": {
        "name": "Express, next working day",
        "countries": ["GB"],
        "rates": [(0, 795)],
    },
    "europe": {
        "name": "Europe, 4 to 7 days",
        "countries": ["AT", "BE", "DE", "ES", "FR", "IE", "IT", "NL"],
        "rates": [(0, 995), (10000, 0)],
    },
    "australia": {
        "name": "Australia, 7 to 14 days",
        "countries": ["AU"],
        "rates": [(0, 1895)],
    },
}

COUPONS: dict[str, dict[str, Any]] = {
    "WELCOME10": {"kind": "percentage", "value": 10, "per_user_limit": 1},
    "FREESHIP": {"kind": "free_shipping", "min_subtotal": {"amount": 2000, "currency": "GBP"}},
}


def pounds(pence: int) -> dict[str, Any]:
    """Return the amount as the API's money object."""
    return {"amount": pence, "currency": "GBP"}


def create_accounts(cloud: Cloud) -> bool:
    """Create the demo accounts, and return False if this engine already has the demo data.

    A command of users creates them, because the API never grants the roles staff and admin.
    """
    if _seeded(cloud):
        return False
    for account in ACCOUNTS.values():
        ensure_account(cloud, account)
    return True


def ensure_account(cloud: Cloud, account: Account) -> None:
    """Create the account unless it exists. Raises LocalCloudError if the command fails."""
    details = {
        "email": account.email,
        "password": account.password,
        "name": account.name,
        "roles": list(account.roles),
    }
    response = cloud.client("lambda").invoke(
        FunctionName=cloud.outputs()["UsersCommandsFunction"],
        Payload=json.dumps({"command": "ensure_account", "input": details}).encode(),
    )
    output = response["Payload"].read().decode()
    if response.get("FunctionError"):
        raise LocalCloudError(f"the account {account.email} could not be created: {output[:500]}")


def load_catalog(cloud: Cloud) -> bool:
    """Load the demo data through the API. Return False if this engine already has it.

    Every write has an idempotency key or is a PUT, so a repeat after a failure is safe.
    """
    if _seeded(cloud):
        return False
    staff = Shop.of(cloud, "staff")
    for position, (slug, name) in enumerate(CATEGORIES.items()):
        _create(staff, "/categories", {"name": name, "position": position}, key=f"demo-category-{slug}")
    for category, title, description, variants in PRODUCTS:
        product = {
            "title": title,
            "description": description,
            "category_ids": [category],
            "status": "active",
            "variants": [
                {"sku": sku, "title": label, "options": options, "price": pounds(price), "stock": stock}
                for sku, label, options, price, stock in variants
            ],
        }
        _create(staff, "/products", product, key=f"demo-product-{variants[0][0]}")
    for method, terms in SHIPPING.items():
        rates = [
            {"min_subtotal": pounds(minimum), "price": pounds(price)} for minimum, price in terms["rates"]
        ]
        staff.expect(200, "PUT", f"/shipping-methods/{method}", {**terms, "rates": rates})
    for country, rate in TAX_RATES.items():
        staff.expect(200, "PUT", f"/tax-rates/{country}", {"rate_bp": rate, "inclusive": True})
    for code, terms in COUPONS.items():
        _create(staff, "/coupons", {"code": code, **terms}, key=f"demo-coupon-{code}")
    cloud.client("s3").put_object(Bucket=ARTIFACTS, Key=SEEDED, Body=_digest().encode())
    return True


def _create(staff: Shop, path: str, body: dict[str, Any], key: str) -> None:
    """POST with an idempotency key; a repeat after the key has expired returns 409, which is accepted."""
    response = staff.call("POST", path, body, Idempotency_Key=key)
    if response.status not in {201, 409}:
        raise LocalCloudError(f"POST {path} returned {response.status}: {json.dumps(response.body)[:500]}")


def _seeded(cloud: Cloud) -> bool:
    """Return whether this engine has this version of the demo data; it is noted in the engine itself."""
    s3 = cloud.client("s3")
    try:
        return bool(s3.get_object(Bucket=ARTIFACTS, Key=SEEDED)["Body"].read().decode() == _digest())
    except s3.exceptions.ClientError:
        return False


def _digest() -> str:
    return hashlib.sha256(Path(__file__).read_bytes() + repr(ACCOUNTS).encode()).hexdigest()
