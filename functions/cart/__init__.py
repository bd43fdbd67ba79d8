"""The cart service: carts, coupons, shipping methods, tax rates, and the quotes computed from them."""
