"""The request and response models of orders' API."""
