"""The hold: the tag of a function that makes deployments refuse."""

from __future__ import annotations

import pytest

from ci_deploy.core.hold import held, tag, value
from ci_deploy.core.run import Context


def test_each_alias_has_a_hold_of_its_own() -> None:
    tags = {tag("live"): "by alice - prices are wrong", "ci-deploy:hold:beta": "", "live": "x"}
    assert tag("live") == "ci-deploy:hold:live"
    assert held(tags, "live") == "by alice - prices are wrong"
    assert held(tags, "beta") == ""
    assert held(tags, "blue") is None


@pytest.mark.parametrize(
    ("context", "reason", "said"),
    [
        (Context(actor="alice", run_id=7), "prices are wrong", "by alice run 7 - prices are wrong"),
        (Context(actor="alice"), "prices", "by alice - prices"),
        (Context(run_id=7), "prices", "run 7 - prices"),
        (Context(), "prices", "- prices"),
        (Context(), "50 % off: a/b, c=d + e@f_g", "- 50 _ off: a/b_ c=d + e@f_g"),
        (Context(actor="bot[bot]"), "für\n\tuns ", "by bot_bot_ - f_r__uns"),
        (Context(), "x" * 300, "- " + "x" * 254),
        (Context(), "x" * 253 + " y", "- " + "x" * 253),
    ],
)
def test_who_holds_and_why_is_written_in_the_letters_that_a_tag_may_have(
    context: Context, reason: str, said: str
) -> None:
    assert value(context, reason) == said
