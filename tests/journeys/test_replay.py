"""The replay of real sales and its audit, and the dead-letter queues after these journeys."""

from collections import Counter

from localstack.demo import replay
from localstack.demo.replay.audit import number_range
from localstack.demo.replay.returns import match_returns, return_lines
from localstack.demo.replay.sales import clean_sales


def test_one_return_of_the_day_matches_a_sale():
    sales = clean_sales()
    returns, skipped = match_returns(return_lines(), sales, sales)
    (return_,) = returns
    assert (return_.invoice, return_.sale.invoice, return_.pieces) == ("C536506", "536488", {"22960": 6})
    assert return_.pence == 6 * 425
    assert len(skipped) == 9
    assert [entry.reason for entry in skipped if entry.row.sku == "D"] == ["a discount, no goods"]


def test_a_return_needs_an_earlier_sale_of_the_same_pieces():
    sales = clean_sales()
    (six,) = [line for line in return_lines() if line.invoice == "C536506"]
    returns, skipped = match_returns([six, six], sales, sales)
    assert (len(returns), len(skipped)) == (1, 1)
    returns, skipped = match_returns([six], sales, sales[:1])
    assert (returns, skipped[0].reason) == ([], "its sale 536488 is not among those replayed")


def test_the_range_of_invoice_numbers_includes_missing_ones():
    assert number_range(["2026-000007", "2026-000009"]) == {"2026-000007", "2026-000008", "2026-000009"}
    assert number_range(["2026-000999", "2027-000001"]) == {"2026-000999", "2027-000001"}


def test_sixty_one_real_sales_and_their_return_match_to_the_penny(local, capsys):
    assert replay.run(local, 61), capsys.readouterr().out


def test_dead_letter_queues_are_empty(local):
    sqs = local.client("sqs")
    counts: Counter[str] = Counter()
    for queue in sqs.list_queues(QueueNamePrefix="tillstack-").get("QueueUrls", []):
        if queue.endswith("-dlq"):
            name = "ApproximateNumberOfMessages"
            found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=[name])["Attributes"]
            counts[queue.rpartition("/")[2]] = int(found[name])
    assert counts
    assert not +counts
