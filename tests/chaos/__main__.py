"""`python -m tests.chaos SEED` replays one whole run; `FIRST LAST` plays a range on both cores and counts the ends."""

from __future__ import annotations

import sys
from collections import Counter
from multiprocessing import Pool

from .play import run


def main() -> None:
    numbers = [int(text) for text in sys.argv[1:]]
    if len(numbers) == 1:
        print(run(range(numbers[0], numbers[0] + 1)))
        return
    first, last = numbers
    parts = [range(at, min(last, at + 25)) for at in range(first, last, 25)]
    ends: Counter[str] = Counter()
    with Pool(2) as pool:
        for part in pool.imap_unordered(run, parts):
            ends.update(part)
    for end, count in ends.most_common():
        print(f"{count:5}  {end}")
    print(f"{sum(ends.values())} whole runs, {len(ends)} distinct ends")


if __name__ == "__main__":
    main()
