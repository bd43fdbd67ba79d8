"""`make up`: an engine that cannot apply a change is replaced, and other failures end it."""

import sys

import pytest

from localstack.cloud import local_cloud, up
from localstack.cloud.deployment import UpdateError
from localstack.cloud.local_cloud import LocalCloudError


@pytest.fixture
def starts(tmp_path, monkeypatch):
    """`starts(*failures)` runs `make up`, whose starts fail in this way, and returns how often it started."""
    monkeypatch.setattr(local_cloud, "RUN", tmp_path)

    def run(*failures: Exception, external: bool = False) -> int:
        left, started = list(failures), []

        def start(cloud):
            started.append(cloud)
            if left:
                raise left.pop(0)

        monkeypatch.setattr(up, "start", start)
        monkeypatch.setattr(sys, "argv", ["up", "--name", "trial", *(["--external"] if external else [])])
        try:
            up.main()
        except SystemExit as ended:
            assert ended.code == f"make up: {failures[-1]}"
            return -len(started)
        return len(started)

    return run


def test_an_engine_that_cannot_apply_a_change_is_replaced_once(starts):
    assert starts() == 1
    assert starts(UpdateError("cannot change")) == 2
    assert starts(UpdateError("cannot change"), LocalCloudError("cannot create")) == -2


def test_other_failures_and_engines_of_others_are_not_repeated(starts):
    assert starts(LocalCloudError("no build")) == -1
    assert starts(UpdateError("cannot change"), external=True) == -1
