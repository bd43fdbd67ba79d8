"""Stripe's reason codes, copied from its documentation."""

# https://docs.stripe.com/declines/codes
DECLINE_CODES = """
    authentication_required approve_with_id call_issuer card_not_supported card_velocity_exceeded
    currency_not_supported do_not_honor do_not_try_again duplicate_transaction expired_card fraudulent
    generic_decline incorrect_address incorrect_cvc incorrect_number incorrect_pin incorrect_zip
    insufficient_funds invalid_account invalid_amount invalid_cvc invalid_expiry_month invalid_expiry_year
    invalid_number invalid_pin issuer_not_available lost_card merchant_blacklist
    mobile_device_authentication_required new_account_information_available no_action_taken not_permitted
    offline_pin_required online_or_offline_pin_required pickup_card pin_try_exceeded processing_error
    reenter_transaction restricted_card revocation_of_all_authorizations revocation_of_authorization
    security_violation service_not_allowed stolen_card stop_payment_order test_mode_live_card testmode_decline
    transaction_not_allowed try_again_later withdrawal_count_limit_exceeded
""".split()

# https://docs.stripe.com/error-codes: errors of confirmations and captures that have no decline code
ERROR_CODES = """
    amount_too_large amount_too_small capture_charge_authorization_expired capture_unauthorized_payment
    card_decline_rate_limit_exceeded card_declined charge_already_captured charge_already_refunded
    charge_disputed charge_exceeds_transaction_limit charge_expired_for_capture charge_invalid_parameter
    expired_payment_method payment_intent_authentication_failure payment_intent_payment_attempt_expired
    payment_intent_payment_attempt_failed payment_intent_unexpected_state payment_method_customer_decline
    payment_method_not_available payment_method_provider_decline payment_method_provider_timeout
""".split()

# https://docs.stripe.com/api/refunds/object#refund_object-failure_reason, and error codes of refunds
REFUND_FAILURES = """
    balance_insufficient charge_already_refunded charge_disputed charge_for_pending_refund_disputed declined
    expired_or_canceled_card insufficient_funds lost_or_stolen_card merchant_request refund_disputed_payment
""".split()

# https://docs.stripe.com/api/disputes/object#dispute_object-reason
DISPUTE_REASONS = """
    bank_cannot_process check_returned credit_not_processed customer_initiated debit_not_authorized duplicate
    fraudulent general incorrect_account_details insufficient_funds noncompliant product_not_received
    product_unacceptable subscription_canceled unrecognized
""".split()

# https://docs.stripe.com/api/disputes/object#dispute_object-status
DISPUTE_STATUSES = """
    appeal_needs_response appeal_under_review lost needs_response prevented under_review warning_closed
    warning_needs_response warning_under_review won
""".split()
