"""What will be done: planning, preflight checks, comparing, history, setup and pruning."""
