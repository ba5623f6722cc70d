"""CodeDeploy: deployments, what its answers mean, and what `setup` creates."""
