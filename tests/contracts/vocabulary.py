"""The retired words of the project, with their replacements and scopes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """Identifiers that are retired in files whose path starts with one of `scope`, with their replacements.

    `allowed` are path prefixes inside the scope where the word is right, for example because Stripe, AWS
    or the public API uses it.
    """

    retired: tuple[str, ...]
    use: str
    scope: tuple[str, ...]
    allowed: tuple[str, ...]


def term(retired: str, use: str, *, scope: str = "", allowed: str = "") -> Term:
    """Return a term; words and path prefixes are separated by spaces."""
    return Term(tuple(retired.split()), use, tuple(scope.split()) or ("",), tuple(allowed.split()))


STRIPE = "localstack/stripe tests/localstack"

# Names of modules, classes, functions, fields and variables.
TERMS = (
    # Events and commands between services
    term("SAID SAID_BY said", "EVENTS, PUBLISHED_BY, published"),
    term("hears heard hear", "subscribes_to, handlers, receive, received"),
    term("Ask ask asks asked asking question questions", "Command, call, send, request, requested"),
    term("Declined", "CommandRejected (declined is for cards)", allowed=STRIPE),
    term("Fact Facts facts OrderFacts PaymentFacts", "EventData, OrderData, order_data"),
    term("telling told Told _told tell tells", "event_data, domain_events, delivery, PendingEvent"),
    term("news", "events, notifications"),
    # Orders and payments
    term(
        "settle settles settled settling",
        "what it does: sync_from_stripe, decide_return, finalize, record_outcome, save_placed",
    ),
    term("tending tend tends", "sweeper, follow_up"),
    term("Account accounts", "PaymentTotals, payment_totals", scope="functions/orders"),
    term("given_back money_back MONEY_BACK", "refunded"),
    term("promised", "refund_reserved (payments), queued (notify)"),
    term("not_returned recalled", "refund_failed, refund_reversed"),
    term("to_capture all_left unwanted", "capture_due, fully_shipped, cancel_requested"),
    term("make_way relieve relieved let_go lets_go", "cancel_for_replacement, release_replaced, void"),
    term("parcel parcels shipment shipments Parcel Shipment", "fulfilment, Fulfilment"),
    term("sent_back SentBack goods_back", "return_, Return"),
    term("slot slots Slot", "active_payment, active_payments, ActivePayment"),
    term("moves Move RETURN_MOVES MOVES", "transitions, Transition", scope="functions/orders tests/orders"),
    term(
        "Happening happenings H", "TimelineEvent", scope="functions/orders tests/orders tests/simulator ops"
    ),
    term("worth", "amount_receivable"),
    term(
        "ENOUGH LEAST PATIENCE LEAD KEPT ACCESS_LASTS",
        "MIN_SECONDS_LEFT, STRIPE_DEADLINE, EXPIRY_NOTICE, IDEMPOTENCY_TTL, ACCESS_TOKEN_TTL",
    ),
    term("comparison comparisons", "reconciliation (with Stripe), audit (ops)"),
    # Shared
    term(
        "rivals rival again_when contended overtaken Overtaken Contended",
        "concurrency, concurrent, retry_on, ConcurrentUpdate, VersionConflict",
    ),
    term("doublings DOUBLINGS", "max_doublings"),
    term("Once OnceRow", "IdempotencyStore, IdempotencyRow"),
    term("ShopError", "Problem"),
    term("money_text", "format_money, money_format"),
    # Catalog and cart
    term("shelves shelf Lack lacks lacking", "inventory, Shortage, shortages"),
    term("entomb last_words learn hold_all", "tombstone, removal_data, upsert_replica, reserve"),
    term(
        "charges Held spread showing why_not Refusal",
        "rates, CouponState, allocate, views, ineligibility, Ineligible",
        scope="functions/cart tests/cart",
    ),
    # Notify
    term("letter letters Letter Letters", "message (the content), notification (the record), email"),
    term("mail mails Mail", "email", scope="functions ops tests infra"),
    term("by_hand outgoing", "staff_messages, dispatch"),
    term(
        "matter outlasts objection readers Reader",
        "subject_id, dedupe_key, superseded, suppression_reason, recipients",
    ),
    term("Enclosure enclosures enclose encloses", "Attachment, attachments"),
    term("texter Unsent", "sms_client, TemporaryFailure"),
    term("Rejected", "PermanentFailure", scope="functions/notify tests/notify"),
    # Tests and the local cloud
    term(
        "house belts scenes draws till bookkeeper",
        "simulator, queues, scenarios, strategies, payments_driver, reconciliation_driver",
    ),
    term("EMAILS_THAT_ARE_NONE", "INVALID_EMAILS"),
    term(
        "specimen specimens verdict verdicts Courier _heart _beat",
        "samples, decisions, WebhookSender, _thread, _run",
    ),
)

# Module names that are retired, by the part of the repository where they are.
MODULES = {
    "functions": {
        "front": "root",
        "outbox": "stream_relay",
        "plain": "text",
        "moment": "timestamps",
        "observe": "observability",
        "given": "responses",
        "taken": "requests",
    },
    "functions/shared": {"inbox": "consumers", "questions": "commands", "invoke": "rpc"},
    "functions/orders": {"ending": "cancellation", "moves": "transitions", "changing": "updating"},
    "functions/notify": {"promised": "staff_messages", "parts": "sms_segments", "readers": "recipients"},
    "localstack": {"specimens": "samples", "verdicts": "decisions"},
}

# Words and phrases of docstrings, comments, log events and documentation.
PHRASES = {
    "told": "notified, published, recorded",
    "tells": "notifies, publishes, returns",
    "heard": "received, handled",
    "hears": "subscribes to, receives, handles",
    "said": "published, returned, or the name of the field",
    "asked": "requested, called",
    "news": "events",
    "anew": "again",
    "how manieth": "the attempt number",
    "in vain": "without effect, unsuccessfully",
    "of which": "a new sentence",
    "lets go of": "releases",
    "let go of": "release",
    "gives back": "refunds, returns, releases",
    "give back": "refund, return, release",
    "given back": "refunded, returned, released",
    "what is left": "the remainder, the remaining amount",
    "by hand": "by staff, manually",
    "hearsay": "cached",
    "overtaken": "superseded, outdated",
    "rival": "concurrent request",
    "rivals": "concurrent requests",
    "settle": "what it does: synchronize, decide, finalize, record",
    "settles": "what it does: synchronizes, decides, finalizes, records",
    "settled": "what happened: synchronized, decided, finalized, recorded",
    "tending": "following up",
    "parcel": "fulfilment",
    "parcels": "fulfilments",
    "shelf": "inventory, stock",
    "shelves": "inventory, stock",
    "letter": "message, email, notification",
    "letters": "messages, emails, notifications",
    "specimen": "sample",
    "specimens": "samples",
    "verdict": "decision",
    "verdicts": "decisions",
}
