"""Impure: one outside thing for each file or folder. Adapts `ports` and decides nothing."""
