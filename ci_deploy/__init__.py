"""Deploy AWS Lambda functions through CodeDeploy, from CI or by hand."""

__version__ = "0.1.0"
