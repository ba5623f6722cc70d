"""What CodeDeploy remembers, and the lifecycle of a deployment as a pure function of time."""
