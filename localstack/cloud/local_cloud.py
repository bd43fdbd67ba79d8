"""The names, ports, accounts and clients of a local cloud."""

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
    """A demo account. It exists only on a local cloud, so its password is not a secret."""

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
    """A named local cloud: an AWS engine and a local Stripe, each on its own loopback port.

    `external` means that somebody else starts the engine (LocalStack).
    """

    name: str
    engine_port: int = 4566
    stripe_port: int = 12111
    external: bool = False

    @classmethod
    def load(cls, name: str) -> "Cloud":
        """Return the cloud that `make up` started. Raises LocalCloudError if it is not up."""
        try:
            return cls(**json.loads((RUN / name / "cloud.json").read_text()))
        except FileNotFoundError:
            raise LocalCloudError(f"the local cloud '{name}' is not up; start it with `make up`") from None

    @classmethod
    def choose(
        cls, name: str, engine_port: int | None = None, stripe_port: int | None = None, external: bool = False
    ) -> "Cloud":
        """Return the cloud to start: what is not given is as at its last start, or else the default."""
        try:
            last = cls.load(name)
        except LocalCloudError:
            last = cls(name)
        return cls(
            name, engine_port or last.engine_port, stripe_port or last.stripe_port, external or last.external
        )

    def save(self) -> None:
        """Write the ports to `cloud.json`, so that other commands need only the name."""
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
            "stripe_url": self.stripe_url,
            "mailbox_url": self.mailbox_url,
        }
        self.stage_file.write_text(json.dumps(stage, indent=2) + "\n")

    @property
    def folder(self) -> Path:
        return RUN / self.name

    @property
    def record(self) -> Path:
        return self.folder / "cloud.json"

    @property
    def stage_file(self) -> Path:
        return self.folder / "stage.json"

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.engine_port}"

    @property
    def stripe_url(self) -> str:
        return f"http://127.0.0.1:{self.stripe_port}"

    @property
    def mailbox_url(self) -> str:
        return f"{self.endpoint}/_ministack/ses/messages"

    @cached_property
    def session(self) -> Session:
        with _without("AWS_ENDPOINT_URL"):  # localstack-client prefers this variable to localstack_host
            return Session(
                aws_access_key_id=ACCESS_KEY,
                aws_secret_access_key=ACCESS_KEY,
                region_name=REGION,
                localstack_host=f"127.0.0.1:{self.engine_port}",
            )

    def client(self, service: str) -> Any:
        """Return a boto3 client for this cloud."""
        return self.session.client(service)

    def outputs(self) -> dict[str, str]:
        """Return the deployed stack's outputs. Raises LocalCloudError if nothing is deployed."""
        try:
            (stack,) = self.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        except Exception as error:
            raise LocalCloudError(
                f"nothing is deployed on the local cloud '{self.name}'; deploy it with `make up`"
            ) from error
        return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}

    def api_url(self) -> str:
        """Return the deployed API's base URL without a trailing slash.

        It is read from the stack each time, because a replaced API has a new id.
        """
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
