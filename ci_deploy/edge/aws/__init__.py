"""AWS through boto3: the client and its retries here, one folder for each service with more than one file."""
