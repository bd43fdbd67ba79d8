"""Where a local cloud is and how to reach it: scripts and tests do so from here, by localstack-client."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from localstack_client.session import Session

ROOT = Path(__file__).resolve().parent.parent.parent
RUN = ROOT / ".local" / "run"
REGION = "eu-west-2"
STAGE = "local"
STACK = f"tillstack-{STAGE}"
ARTIFACTS = f"{STACK}-artifacts"
SENDER = "orders@tillstack.example"
STRIPE_KEY = "sk_test_tillstack_local"
ACCESS_KEY = "test"
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": ACCESS_KEY,
    "AWS_DEFAULT_REGION": REGION,
}


class LocalCloudError(Exception):
    """A failure of the local cloud, with a message that says what to do next."""


@dataclass(frozen=True)
class Account:
    """Someone who can sign in to the demo shop; known to this machine's local cloud alone."""

    email: str
    password: str
    name: str
    roles: tuple[str, ...]


ACCOUNTS = {
    "admin": Account(
        "admin@tillstack.example", "local-admin-4hT9x", "Ada Admin", ("customer", "staff", "admin")
    ),
    "staff": Account("staff@tillstack.example", "local-staff-7kQ2m", "Sam Staff", ("customer", "staff")),
    "customer": Account("customer@tillstack.example", "local-customer-3vW8", "Cleo Customer", ("customer",)),
}


@dataclass(frozen=True)
class Cloud:
    """A named local cloud: an AWS engine and a Stripe, both on loopback ports of their own."""

    name: str
    engine_port: int = 4566
    stripe_port: int = 12111

    @classmethod
    def named(cls, name: str) -> "Cloud":
        """The cloud that `up` started under this name. Raises LocalCloudError when there is none."""
        try:
            return cls(**json.loads((RUN / name / "cloud.json").read_text()))
        except FileNotFoundError:
            raise LocalCloudError(f"the local cloud '{name}' is not up; `make up` starts it") from None

    def remember(self) -> None:
        """Write down the ports, so that the other scripts need only the name."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.record.write_text(json.dumps(asdict(self)))

    def write_stage_file(self) -> None:
        """Write `stage.json`, from which the operators' tools (`ops/`) know how to reach the stage."""
        stage = {
            "stage": STAGE,
            "endpoint_url": self.endpoint,
            "region": REGION,
            "access_key_id": ACCESS_KEY,
            "secret_access_key": ACCESS_KEY,
            "stripe_url": self.stripe,
            "mailbox_url": self.mailbox,
        }
        self.stage_file.write_text(json.dumps(stage, indent=2) + "\n")

    @property
    def record(self) -> Path:
        return self.folder / "cloud.json"

    @property
    def stage_file(self) -> Path:
        return self.folder / "stage.json"

    @property
    def folder(self) -> Path:
        return RUN / self.name

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.engine_port}"

    @property
    def stripe(self) -> str:
        return f"http://127.0.0.1:{self.stripe_port}"

    @property
    def mailbox(self) -> str:
        return f"{self.endpoint}/_ministack/ses/messages"

    @cached_property
    def session(self) -> Session:
        with _without("AWS_ENDPOINT_URL"):  # localstack-client would let it win over the host it is told
            return Session(
                aws_access_key_id=ACCESS_KEY,
                aws_secret_access_key=ACCESS_KEY,
                region_name=REGION,
                localstack_host=f"127.0.0.1:{self.engine_port}",
            )

    def client(self, service: str) -> Any:
        """A boto3 client of this cloud."""
        return self.session.client(service)

    def outputs(self) -> dict[str, str]:
        """What the deployed stack says of itself. Raises LocalCloudError when nothing is deployed."""
        try:
            (stack,) = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        except Exception as error:
            raise LocalCloudError(
                f"nothing is deployed on the local cloud '{self.name}'; `make up` does it"
            ) from error
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def api_url(self) -> str:
        """The deployed API's base URL, no slash at its end; read anew, for a changed API gets a new id."""
        host, stage = self.outputs()["ApiUrl"].removeprefix("https://").rstrip("/").split("/")
        return f"{self.endpoint}/restapis/{host.split('.')[0]}/{stage}/_user_request_"


@contextmanager
def _without(variable: str) -> Iterator[None]:
    value = os.environ.pop(variable, None)
    try:
        yield
    finally:
        if value is not None:
            os.environ[variable] = value
