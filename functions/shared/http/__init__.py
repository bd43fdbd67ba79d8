"""HTTP: routes, requests, responses, callers, pages and health checks."""
