"""`make -s url`: print the deployed API's base URL and nothing else."""

import argparse
import sys

from localstack.cloud.local_cloud import Cloud, LocalCloudError

if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m localstack.cloud.url", description=__doc__)
    parser.add_argument("--name", default="dev")
    try:
        print(Cloud.load(parser.parse_args().name).api_url())
    except LocalCloudError as error:
        sys.exit(f"make url: {error}")
