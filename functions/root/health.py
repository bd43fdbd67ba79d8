"""The health of all services: each service's API function is invoked with a health check."""

import json
from concurrent.futures import ThreadPoolExecutor

from root.settings import settings
from shared.http.routing import View
from shared.runtime.aws import client

HEALTH_TIMEOUT = 10  # seconds, one try; a function that starts cold responds in less


class ServiceHealth(View):
    """The health of a service: `status` is `ok` or `failing`."""

    status: str
    version: str


class Health(View):
    """The health of the shop: `status` is `ok` if every service's status is `ok`, otherwise `degraded`."""

    status: str
    services: dict[str, ServiceHealth]


def check_services() -> Health:
    """Check all services at the same time."""
    functions: dict[str, str] = json.loads(settings().root_health)
    with ThreadPoolExecutor(len(functions)) as pool:
        services = dict(zip(functions, pool.map(_check, functions.values()), strict=True))
    healthy = all(service.status == "ok" for service in services.values())
    return Health(status="ok" if healthy else "degraded", services=services)


def _check(function: str) -> ServiceHealth:
    response = client("lambda", read_timeout=HEALTH_TIMEOUT, attempts=1).invoke(
        FunctionName=function, Payload=b'{"health": true}'
    )
    if response.get("FunctionError"):
        return ServiceHealth(status="failing", version="unknown")
    return ServiceHealth.model_validate_json(response["Payload"].read())
