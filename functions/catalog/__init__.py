"""Catalog: what is sold, at what price, and how much of it there is."""
