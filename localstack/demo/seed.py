"""The demo shop: its accounts, a small catalog, coupons, what shipping costs and what is taxed."""

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
}

COUPONS: dict[str, dict[str, Any]] = {
    "WELCOME10": {"kind": "percentage", "value": 10, "per_user_limit": 1},
    "FREESHIP": {"kind": "free_shipping", "min_subtotal": {"amount": 2000, "currency": "GBP"}},
}


def pounds(pence: int) -> dict[str, Any]:
    """Money as the API has it."""
    return {"amount": pence, "currency": "GBP"}


def make_accounts(cloud: Cloud) -> bool:
    """Make the demo accounts by users' command function: no public way leads to a role above customer."""
    if _seeded(cloud):
        return False
    for account in ACCOUNTS.values():
        ensure_account(cloud, account)
    return True


def ensure_account(cloud: Cloud, account: Account) -> None:
    """Make one account, or leave it as it is. Raises LocalCloudError when the command fails."""
    asked = {
        "email": account.email,
        "password": account.password,
        "name": account.name,
        "roles": list(account.roles),
    }
    answer = cloud.client("lambda").invoke(
        FunctionName=cloud.outputs()["UsersCommandsFunction"],
        Payload=json.dumps({"command": "ensure_account", "input": asked}).encode(),
    )
    said = answer["Payload"].read().decode()
    if answer.get("FunctionError"):
        raise LocalCloudError(f"the account {account.email} could not be made: {said[:500]}")


def load_catalog(cloud: Cloud) -> bool:
    """Fill the shop as its staff would, over HTTP; repeating is harmless: every write is keyed or a PUT."""
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
        rates = [{"min_subtotal": pounds(least), "price": pounds(price)} for least, price in terms["rates"]]
        staff.expect(200, "PUT", f"/shipping-methods/{method}", {**terms, "rates": rates})
    staff.expect(200, "PUT", "/tax-rates/GB", {"rate_bp": 2000, "inclusive": True})
    for code, terms in COUPONS.items():
        _create(staff, "/coupons", {"code": code, **terms}, key=f"demo-coupon-{code}")
    cloud.client("s3").put_object(Bucket=ARTIFACTS, Key=SEEDED, Body=_digest().encode())
    return True


def _create(staff: Shop, path: str, body: dict[str, Any], key: str) -> None:
    """POST once: a repeat within a day is answered from memory, a later one finds the thing there (409)."""
    answer = staff.call("POST", path, body, Idempotency_Key=key)
    if answer.status not in {201, 409}:
        raise LocalCloudError(f"POST {path} answered {answer.status}: {json.dumps(answer.body)[:500]}")


def _seeded(cloud: Cloud) -> bool:
    """Whether this engine holds this very demo shop; the engine itself remembers, so a new one does not."""
    s3 = cloud.client("s3")
    try:
        return bool(s3.get_object(Bucket=ARTIFACTS, Key=SEEDED)["Body"].read().decode() == _digest())
    except s3.exceptions.ClientError:
        return False


def _digest() -> str:
    return hashlib.sha256(Path(__file__).read_bytes() + repr(ACCOUNTS).encode()).hexdigest()
