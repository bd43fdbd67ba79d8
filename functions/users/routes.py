"""The HTTP routes. Responses that contain tokens are not stored: a repeated request gets tokens of its
own."""

from shared.dynamodb.idempotency import IdempotencyKey
from shared.errors import IdempotencyKeyReused, NotFound
from shared.http.identity import CUSTOMER, PUBLIC, Caller
from shared.http.routing import Replayed, Routes
from users import service
from users.domain.accounts import BadCredentials, EmailTaken
from users.domain.passwords import WeakPassword
from users.domain.sessions import SessionOver
from users.schemas import KeysView, KeyView, Login, Logout, RefreshTokens, Register, TokensView, UserView

routes = Routes()


@routes.post(
    "/users/register",
    role=PUBLIC,
    status=201,
    location="/users/me",
    raises=(EmailTaken, WeakPassword, IdempotencyKeyReused),
)
def register(body: Register, claim: IdempotencyKey | None) -> UserView | Replayed:
    """Create an account.

    The account has the role `customer`. Open a session with `POST /users/login`.
    """
    account, repeated = service.register(
        body.email, body.password.get_secret_value(), body.name, body.phone, claim
    )
    view = UserView.of(account)
    return Replayed(view) if repeated else view


@routes.post("/users/login", role=PUBLIC, repeatable=True, raises=(BadCredentials,))
def login(body: Login) -> TokensView:
    """Open a session with an email address and a password."""
    return TokensView.of(service.login(body.email, body.password.get_secret_value()))


@routes.post("/users/guest", role=PUBLIC, status=201, repeatable=True)
def start_as_guest() -> TokensView:
    """Open a session without an account.

    A guest has a cart, places orders and pays. `POST /cart/merge` moves the cart to an account later.
    """
    return TokensView.of(service.start_as_guest())


@routes.post("/users/token", role=PUBLIC, repeatable=True, raises=(SessionOver,))
def refresh(body: RefreshTokens) -> TokensView:
    """Exchange a refresh token for new tokens.

    Each refresh token is used once. Presenting it again ends the session.
    """
    return TokensView.of(service.refresh(body.refresh_token.get_secret_value()))


@routes.post("/users/logout", role=PUBLIC, repeatable=True)
def logout(body: Logout) -> None:
    """End the session."""
    service.logout(body.refresh_token.get_secret_value())


@routes.get("/users/me", role=CUSTOMER, raises=(NotFound,))
def read_me(caller: Caller) -> UserView:
    """Get your account."""
    return UserView.of(service.get_account(caller.user_id))


@routes.get("/.well-known/jwks.json")
def read_keys() -> KeysView:
    """Get the public keys that verify access tokens."""
    return KeysView(keys=[KeyView(kid=kid, **jwk) for kid, jwk in service.public_keys().items()])
