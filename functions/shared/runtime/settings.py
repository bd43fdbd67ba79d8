"""Typed settings: the environment a function needs, read once, complaining at start if it is not there."""

import os
from functools import cache
from typing import Self

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Every field is the environment variable of the same name in capitals."""

    # hide_input_in_errors: a validation error would otherwise print the environment, secrets and all.
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    @classmethod
    @cache
    def load(cls) -> Self:
        return cls.model_validate(
            {name: os.environ[name.upper()] for name in cls.model_fields if name.upper() in os.environ}
        )


class CommonSettings(Settings):
    """What every function has: `Globals` in template.yaml."""

    stage: str = "local"
    version: str = "0"
    allowed_origins: str = "*"
