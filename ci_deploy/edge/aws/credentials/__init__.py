"""Whose credentials are used, and what botocore reads to find them."""
