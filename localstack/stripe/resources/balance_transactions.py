"""Balance transactions: credits and debits of the shop's balance, without fees.

Source: https://docs.stripe.com/reports/balance-transaction-types
"""

from localstack.stripe import ids
from localstack.stripe.errors import Object
from localstack.stripe.paging import page
from localstack.stripe.routing import Params, Route
from localstack.stripe.unit import Unit

# By reporting category.
_TYPES = {
    "charge": "charge",
    "refund": "refund",
    "refund_failure": "refund_failure",
    "dispute": "adjustment",
    "dispute_reversal": "adjustment",
}


def record(unit: Unit, category: str, amount: int, source: Object) -> Object:
    """Record a credit, or a debit if `amount` is negative, caused by `source`."""
    transaction: Object = {
        "id": ids.new("txn"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": unit.timestamp,
        "balance_type": "payments",
        "created": unit.timestamp,
        "currency": source["currency"],
        "description": None,
        "exchange_rate": None,
        "fee": 0,
        "fee_details": [],
        "net": amount,
        "reporting_category": category,
        "source": source["id"],
        "status": "available",
        "type": _TYPES[category],
    }
    unit.save(transaction)
    return transaction


def retrieve(unit: Unit, params: Params, id_: str) -> Object:
    return unit.get("balance_transaction", id_)


def list_all(unit: Unit, params: Params) -> Object:
    equal = ("currency", "source", "type")
    return page(unit, "balance_transaction", params, "/v1/balance_transactions", equal)


ROUTES = [
    Route("GET", "/v1/balance_transactions", list_all, "BalanceTransactionListParams"),
    Route("GET", "/v1/balance_transactions/{id}", retrieve, "BalanceTransactionRetrieveParams"),
]
