"""The rules of money: pure, without AWS, HTTP or tables."""
