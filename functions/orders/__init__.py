"""Orders, from placement to payment, delivery, return and refund."""
