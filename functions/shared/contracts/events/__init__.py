"""The events that services publish, one module per publisher, each type a frozen model."""
