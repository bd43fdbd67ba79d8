"""The API's two documents, built from the routes: API Gateway's and the public OpenAPI 3.1."""
