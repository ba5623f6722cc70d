"""What guards say to people: verdicts with both versions' numbers, minutes, what a plan will be able to see.

Pure; no judgment is made here.
"""

from __future__ import annotations

from ..reasons.phrases import capital
from .grammar import Guard
from .judging import Judgment, Phase, Verdict, Why
from .power import BAD, Foresight
from .queries import Subject
from .series import Count, Durations, Minute

NOT_SEEN = "Guards see errors that Lambda counts: not HTTP 5xx answers, and not partial batch failures."
NO_TRAFFIC = "No call reached version {new}. This deployment was a timer, not a test."


def percent(share: float) -> str:
    """A share (0 to 1) in percent: whole from 10% on, one decimal from 1% on, one digit below."""
    value = share * 100
    if 0 < value < 0.001:
        return "under 0.001%"
    if value >= 10:
        return f"{value:.0f}%"
    text = f"{value:.1f}" if value >= 1 else f"{value:.1g}"
    return f"{text.removesuffix('.0')}%"


def shares(count: Count) -> str:
    """`14 of 52`, with the thousands parted."""
    return f"{count.bad:,} of {count.calls:,}"


def numbers(judgment: Judgment, subject: Subject) -> str:
    """Both versions' numbers: what a verdict rests on."""
    new, old = judgment.new, judgment.old
    verb, over = "failed", ""
    if judgment.threshold is not None:
        verb, over = "took longer", f" than {judgment.threshold:,.10g} ms"
    if judgment.phase is Phase.AFTER:
        return (
            f"{shares(new)} calls of version {subject.new} {verb}{over}, {percent(new.share)}, after all traffic had "
            f"moved; in the hour before the deployment: {shares(old)}, {percent(old.share)}"
        )
    return (
        f"{shares(new)} calls of version {subject.new} {verb}{over}, {percent(new.share)}; "
        f"version {subject.old}: {shares(old)}, {percent(old.share)}"
    )


def verdict(judgment: Judgment, subject: Subject, function_timeout: float = 0.0) -> str:
    """One or two sentences: the guard, its verdict, and the numbers. `function_timeout` in seconds, 0 if unknown."""
    if judgment.verdict is Verdict.VIOLATED:
        return f"`{judgment.guard.limit}` is violated: {numbers(judgment, subject)}."
    if judgment.verdict is Verdict.HELD:
        return f"`{judgment.guard.limit}` held: {numbers(judgment, subject)}.{_although(judgment)}"
    return f"`{judgment.guard.limit}` is inconclusive: {_why(judgment, subject, function_timeout)}"


def _although(judgment: Judgment) -> str:
    """Why a guard holds although the numbers are past its limit; nothing where they are not."""
    allowed = judgment.guard.allowed
    limit = judgment.guard.value * judgment.old.share if allowed is None else allowed
    if judgment.new.share <= limit or judgment.visible is None:
        return ""
    return (
        f" That is past the limit, but so few {_bad(judgment.guard)} calls may be chance: only "
        f"{_rates(judgment.guard)} above {percent(judgment.visible)} would be certain."
    )


def _bursts(judgment: Judgment) -> str:
    """How large the bursts are that counts were divided by."""
    return f"{_bad(judgment.guard)} calls come in bursts of about {max(2, round(judgment.bursts)):,}"


def _bad(guard: Guard) -> str:
    return "slow" if guard.percentile else "failed"


def _rates(guard: Guard) -> str:
    return "shares of slow calls" if guard.percentile else "error rates"


def _why(judgment: Judgment, subject: Subject, function_timeout: float) -> str:
    if judgment.why is Why.UNREADABLE:
        return "the metrics could not be read."
    if judgment.why is Why.NO_MINUTE:
        return "no minute could be judged. CloudWatch's numbers need two minutes to arrive."
    if judgment.why is Why.NO_HOUR:
        return f"version {subject.old} had no calls in the hour before, so there is nothing to compare with."
    if judgment.why is Why.NO_CALLS:
        if function_timeout > 60:
            return (
                f"no call of version {subject.new} has *finished* yet; the function may run {function_timeout:.0f} s."
            )
        return NO_TRAFFIC.format(new=subject.new)
    if judgment.why is Why.NO_BASELINE:
        had = "the hour before" if judgment.phase is Phase.AFTER else f"version {subject.old}"
        return f"{had} had no calls to compare with. {capital(numbers(judgment, subject))}."
    if judgment.why is Why.BOTH_FAIL:
        return f"both versions are past the limit. {capital(numbers(judgment, subject))}."
    if judgment.why is Why.BURSTS:
        seen = "in the hour before the deployment" if judgment.habitual else f"in version {subject.new} itself"
        return (
            f"more than the limit, but perhaps by chance. {capital(_bursts(judgment))} ({seen}), and so few of them "
            f"prove nothing. {capital(numbers(judgment, subject))}."
        )
    if judgment.why is Why.SUSPECT:
        return f"more than the limit, and too few calls to be sure. {capital(numbers(judgment, subject))}."
    calls = f"{judgment.new.calls:,} call{'' if judgment.new.calls == 1 else 's'} of version {subject.new}"
    because = f", as {_bursts(judgment)}" if judgment.bursts > 1 else ""
    return f"{calls} {_would_show(judgment.visible, judgment.guard, because)} {capital(numbers(judgment, subject))}."


def _would_show(visible: float | None, guard: Guard, because: str) -> str:
    if visible is None:
        return f"cannot show any {_rates(guard)}{because}."
    shown = f"can show {_rates(guard)} above {percent(visible)} only{because}"
    return f"{shown}; {percent(BAD)} is what a guard needs to hold."


def foreseen(guard: Guard, foresight: Foresight) -> str:
    """What a plan says: how many calls the new version will meet, and what they can show."""
    calls = round(foresight.new_calls)
    if foresight.minutes == 0:
        return f"`{guard.limit}` cannot be judged: all traffic moves at once. Set `bake: 10m` to watch it afterwards."
    met = f"about {calls:,} call{'' if calls == 1 else 's'} while traffic is split"
    if foresight.after_calls:
        met += f", {round(foresight.after_calls):,} after it has moved"
    seen = (
        f"can see {_rates(guard)} above {percent(foresight.visible)}"
        if foresight.visible is not None
        else "can see nothing"
    )
    text = f"`{guard.limit}` will judge {foresight.minutes} minutes with {met}: it {seen}."
    if foresight.moved >= 100:
        return f"{text} All traffic has moved by the first judgment."
    return f"{text} {foresight.moved:g}% of traffic has moved by the first judgment."


def versions(
    new: Count, old: Count, subject: Subject, new_durations: Durations | None, old_durations: Durations | None
) -> str:
    """One row for both versions, `new` first; durations are None without calls."""
    return " · ".join(
        f"version {version}: {count.calls:,} call{'' if count.calls == 1 else 's'}, "
        f"{count.bad:,} error{'' if count.bad == 1 else 's'}"
        + (f" ({percent(count.share)})" if count.bad else "")
        + (f", p50 {took.p50:,.0f} ms, p99 {took.p99:,.0f} ms" if took is not None else "")
        for version, count, took in ((subject.new, new, new_durations), (subject.old, old, old_durations))
    )


def minute(judged: Minute, subject: Subject, throttles: int = 0) -> str:
    """One judged minute, without its time; `throttles` are the alias's."""
    text = versions(judged.new, judged.old, subject, None, None)
    return f"{text} · {throttles:,} throttled" if throttles else text
