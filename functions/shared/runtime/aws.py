"""AWS clients: one botocore session per process, and one client per service with time limits for requests."""

import os
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config

REGION = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "eu-west-1"

CONNECT_TIMEOUT = 2  # seconds; AWS accepts a connection in milliseconds, and a retry uses another host
READ_TIMEOUT = 10  # seconds; AWS responds in much less, and a retry fits into a request
ATTEMPTS = 3  # tries; the second and third succeed when AWS throttles or a connection breaks


@cache
def session() -> botocore.session.Session:
    return botocore.session.get_session()


@cache
def client(service: str, *, read_timeout: float = READ_TIMEOUT, attempts: int = ATTEMPTS) -> Any:
    """Return the service's client. `attempts` includes the first try; `read_timeout` is in seconds."""
    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    return session().create_client(service, region_name=REGION, config=config)
