"""The process around the code: AWS clients, clock, logs and metrics, secrets, settings."""
