"""The stage file through which the operators' tools reach a local cloud."""

import pytest

from localstack.cloud import local_cloud
from localstack.cloud.local_cloud import Cloud
from ops import stage


@pytest.fixture
def cloud(tmp_path, monkeypatch) -> Cloud:
    for module in (local_cloud, stage):
        monkeypatch.setattr(module, "RUN", tmp_path)
    cloud = Cloud("trial", engine_port=4999, stripe_port=12999)
    cloud.save()
    return cloud


def test_the_stage_file_leads_the_operators_tools_to_the_local_cloud(cloud):
    cloud.write_stage_file()
    found = stage.local_stage("trial")
    assert (found.name, found.stripe_url, found.mailbox_url) == (
        local_cloud.STAGE,
        cloud.stripe_url,
        cloud.mailbox_url,
    )
    client = found.client("sqs")
    assert (client.meta.endpoint_url, client.meta.region_name) == (cloud.endpoint, local_cloud.REGION)


def test_without_a_stage_file_the_operators_tools_say_what_to_do(cloud):
    with pytest.raises(stage.StageError, match="'trial' is not up; start it with `make up`"):
        stage.local_stage("trial")
