"""Starts the programs of a local cloud, the AWS engine (MiniStack) and the local Stripe, and awaits them."""

import os
import shutil
import sys
import urllib.error
import urllib.request

from localstack.cloud.daemon import Daemon, require_free, wait_until
from localstack.cloud.local_cloud import ROOT, Cloud, LocalCloudError

ENGINE = ROOT / ".local" / "engine" / "bin"


def daemons(cloud: Cloud) -> dict[str, Daemon]:
    """A cloud's processes, in the order they start."""
    return {name: Daemon(name, cloud.folder) for name in ("engine", "stripe")}


def start_engine(cloud: Cloud) -> bool:
    """Start the AWS engine unless it answers; its state is in memory, so a new one is an empty cloud."""
    engine = daemons(cloud)["engine"]
    if engine.pid() and wait_until(lambda: answers(f"{cloud.endpoint}/_ministack/health"), seconds=15):
        return False
    engine.stop()
    require_free(cloud.engine_port, "PORT")
    # Functions unpack here and inherit this environment: leftovers go, the caller's shell stays out.
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
    _await(engine, f"{cloud.endpoint}/_ministack/health")
    return True


def start_stripe(cloud: Cloud) -> bool:
    """Start the local Stripe unless it runs; beside a new engine it starts afresh: they know one shop."""
    engine, stripe = daemons(cloud).values()
    state = cloud.folder / "stripe"
    partner = state / "engine.json"
    beside = engine.record.read_text() if engine.pid() else "an engine of your own"
    same_engine = partner.exists() and partner.read_text() == beside
    if stripe.pid() and same_engine and answers(cloud.stripe):
        return False
    stripe.stop()
    require_free(cloud.stripe_port, "STRIPE_PORT")
    if not same_engine:
        shutil.rmtree(state, ignore_errors=True)
        state.mkdir(parents=True)
        partner.write_text(beside)
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
    _await(stripe, cloud.stripe)
    return True


def answers(url: str) -> bool:
    """Whether something speaks HTTP there, whatever it says."""
    try:
        urllib.request.urlopen(url, timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _await(daemon: Daemon, url: str) -> None:
    wait_until(lambda: answers(url) or daemon.pid() is None, seconds=60)
    if daemon.pid() is None or not answers(url):
        raise LocalCloudError(
            f"the {daemon.name} did not start; {daemon.log.relative_to(ROOT)} ends:\n{daemon.last_words()}"
        )
