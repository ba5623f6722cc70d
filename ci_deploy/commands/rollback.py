"""`rollback`: stop what runs, with rollback; else deploy the version that was served before, or the one asked for."""

from .call import run

__all__ = ["run"]
