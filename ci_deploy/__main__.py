"""The process: the only place that reads the environment of the process and ends it."""

from . import compiled, signals

signals.hold()  # before the imports, which take a good part of a second
compiled.use()

import gc  # noqa: E402

# Nothing that is imported becomes garbage, and looking for some takes a tenth of the time until the first call.
gc.set_threshold(100_000, 50, 50)

import os  # noqa: E402
import sys  # noqa: E402
from pathlib import Path  # noqa: E402


def main(arguments: list[str] | None = None, command: str = "") -> None:
    """Run, flush, and be gone: no thread that still waits for an answer keeps the process alive."""
    from .app import run

    try:
        code = run(sys.argv[1:] if arguments is None else arguments, dict(os.environ), Path.cwd(), command=command)
    except SystemExit as end:  # `--help`, a flag that there is not, a signal at a question
        code = int(end.code or 0)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
