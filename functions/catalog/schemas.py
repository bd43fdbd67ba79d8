"""The request and response models of the catalog's API."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from catalog.domain import MAX_VARIANTS, Category, Product, ProductStatus, Variant
from shared.contracts.quotes import Sku
from shared.http.paging import Page, PageQuery
from shared.http.routing import Body, View
from shared.values.money import ChargeablePrice, Money
from shared.values.text import SINGLE_LINE

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=SINGLE_LINE)
]
# Control characters are rejected, except tab, line feed and carriage return.
Text = Annotated[str, StringConstraints(max_length=5_000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")]
Word = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=SINGLE_LINE)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,64}$")]
Pieces = Annotated[int, Field(ge=0, le=10_000_000)]
PriceParameter = Annotated[int, Field(ge=0, le=10**15)]


class SaveCategory(Body):
    """The content of a category. `parent_id` is the category that contains it."""

    name: Name
    parent_id: Slug | None = None
    position: Annotated[int, Field(ge=0, le=10_000)] = 0


class CategoryView(View):
    """A category. `parent_id` is the category that contains it."""

    category_id: str
    name: str
    parent_id: str | None
    position: int
    version: int

    @classmethod
    def of(cls, category: Category) -> "CategoryView":
        return cls(
            category_id=category.category_id,
            name=category.name,
            parent_id=category.parent_id,
            position=category.position,
            version=category.version,
        )


class CategoryPage(Page[CategoryView]):
    """A page of categories, sorted by position, then by name."""


class VariantInput(Body):
    """A variant. `stock` is used only if the variant is new."""

    sku: Sku
    title: Name | None = None
    options: Annotated[dict[Word, Word], Field(max_length=10, default_factory=dict)]
    price: ChargeablePrice
    stock: Pieces = 0


class SaveProduct(Body):
    """The content of a product. Only an `active` one is on sale."""

    title: Name
    description: Text = ""
    category_ids: Annotated[list[Slug], Field(max_length=8, default_factory=list)]
    status: Literal["draft", "active", "archived"] = "draft"
    attributes: Annotated[dict[Word, Word], Field(max_length=30, default_factory=dict)]
    variants: Annotated[list[VariantInput], Field(max_length=MAX_VARIANTS)]

    def draft(self, product_id: str, now: datetime) -> Product:
        """Return the product; the service sets its id, times and version."""
        return Product(
            product_id=product_id,
            title=self.title,
            description=self.description,
            category_ids=tuple(dict.fromkeys(self.category_ids)),
            status=ProductStatus(self.status),
            attributes=self.attributes,
            variants=tuple(
                Variant(
                    sku=variant.sku,
                    title=variant.title or "",
                    options=variant.options,
                    price=Money(amount=variant.price.amount, currency=variant.price.currency),
                    available=variant.stock,
                    version=1,
                )
                for variant in self.variants
            ),
            version=1,
            created_at=now,
            updated_at=now,
        )


class VariantView(View):
    """A variant of a product, which is what the shop sells."""

    sku: str
    title: str
    options: dict[str, str]
    price: Money
    available: int


class ImageView(View):
    """An image of a product. `alt` is its text for people who cannot see it."""

    image_id: str
    url: str
    alt: str


class ProductView(View):
    """A product. In lists, `available` is exact below 100 pieces and updated within seconds."""

    product_id: str
    title: str
    description: str
    category_ids: list[str]
    status: ProductStatus
    attributes: dict[str, str]
    variants: list[VariantView]
    images: list[ImageView]
    version: int
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, product: Product) -> "ProductView":
        return cls(
            product_id=product.product_id,
            title=product.title,
            description=product.description,
            category_ids=list(product.category_ids),
            status=product.status,
            attributes=dict(product.attributes),
            variants=[
                VariantView(
                    sku=v.sku, title=v.title, options=dict(v.options), price=v.price, available=v.available
                )
                for v in product.variants
            ],
            images=[],
            version=product.version,
            created_at=product.created_at,
            updated_at=product.updated_at,
        )


class ProductQuery(PageQuery):
    """`q` finds products that contain all its words; prices are in minor units."""

    q: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    category: Slug | None = None
    min_price: PriceParameter | None = None
    max_price: PriceParameter | None = None
    in_stock: bool | None = None
    sort: Literal["relevance", "newest", "price", "-price"] = "newest"


class ProductPage(Page[ProductView]):
    """A page of products on sale."""


class SetStock(Body):
    """The counted stock."""

    on_hand: Pieces


class AdjustStock(Body):
    """A change of the stock, and its reason for the log."""

    delta: Annotated[int, Field(ge=-10_000_000, le=10_000_000)]
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class StockView(View):
    """Stock in pieces: on_hand = reserved + available."""

    sku: str
    on_hand: int
    reserved: int
    available: int

    @classmethod
    def of(cls, variant: Variant) -> "StockView":
        return cls(
            sku=variant.sku,
            on_hand=variant.on_hand,
            reserved=variant.reserved,
            available=variant.available,
        )
