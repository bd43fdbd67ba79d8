"""AWS clients: one botocore session per process, and one client per service with time limits for requests."""

import os
import platform
import threading
from functools import cache
from typing import Any

import botocore.session
from botocore.config import Config

REGION = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "eu-west-1"

CONNECT_TIMEOUT = 2  # seconds; AWS accepts a connection in milliseconds, and a retry uses another host
READ_TIMEOUT = 10  # seconds; AWS responds in much less, and a retry fits into a request
ATTEMPTS = 3  # tries; the second and third succeed when AWS throttles or a connection breaks

# Without a text of ours, botocore builds and cleans a longer one for each request: an eighth of its time.
USER_AGENT = (
    f"tillstack/{os.environ.get('VERSION', '0')}"
    f" Botocore/{botocore.__version__} Python/{platform.python_version()}"
)
_creating = threading.Lock()  # botocore's sessions are not thread-safe


@cache
def session() -> botocore.session.Session:
    """Return the session of this process; all its clients send USER_AGENT."""
    created = botocore.session.get_session()
    created.set_default_client_config(Config(user_agent=USER_AGENT))
    return created


def client(
    service: str, *, read_timeout: float = READ_TIMEOUT, attempts: int = ATTEMPTS, validate: bool = True
) -> Any:
    """Return the service's client, which is created once for each set of options.

    `attempts` includes the first try; `read_timeout` is in seconds. `validate` checks parameters before each
    call.
    """
    with _creating:
        return _client(service, read_timeout, attempts, validate)


@cache
def _client(service: str, read_timeout: float, attempts: int, validate: bool) -> Any:
    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
        parameter_validation=validate,
    )
    return session().create_client(service, region_name=REGION, config=config)
