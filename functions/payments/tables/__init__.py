"""The tables of payments; no other module accesses them."""
