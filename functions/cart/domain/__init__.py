"""The rules of a cart and of its price: pure, exact, in whole minor units."""
