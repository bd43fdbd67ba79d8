"""Plain `sam build` and `sam deploy` onto a local cloud, left out when what they would make is there."""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from infra.cloudformation import read
from localstack.cloud.local_cloud import (
    ARTIFACTS,
    CREDENTIALS,
    REGION,
    ROOT,
    SENDER,
    STACK,
    STAGE,
    Cloud,
    LocalCloudError,
)

SAM = ROOT / ".local" / "sam" / "bin" / "sam"
BUILDS = ROOT / ".local" / "builds"
DEPLOYED = "deployed.txt"


def prepare(cloud: Cloud) -> bool:
    """What deploying and mailing presuppose: a bucket for the artifacts and a verified sender."""
    s3, ses = cloud.client("s3"), cloud.client("ses")
    there = any(bucket["Name"] == ARTIFACTS for bucket in s3.list_buckets()["Buckets"])
    if not there:
        s3.create_bucket(Bucket=ARTIFACTS, CreateBucketConfiguration={"LocationConstraint": REGION})
    ses.verify_email_identity(EmailAddress=SENDER)
    return not there


def build(cloud: Cloud) -> bool:
    """`sam build` for this machine's Python, once per content of the sources; other clouds find it made."""
    made = BUILDS / fingerprint()[:16]
    BUILDS.mkdir(parents=True, exist_ok=True)
    with (BUILDS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if made.exists():
            os.utime(made)
            return False
        half = BUILDS / "half-made"
        shutil.rmtree(half, ignore_errors=True)
        _sam(
            cloud,
            "build",
            "--parallel",
            "--build-dir",
            str(half),
            "--parameter-overrides",
            *parameters(cloud),
        )
        half.rename(made)
        for old in sorted(BUILDS.glob("*/"), key=lambda folder: folder.stat().st_mtime)[:-2]:
            shutil.rmtree(old)
    return True


def deploy(cloud: Cloud) -> bool:
    """`sam deploy` of what `build` made, unless this very engine holds it: it keeps a note of what it got."""
    wanted = " ".join([fingerprint(), *parameters(cloud)])
    if deployed(cloud) == wanted:
        return False
    command = [
        "deploy",
        "--template-file",
        str(BUILDS / wanted[:16] / "template.yaml"),
        "--stack-name",
        STACK,
    ]
    command += [
        "--s3-bucket",
        ARTIFACTS,
        "--region",
        REGION,
        "--no-confirm-changeset",
        "--no-fail-on-empty-changeset",
    ]
    command += ["--capabilities", "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
    _sam(cloud, *command, "--parameter-overrides", *parameters(cloud))
    _publish_gateway_responses(cloud)
    cloud.client("s3").put_object(Bucket=ARTIFACTS, Key=DEPLOYED, Body=wanted.encode())
    return True


def _publish_gateway_responses(cloud: Cloud) -> None:
    """Deploy the API's stage once more.

    MiniStack takes the gateway's own answers from resources that are made after the deployment, and not, as
    AWS does, from the API's document.
    """
    *_, api, stage, _ = cloud.api_url().split("/")
    cloud.client("apigateway").create_deployment(restApiId=api, stageName=stage)


def deployed(cloud: Cloud) -> str | None:
    """The fingerprint and parameters of the last deployment that ended well on this engine."""
    s3 = cloud.client("s3")
    try:
        return str(s3.get_object(Bucket=ARTIFACTS, Key=DEPLOYED)["Body"].read().decode())
    except s3.exceptions.ClientError:
        return None


def half_done(cloud: Cloud) -> bool:
    """Whether a deployment began on this engine and did not end well: some such states have no way on."""
    cloudformation = cloud.client("cloudformation")
    try:
        (stack,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    except cloudformation.exceptions.ClientError:
        return False
    return stack["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"} or deployed(cloud) is None


def parameters(cloud: Cloud) -> list[str]:
    """The template's parameters that a local cloud has an opinion on, as `Name=value`."""
    machine = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
    opinions = {
        "Stage": STAGE,
        "PythonRuntime": f"python3.{sys.version_info.minor}",
        "Architecture": machine,
        "Sender": SENDER,
        "ApiEndpoint": cloud.endpoint,
        "StripeApiBase": os.environ.get("STRIPE_API_BASE", cloud.stripe),
    }
    declared = read(ROOT / "template.yaml").get("Parameters", {})
    return [f"{name}={value}" for name, value in opinions.items() if name in declared]


def fingerprint() -> str:
    """A digest of all that decides what is built: template, infrastructure, code with its locks, Python."""
    digest = hashlib.sha256(sys.version.encode())
    for path in _sources():
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _sources() -> Iterator[Path]:
    yield ROOT / "template.yaml"
    for folder in ("infra", "functions"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".md":
                yield path


def _sam(cloud: Cloud, *arguments: str) -> None:
    """Run sam against the local cloud with its output in `sam.log`. Raises LocalCloudError if it fails."""
    log = cloud.folder / "sam.log"
    kept = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("AWS_", "SAM_", "TILLSTACK_TARGET"))
    }
    environment = (
        kept
        | CREDENTIALS
        | {
            "AWS_ENDPOINT_URL": cloud.endpoint,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "SAM_CLI_TELEMETRY": "0",
            "SAM_CLI_POLL_DELAY": "0.5",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        }
    )
    with log.open("a") as out:
        # close_fds=False: sam holds the run's lock too; if this run is killed, the next waits for sam
        done = subprocess.run(
            [SAM, *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            check=False,
            close_fds=False,
        )
    if done.returncode:
        last = "\n".join(log.read_text(errors="replace").rstrip().splitlines()[-25:])
        raise LocalCloudError(
            f"sam {arguments[0]} failed; its log is {log.relative_to(ROOT)}, which ends:\n{last}"
        )
