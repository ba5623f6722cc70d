"""The process: the only place that reads the environment of the process and ends it."""

import os
import sys
from pathlib import Path

from .app import run


def main() -> None:
    """Run, flush, and be gone: no thread that still waits for an answer keeps the process alive."""
    code = run(sys.argv[1:], dict(os.environ), Path.cwd())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
