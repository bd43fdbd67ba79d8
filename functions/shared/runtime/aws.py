"""AWS clients: one botocore session a process, each client made once, with time limits that fit a request."""

import os
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config

REGION = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "eu-west-1"


@cache
def session() -> botocore.session.Session:
    return botocore.session.get_session()


@cache
def client(service: str, *, read_timeout: float = 10, attempts: int = 3) -> Any:
    """The service's client; `attempts` counts the first try too."""
    config = Config(
        connect_timeout=2,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    return session().create_client(service, region_name=REGION, config=config)
