"""The state machine: `release.step` and everything it is made of."""
