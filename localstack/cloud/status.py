"""`make status`: the local clouds that are up, their ports, and the health of the shop on each."""

from localstack.cloud.engine import daemons
from localstack.cloud.local_cloud import RUN, Cloud, LocalCloudError
from localstack.cloud.shop import Shop


def describe(cloud: Cloud) -> str:
    """Return a few lines about one local cloud."""
    lines = [f"local cloud '{cloud.name}'"]
    ports = {"engine": cloud.engine_port, "stripe": cloud.stripe_port}
    for name, daemon in daemons(cloud).items():
        pid = daemon.pid()
        lines.append(f"  {name:8} " + (f"port {ports[name]}, process {pid}" if pid else "not running"))
    try:
        shop = Shop(cloud.api_url())
        lines.append(f"  shop     {shop.base_url} (GET /health: {shop.call('GET', '/health').status})")
    except (LocalCloudError, OSError) as error:
        lines.append(f"  shop     {error}")
    return "\n".join(lines)


if __name__ == "__main__":
    names = sorted(path.parent.name for path in RUN.glob("*/cloud.json"))
    print(
        "\n".join(describe(Cloud.load(name)) for name in names)
        or "no local cloud is up; start one with `make up`"
    )
