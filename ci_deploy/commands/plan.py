"""`plan`: all of deploy's reads and checks, and the very plan that deploy would execute; writes nothing."""

from .call import run

__all__ = ["run"]
