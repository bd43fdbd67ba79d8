"""Start of the local cloud's programs: the AWS engine (MiniStack) and the local Stripe."""

import os
import shutil
import sys
import urllib.error
import urllib.request

from localstack.cloud.daemon import Daemon, require_free, wait_until
from localstack.cloud.local_cloud import ROOT, Cloud, LocalCloudError

ENGINE = ROOT / ".local" / "engine" / "bin"


def daemons(cloud: Cloud) -> dict[str, Daemon]:
    """Return the cloud's processes by name, in the order in which they start."""
    return {name: Daemon(name, cloud.folder) for name in ("engine", "stripe")}


def start_engine(cloud: Cloud) -> bool:
    """Start the AWS engine unless it responds. Return whether it was started.

    Its state is in memory, so a new engine is empty.
    """
    engine = daemons(cloud)["engine"]
    if engine.pid() and wait_until(lambda: responds(f"{cloud.endpoint}/_ministack/health"), seconds=15):
        return False
    engine.stop()
    require_free(cloud.engine_port, "PORT")
    # The engine unpacks functions here, and they inherit its environment: remove old files, and pass on
    # nothing else of the caller's shell.
    scratch = cloud.folder / "tmp"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    environment = {
        "PATH": f"{ENGINE}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "HOME": os.environ.get("HOME", str(scratch)),
        "LANG": "C.UTF-8",
        "TMPDIR": str(scratch),
        "STATE_DIR": str(scratch / "state"),
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(cloud.engine_port),
        "LAMBDA_EXECUTOR": "local",
    }
    engine.start([str(ENGINE / "ministack")], environment, scratch)
    _wait_for(engine, f"{cloud.endpoint}/_ministack/health")
    return True


def start_stripe(cloud: Cloud) -> bool:
    """Start the local Stripe unless it runs. Return whether it was started.

    With a new engine its state is deleted, because the payments in it belong to the old shop.
    """
    engine, stripe = daemons(cloud).values()
    state = cloud.folder / "stripe"
    known_engine = state / "engine.json"
    this_engine = engine.record.read_text() if engine.pid() else "external"
    same_engine = known_engine.exists() and known_engine.read_text() == this_engine
    if stripe.pid() and same_engine and responds(cloud.stripe_url):
        return False
    stripe.stop()
    require_free(cloud.stripe_port, "STRIPE_PORT")
    if not same_engine:
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir(parents=True)
        known_engine.write_text(this_engine)
    command = [
        sys.executable,
        "-m",
        "localstack.stripe",
        "--port",
        str(cloud.stripe_port),
        "--state",
        str(state),
    ]
    stripe.start(command, {**os.environ}, ROOT)
    _wait_for(stripe, cloud.stripe_url)
    return True


def responds(url: str) -> bool:
    """Return whether an HTTP server responds at the URL, with any status."""
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _wait_for(daemon: Daemon, url: str) -> None:
    wait_until(lambda: responds(url) or daemon.pid() is None, seconds=60)
    if daemon.pid() is None or not responds(url):
        raise LocalCloudError(
            f"the {daemon.name} did not start; {daemon.log.relative_to(ROOT)} ends with:\n{daemon.log_tail()}"
        )
