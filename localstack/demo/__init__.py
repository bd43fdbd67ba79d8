"""`make demo`: shoppers who buy from the local cloud, and a replay of real sales."""
