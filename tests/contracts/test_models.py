"""Every pydantic model is built on first use, and every model can be built."""

from collections.abc import Iterator

import pytest
from pydantic import BaseModel, PydanticSchemaGenerationError

from shared.models import Model
from tests.contracts.code_graph import load
from tests.support import SERVICES

PACKAGES = (*SERVICES, "root", "shared")


def models(base: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    """Yield the models of all services, with the parametrized ones (`Page[OrderView]`)."""
    for model in base.__subclasses__():
        if model.__module__.partition(".")[0] in PACKAGES:
            yield model
        yield from models(model)


def name_of(model: type[BaseModel]) -> str:
    return f"{model.__module__}.{model.__qualname__}"


for package in PACKAGES:
    load(package)
MODELS = sorted({*models()}, key=name_of)


def test_every_model_is_built_on_first_use():
    assert [name_of(model) for model in MODELS if not model.model_config.get("defer_build")] == []
    assert {"orders.schemas.responses.OrderView", "shared.values.money.Money"} <= {*map(name_of, MODELS)}


@pytest.mark.parametrize("model", MODELS, ids=name_of)
def test_every_model_can_be_built(model):
    assert model.model_rebuild(force=True)


def test_a_model_that_cannot_be_built_is_found():
    class Broken(Model):
        field: object()  # type: ignore[valid-type]

    with pytest.raises(PydanticSchemaGenerationError):
        Broken.model_rebuild(force=True)
