"""What the API has: one module a noun, each with its routes and its rules."""
