"""The real sales, replayed and audited from outside; and what is left when all journeys are over."""

from collections import Counter

from localstack.demo import replay
from localstack.demo.replay.audit import number_range
from localstack.demo.replay.returns import match_returns, return_lines
from localstack.demo.replay.sales import clean_sales


def test_of_the_days_returns_one_has_its_sale():
    sales = clean_sales()
    parcels, left_out = match_returns(return_lines(), sales, sales)
    (parcel,) = parcels
    assert (parcel.invoice, parcel.sale.invoice, parcel.pieces) == ("C536506", "536488", {"22960": 6})
    assert parcel.pence == 6 * 425
    assert len(left_out) == 9
    assert [left.reason for left in left_out if left.row.sku == "D"] == ["a discount, no goods"]


def test_no_more_comes_back_than_was_sold_before():
    sales = clean_sales()
    (six,) = [line for line in return_lines() if line.invoice == "C536506"]
    parcels, left_out = match_returns([six, six], sales, sales)
    assert (len(parcels), len(left_out)) == (1, 1)
    parcels, left_out = match_returns([six], sales, sales[:1])
    assert (parcels, left_out[0].reason) == ([], "its sale 536488 is not among those replayed")


def test_missing_invoice_numbers_show():
    assert number_range(["2026-000007", "2026-000009"]) == {"2026-000007", "2026-000008", "2026-000009"}
    assert number_range(["2026-000999", "2027-000001"]) == {"2026-000999", "2027-000001"}


def test_sixty_one_real_sales_and_their_return_come_out_to_the_penny(local, capsys):
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
