"""Tests of CodeDeploy for Lambda: its API, its engine, its errors, and what recordings settled."""
