"""`make -s token ROLE=staff`: print a new access token and nothing else."""

import argparse
import sys

from localstack.cloud.local_cloud import ACCOUNTS, Cloud, LocalCloudError
from localstack.cloud.shop import Shop

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m localstack.cloud.token", description=__doc__)
    parser.add_argument("--name", default="dev")
    parser.add_argument("--role", default="customer", choices=[*ACCOUNTS, "guest"])
    options = parser.parse_args()
    try:
        print(Shop.of(Cloud.load(options.name), options.role).token)
    except LocalCloudError as error:
        sys.exit(f"make token: {error}")
