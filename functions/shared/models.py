"""The base of all pydantic models."""

from pydantic import BaseModel, ConfigDict


class Model(BaseModel):
    """Base of all models. They are immutable, and pydantic builds one when it is first used.

    Building all models during init would take a tenth of a cold start, and a request uses few of them.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)


def build(*models: type[BaseModel]) -> None:
    """Build models during init that most requests of the function use. A model that others contain comes
    first, so that they reuse it."""
    for model in models:
        model.model_rebuild()
