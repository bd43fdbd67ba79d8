"""UsersApi: the HTTP API of users."""

from shared.http.api import Api
from shared.models import build
from users import tables
from users.routes import routes
from users.schemas import RefreshTokens, TokensView, UserView

build(RefreshTokens, TokensView, UserView)
api = Api(routes, idempotency=tables.idempotency, probe=tables.probe)
