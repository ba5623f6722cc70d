"""`stop`: stop the running deployment, with or without rollback, and follow that to its end."""

from .call import run

__all__ = ["run"]
