"""CartApi: the HTTP API of cart."""

from cart.routes import routes
from cart.schemas import CartItemView, CartView
from cart.tables import rows
from shared.contracts.events.catalog import ProductData
from shared.http.api import Api
from shared.models import build
from shared.values.money import Money

build(Money, ProductData, CartItemView, CartView)
api = Api(routes, idempotency=rows.idempotency, probe=rows.probe)
