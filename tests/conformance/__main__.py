"""`python -m tests.conformance ENDPOINT [--speed N] [--only NAME…]`: every claim, what was seen, and a clean account.

ENDPOINT is a URL, or `aws` for the account of boto3's own credentials. `--clean` deletes what a run that was killed has
left, and does nothing else.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Sequence

from . import of_codedeploy, of_lambda
from .account import Account
from .claims import Claim

CLAIMS: tuple[Claim, ...] = (*of_lambda.CLAIMS, *of_codedeploy.CLAIMS)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when every claim holds."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("endpoint")
    parser.add_argument("--speed", type=float, default=1.0, help="how much faster than ours the account's time goes")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="these claims")
    parser.add_argument("--clean", action="store_true", help="only delete what is left")
    given = parser.parse_args(arguments)
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    endpoint = None if given.endpoint == "aws" else given.endpoint
    account = Account(endpoint, region, lambda seconds: time.sleep(seconds / given.speed))
    for text in account.clean():
        print(f"deleted {text}, left by an earlier run")
    if given.clean:
        return 0
    try:
        return _check(account, [claim for claim in CLAIMS if not given.only or claim.name in given.only])
    finally:
        print(f"deleted {len(account.clean())} resources")


def _check(account: Account, claims: Sequence[Claim]) -> int:
    wrong = 0
    for claim in claims:
        try:
            seen = claim.observe(account)
            good = claim.holds(seen)
        except Exception as error:  # noqa: BLE001 - one scene that breaks must not hide what the others show
            seen, good = f"{type(error).__name__}: {error}", False
        wrong += not good
        print(f"{'✓' if good else '✗'} {claim.name}: {claim.says}")
        if not good or not claim.confirmed:
            print(f"    seen: {seen!r}{'' if claim.confirmed else ' (several answers conform)'}")
        if not good:
            print(f"    accepted: {', '.join(map(repr, claim.accepts))}\n    source: {claim.source}")
    print(f"{len(claims) - wrong} of {len(claims)} claims hold")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
