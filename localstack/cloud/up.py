"""`make up`: starts the local cloud, deploys the shop to it, fills it; what is done already is skipped."""

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

PATIENCE_SECONDS = 300


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m localstack.cloud.up", description=__doc__)
    parser.add_argument("--name", default="dev", help="several clouds stand side by side by name")
    parser.add_argument("--engine-port", type=int, default=4566)
    parser.add_argument("--stripe-port", type=int, default=12111)
    parser.add_argument(
        "--external", action="store_true", help="an AWS engine of your own (LocalStack) answers on the port"
    )
    options = parser.parse_args()
    cloud = Cloud(options.name, options.engine_port, options.stripe_port)
    try:
        with alone(cloud):
            bring_up(cloud, options.external)
    except LocalCloudError as error:
        sys.exit(f"make up: {error}")


def bring_up(cloud: Cloud, external: bool) -> None:
    """Take every step that is still to be taken. Raises LocalCloudError with the first that fails."""
    cloud.remember()
    steps: list[tuple[str, Callable[[], bool]]] = [
        (f"AWS engine on port {cloud.engine_port}", lambda: start_engine(cloud, external)),
        (f"Stripe on port {cloud.stripe_port}", lambda: engine.start_stripe(cloud)),
        ("sam build", lambda: deployment.build(cloud)),
        ("bucket and sender", lambda: deployment.prepare(cloud)),
        ("sam deploy", lambda: deployment.deploy(cloud)),
        ("Stripe's webhook", lambda: webhook.register(cloud)),
        ("accounts", lambda: seed.make_accounts(cloud)),
        ("demo catalog", lambda: seed.load_catalog(cloud)),
    ]
    begun = time.monotonic()
    for number, (title, step) in enumerate(steps, start=1):
        print(f"[{number}/{len(steps)}] {title} … ", end="", flush=True)
        since = time.monotonic()
        try:
            did = step()
        except BaseException:
            print()
            raise
        print(f"{time.monotonic() - since:.1f} s" if did else "done already", flush=True)
    cloud.write_stage_file()
    print(summary(cloud, time.monotonic() - begun))


def start_engine(cloud: Cloud, external: bool) -> bool:
    """Have an engine that can be deployed to: one left half deployed is replaced, its state is ephemeral."""
    if external:
        if not engine.answers(cloud.endpoint):
            raise LocalCloudError(
                f"no AWS engine answers on port {cloud.engine_port}; see localstack/README.md"
            )
        return False
    if not engine.start_engine(cloud):
        if not deployment.half_done(cloud):
            return False
        engine.daemons(cloud)["engine"].stop()
        engine.start_engine(cloud)
    return True


def summary(cloud: Cloud, seconds: float) -> str:
    """What a person needs to begin."""
    staff = ACCOUNTS["staff"]
    return (
        f"\nThe shop is open ({seconds:.1f} s).\n"
        f"  API      {cloud.api_url()}\n"
        f"  staff    {staff.email}  {staff.password}\n"
        f"  mailbox  {cloud.mailbox}\n"
        f"  Stripe   {cloud.stripe}\n"
    )


@contextmanager
def alone(cloud: Cloud) -> Iterator[None]:
    """Be the only run for a cloud, waiting for another; the kernel frees the lock of a run that was killed.

    The lock is inherited by sam, so that a run which was killed while sam deploys is waited for as well.
    """
    cloud.folder.mkdir(parents=True, exist_ok=True)
    with (cloud.folder / "lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), True)
        deadline = time.monotonic() + PATIENCE_SECONDS
        waiting = False
        while not _taken(lock.fileno()):
            if time.monotonic() > deadline:
                where = cloud.folder.relative_to(ROOT)
                raise LocalCloudError(
                    f"another run has been busy with {where} for {PATIENCE_SECONDS} s; end it and try again"
                )
            if not waiting:
                print(
                    f"another run is busy with the local cloud '{cloud.name}': waiting for it …", flush=True
                )
                waiting = True
            time.sleep(0.3)
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    main()
