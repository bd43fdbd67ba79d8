"""Country codes (ISO 3166-1 alpha-2)."""

from typing import Annotated

from pydantic import StringConstraints

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
