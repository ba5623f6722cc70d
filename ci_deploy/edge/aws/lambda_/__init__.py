"""Lambda: functions and aliases, and the versions that `prune` lists and deletes."""
