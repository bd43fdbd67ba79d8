"""The environment that users needs; the authorizer reads its own."""

from shared.runtime.settings import Settings


class UsersSettings(Settings):
    users_table: str
    users_idempotency_table: str
    users_topic_arn: str
    users_signing_key_arn: str


settings = UsersSettings.load
