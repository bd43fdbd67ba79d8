"""Typed settings: the environment variables of a function, read and validated once at start."""

import os
from functools import cache
from typing import Self

from pydantic import ConfigDict

from shared.models import Model


class Settings(Model):
    """Each field is the environment variable of the same name in upper case."""

    # hide_input_in_errors: otherwise a validation error would print the environment.
    model_config = ConfigDict(hide_input_in_errors=True)

    @classmethod
    @cache
    def load(cls) -> Self:
        return cls.model_validate(
            {name: os.environ[name.upper()] for name in cls.model_fields if name.upper() in os.environ}
        )


class CommonSettings(Settings):
    """The settings of every function (`Globals` in template.yaml)."""

    stage: str = "local"
    version: str = "0"
    allowed_origins: str = "*"
