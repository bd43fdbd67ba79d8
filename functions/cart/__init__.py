"""The cart service: what a shopper means to buy, and what that will cost delivered."""
