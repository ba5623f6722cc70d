"""The checks before anything is written: pure functions over what was read."""
