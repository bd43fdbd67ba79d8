"""Orders, from placement to payment, shipment, return and refund."""
