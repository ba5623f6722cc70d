"""The machine a run stands on: runner files, the log, the terminal, the workspace."""
