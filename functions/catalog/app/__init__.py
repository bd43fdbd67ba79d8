"""The entry points: one module per Lambda function, so that each imports only what it uses."""
