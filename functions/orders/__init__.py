"""Orders: from placed to paid, and every way an order may end."""
