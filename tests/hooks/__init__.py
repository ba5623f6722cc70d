"""Runs whose emulator is slower than that of tests/e2e: a process has one emulator at a time."""
