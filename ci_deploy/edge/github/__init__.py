"""GitHub: its REST API and its OIDC tokens."""
