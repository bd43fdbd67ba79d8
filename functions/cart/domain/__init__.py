"""The rules of carts, coupons and prices: pure, exact, in whole minor units."""
