"""`make up`: start the local cloud, deploy the shop and load the demo data, skipping finished steps."""

import argparse
import fcntl
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from localstack.cloud import deployment, engine, webhook
from localstack.cloud.local_cloud import ACCOUNTS, ROOT, Cloud, LocalCloudError
from localstack.demo import seed

LOCK_TIMEOUT = 300


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m localstack.cloud.up", description=__doc__)
    parser.add_argument("--name", default="dev", help="the local cloud's name; several can run at once")
    parser.add_argument("--engine-port", type=int, help="default: as at the last start, or 4566")
    parser.add_argument("--stripe-port", type=int, help="default: as at the last start, or 12111")
    parser.add_argument(
        "--external",
        action="store_true",
        help="use the AWS engine (LocalStack) that already listens on the port",
    )
    options = parser.parse_args()
    cloud = Cloud.choose(options.name, options.engine_port, options.stripe_port, options.external)
    try:
        with exclusive(cloud):
            try:
                start(cloud)
            except deployment.UpdateError:
                if cloud.external:
                    raise
                print("The engine could not apply this change. A new, empty engine replaces it:", flush=True)
                start(cloud)
    except LocalCloudError as error:
        sys.exit(f"make up: {error}")


def start(cloud: Cloud) -> None:
    """Run every step that is not done yet. Raises LocalCloudError if one fails."""
    if not cloud.record.exists():
        print(f"Starting the local cloud '{cloud.name}'; this takes one to three minutes.", flush=True)
    cloud.save()
    steps: list[tuple[str, Callable[[], bool]]] = [
        (f"AWS engine on port {cloud.engine_port}", lambda: start_engine(cloud)),
        (f"Stripe on port {cloud.stripe_port}", lambda: engine.start_stripe(cloud)),
        ("sam build", lambda: deployment.build(cloud)),
        ("artifact bucket and email sender", lambda: deployment.prepare(cloud)),
        ("sam deploy", lambda: deployment.deploy(cloud)),
        ("Stripe webhook", lambda: webhook.register(cloud)),
        ("demo accounts", lambda: seed.create_accounts(cloud)),
        ("demo catalog", lambda: seed.load_catalog(cloud)),
    ]
    started_at = time.monotonic()
    for number, (title, step) in enumerate(steps, start=1):
        print(f"[{number}/{len(steps)}] {title} … ", end="", flush=True)
        since = time.monotonic()
        try:
            changed = step()
        except BaseException:
            print()
            raise
        print(f"{time.monotonic() - since:.1f} s" if changed else "already done", flush=True)
    cloud.write_stage_file()
    print(summary(cloud, time.monotonic() - started_at))


def start_engine(cloud: Cloud) -> bool:
    """Start the engine, or replace one with an incomplete deployment. Return whether one was started."""
    if cloud.external:
        if not engine.responds(cloud.endpoint):
            raise LocalCloudError(
                f"no AWS engine listens on port {cloud.engine_port};"
                " start it as localstack/README.md describes"
            )
        return False
    if not engine.start_engine(cloud):
        if not deployment.is_incomplete(cloud):
            return False
        engine.daemons(cloud)["engine"].stop()
        engine.start_engine(cloud)
    return True


def summary(cloud: Cloud, seconds: float) -> str:
    """Return the URLs and the staff login to print at the end."""
    staff = ACCOUNTS["staff"]
    return (
        f"\nThe shop is up ({seconds:.1f} s).\n"
        f"  API      {cloud.api_url()}\n"
        f"  staff    {staff.email}  {staff.password}\n"
        f"  mailbox  {cloud.mailbox_url}\n"
        f"  Stripe   {cloud.stripe_url}\n"
        f"  ships to {', '.join(sorted(seed.TAX_RATES))}\n"
    )


@contextmanager
def exclusive(cloud: Cloud) -> Iterator[None]:
    """Hold the cloud's lock for the block, and wait for a command that holds it already.

    The kernel releases the lock of a killed process. sam inherits it, so an orphaned `sam deploy` keeps it.
    """
    cloud.folder.mkdir(parents=True, exist_ok=True)
    with (cloud.folder / "lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)
        deadline = time.monotonic() + LOCK_TIMEOUT
        announced = False
        while not _lock(lock.fileno()):
            if time.monotonic() > deadline:
                where = cloud.folder.relative_to(ROOT)
                raise LocalCloudError(
                    f"another command has held {where}/lock for {LOCK_TIMEOUT} s; end it and try again"
                )
            if not announced:
                print(f"waiting for another command on the local cloud '{cloud.name}' …", flush=True)
                announced = True
            time.sleep(0.3)
        yield


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    main()
