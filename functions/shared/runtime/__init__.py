"""The process: AWS clients, clock, logs and metrics, secrets, settings."""
