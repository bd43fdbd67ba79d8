"""The reason codes whose wording depends on who reads them."""

# Declines whose reason a cardholder must not learn: they get the general sentence.
# https://docs.stripe.com/declines/codes
CONFIDENTIAL_DECLINES = frozenset(
    {"fraudulent", "lost_card", "merchant_blacklist", "pickup_card", "stolen_card"}
)
