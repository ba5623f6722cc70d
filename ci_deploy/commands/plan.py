"""`plan`: all of deploy's reads and checks, and the very plan that deploy would execute; writes nothing."""

from .call import run_one as run

__all__ = ["run"]
