"""The stages of a rollout, one file for each part of its way."""
