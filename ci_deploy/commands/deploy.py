"""`deploy`: read the facts, plan, publish, upload, create, follow to the end, verify on the alias."""

from .call import run

__all__ = ["run"]
