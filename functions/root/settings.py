"""The environment that root needs."""

from shared.runtime.settings import Settings


class RootSettings(Settings):
    """`root_health` is a JSON object: service → name of the function that answers its health check."""

    root_health: str


settings = RootSettings.load
