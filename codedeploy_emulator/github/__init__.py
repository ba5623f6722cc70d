"""GitHub's part: the REST API that a deployment tool uses, and the OIDC endpoint of a job."""
