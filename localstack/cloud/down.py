"""`make down`: end what `make up` started."""

import argparse
import shutil
import sys

from localstack.cloud.engine import daemons
from localstack.cloud.local_cloud import Cloud, LocalCloudError
from localstack.cloud.up import exclusive


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m localstack.cloud.down", description=__doc__)
    parser.add_argument("--name", default="dev")
    cloud = Cloud(parser.parse_args().name)
    try:
        with exclusive(cloud):
            stopped = [name for name, daemon in reversed(daemons(cloud).items()) if daemon.stop()]
            for record in (cloud.record, cloud.stage_file):
                record.unlink(missing_ok=True)
            for state in ("tmp", "stripe"):
                shutil.rmtree(cloud.folder / state, ignore_errors=True)
    except LocalCloudError as error:
        sys.exit(f"make down: {error}")
    print(f"stopped: {', '.join(stopped)}" if stopped else f"the local cloud '{cloud.name}' was not up")


if __name__ == "__main__":
    main()
