"""`sam build` and `sam deploy` for a local cloud, skipped if nothing changed."""

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


class UpdateError(LocalCloudError):
    """The engine could not change the deployed shop. MiniStack cannot change every nested stack."""


def prepare(cloud: Cloud) -> bool:
    """Create the bucket for artifacts and verify the email sender. Return whether the bucket is new."""
    s3, ses = cloud.client("s3"), cloud.client("ses")
    exists = any(bucket["Name"] == ARTIFACTS for bucket in s3.list_buckets()["Buckets"])
    if not exists:
        s3.create_bucket(Bucket=ARTIFACTS, CreateBucketConfiguration={"LocationConstraint": REGION})
    ses.verify_email_identity(EmailAddress=SENDER)
    return not exists


def build(cloud: Cloud) -> bool:
    """Run `sam build` for this machine's Python, once per content of the sources.

    All local clouds share the builds; the latest two are kept. Return whether anything was built.
    """
    finished = BUILDS / fingerprint()[:16]
    BUILDS.mkdir(parents=True, exist_ok=True)
    with (BUILDS / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if finished.exists():
            os.utime(finished)
            return False
        unfinished = BUILDS / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        _sam(
            cloud,
            "build",
            "--parallel",
            "--build-dir",
            str(unfinished),
            "--parameter-overrides",
            *parameters(cloud),
        )
        unfinished.rename(finished)
        for old in sorted(BUILDS.glob("*/"), key=lambda folder: folder.stat().st_mtime)[:-2]:
            shutil.rmtree(old)
    return True


def deploy(cloud: Cloud) -> bool:
    """Run `sam deploy` unless this engine already has this build. Return whether it ran.

    What was deployed is noted in the engine itself, so a new engine gets everything. Raises UpdateError if
    the engine has another build and cannot change it to this one.
    """
    wanted = " ".join([fingerprint(), *parameters(cloud)])
    present = deployed(cloud)
    if present == wanted:
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
    try:
        _sam(cloud, *command, "--parameter-overrides", *parameters(cloud))
    except LocalCloudError as error:
        raise UpdateError(str(error)) if present else error from None
    _publish_gateway_responses(cloud)
    _convert_concurrencies(cloud)
    cloud.client("s3").put_object(Bucket=ARTIFACTS, Key=DEPLOYED, Body=wanted.encode())
    return True


def _publish_gateway_responses(cloud: Cloud) -> None:
    """Deploy the API's stage again so that MiniStack uses the gateway responses.

    AWS reads them from the API's document; MiniStack creates them as resources after the deployment.
    """
    *_, api, stage, _ = cloud.api_url().split("/")
    cloud.client("apigateway").create_deployment(restApiId=api, stageName=stage)


def _convert_concurrencies(cloud: Cloud) -> None:
    """Store the MaximumConcurrency of event sources as a number.

    MiniStack stores that of a parameter as text (boto3 returns a number), and then polls no queue.
    """
    functions = cloud.client("lambda")
    for page in functions.get_paginator("list_event_source_mappings").paginate():
        for source in page["EventSourceMappings"]:
            if "ScalingConfig" in source:
                limit = int(source["ScalingConfig"]["MaximumConcurrency"])
                functions.update_event_source_mapping(
                    UUID=source["UUID"], ScalingConfig={"MaximumConcurrency": limit}
                )


def deployed(cloud: Cloud) -> str | None:
    """Return the fingerprint and parameters of the last successful deployment on this engine."""
    s3 = cloud.client("s3")
    try:
        return str(s3.get_object(Bucket=ARTIFACTS, Key=DEPLOYED)["Body"].read().decode())
    except s3.exceptions.ClientError:
        return None


def is_incomplete(cloud: Cloud) -> bool:
    """Return whether a deployment on this engine failed or was interrupted."""
    cloudformation = cloud.client("cloudformation")
    try:
        (stack,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    except cloudformation.exceptions.ClientError:
        return False
    return stack["StackStatus"] not in {"CREATE_COMPLETE", "UPDATE_COMPLETE"} or deployed(cloud) is None


def parameters(cloud: Cloud) -> list[str]:
    """Return the template parameters that a local cloud sets, as `Name=value`."""
    machine = "arm64" if platform.machine() in {"arm64", "aarch64"} else "x86_64"
    values = {
        "Stage": STAGE,
        "PythonRuntime": f"python3.{sys.version_info.minor}",
        "Architecture": machine,
        "Sender": SENDER,
        "ApiEndpoint": cloud.endpoint,
        "StripeApiBase": os.environ.get("STRIPE_API_BASE", cloud.stripe_url),
    }
    declared = read(ROOT / "template.yaml").get("Parameters", {})
    return [f"{name}={value}" for name, value in values.items() if name in declared]


def fingerprint() -> str:
    """Return a digest of the template, the infrastructure, the code, its locks and the Python version."""
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
    inherited = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("AWS_", "SAM_", "TILLSTACK_TARGET"))
    }
    environment = (
        inherited
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
        # close_fds=False: sam inherits the lock, so if this process is killed, the next one waits for sam
        process = subprocess.run(
            [SAM, *arguments],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            check=False,
            close_fds=False,
        )
    if process.returncode:
        tail = "\n".join(log.read_text(errors="replace").rstrip().splitlines()[-25:])
        raise LocalCloudError(f"`sam {arguments[0]}` failed; {log.relative_to(ROOT)} ends with:\n{tail}")
