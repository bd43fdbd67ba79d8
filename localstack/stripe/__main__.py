"""The command `python -m localstack.stripe --port 12111 --state .local/stripe`."""

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from localstack.stripe.server import LocalStripe


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m localstack.stripe", description="An emulator of the Stripe API."
    )
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=12111, help="0 for any free port")
    parser.add_argument("--state", type=Path, help="the folder for its state (default: in memory)")
    options = parser.parse_args()
    logging.basicConfig(
        level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(message)s", datefmt="%H:%M:%S"
    )
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        stripe = LocalStripe(options.port, options.state, options.host)
    except OSError as error:
        sys.exit(f"cannot listen on {options.host}:{options.port}: {error.strerror}; choose another --port")
    with stripe:
        logging.info("local Stripe started at %s", stripe.url)
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
