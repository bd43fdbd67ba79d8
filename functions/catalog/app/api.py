"""CatalogApi: the HTTP API of catalog."""

from catalog.routes import routes
from catalog.schemas import ProductPage, ProductQuery, ProductView, VariantView
from catalog.tables import rows
from shared.http.api import Api
from shared.models import build
from shared.values.money import Money

build(Money, VariantView, ProductView, ProductQuery, ProductPage)
api = Api(routes, idempotency=rows.idempotency, probe=rows.probe)
