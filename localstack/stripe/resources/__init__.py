"""The API's resources: one module per resource, with its routes and rules."""
