"""The real sales, replayed and audited from outside; and what is left when all journeys are over."""

from collections import Counter

from localstack import replay


def test_sixty_one_real_sales_come_out_to_the_penny(local, capsys):
    assert replay.run(local, 61), capsys.readouterr().out


def test_nothing_rests_in_a_dead_letter_queue(local):
    sqs = local.client("sqs")
    counts: Counter[str] = Counter()
    for queue in sqs.list_queues(QueueNamePrefix="tillstack-").get("QueueUrls", []):
        if queue.endswith("-dlq"):
            name = "ApproximateNumberOfMessages"
            found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=[name])["Attributes"]
            counts[queue.rpartition("/")[2]] = int(found[name])
    assert counts
    assert not +counts
