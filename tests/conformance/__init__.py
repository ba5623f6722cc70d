"""What is claimed about CodeDeploy for Lambda, and about Lambda's versions and aliases: checked against any endpoint.

`python -m tests.conformance ENDPOINT` runs it; docs/conformance.md says how to run it in an account of one's own.
"""
