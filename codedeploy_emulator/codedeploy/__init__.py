"""CodeDeploy for Lambda: what it answers (api), and how a deployment goes (model)."""
