"""One file for each output. Reporters consume events and nothing else."""
