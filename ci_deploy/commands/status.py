"""`status`: what the alias serves, what runs, and the history; with `wait` it re-attaches and follows. Reads only."""

from .call import run

__all__ = ["run"]
