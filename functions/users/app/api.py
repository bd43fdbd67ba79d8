"""UsersApi: the HTTP API of users."""

from shared.http.api import Api
from users import tables
from users.routes import routes

api = Api(routes, idempotency=tables.idempotency, probe=tables.probe)
