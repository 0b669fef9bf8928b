"""Error budgets of 1 %: the fast pair of windows burns at 14.4 and 6 times its rate, the slow one at 3 and 1.

A pair fires while both of its windows are beyond its rate. Where only the long one is, the trouble is over.
"""

from __future__ import annotations

from typing import Any

from promtool.cases.case import FIRING, PENDING, QUIET, Case, histogram, scraped
from promtool.cases.traffic import custom, triton, vllm
from promtool.harness import ONE, Series

HOUR = 60
FAST, SLOW = "ModelErrorBudgetFastBurn", "ModelErrorBudgetSlowBurn"
AVAILABLE = {"slo": "available"}


def counter(*paces: tuple[int, int]) -> str:
    """A counter: so many minutes at so many a minute, one pace after the other."""
    parts, value = ["0"], 0
    for minutes, pace in paces:
        parts.append(f"{value + pace}+{pace}x{minutes - 1}")
        value += minutes * pace
    return " ".join(parts)


def share(bad: float, minutes: int = 2 * HOUR, total: int = 1000) -> Series:
    """Requests of which the same share has failed all the time."""
    return custom(counter((minutes, total)), counter((minutes, round(bad * total))))


def bad(*shares: tuple[int, float], traffic: tuple[tuple[int, int], ...] | None = None) -> Series:
    """So many hours of which such a share of the requests has failed, one after the other."""
    minutes = sum(span for span, _ in shares)
    total = counter(*(traffic or ((minutes, 10000),)))
    return custom(total, counter(*((span, round(share * 10000)) for span, share in shares)))


QUIET_NIGHT = counter(*[(14, 0), (1, 1)] * 20)
"""A request each quarter of an hour."""
# An hour of one in five is at 14.4 % after 43 minutes, the six hours around it would be at 6 % after 108. Then the five
# minutes come to a little more, and a little less, than 14.4 %.
HOUR_AND_FIVE_MINUTES = bad((360, 0), (50, 0.2), (20, 0.15), (30, 0.135), (60, 0))
# One in ten, which the pair of the hour does not mind: six hours are at 6 % after 216 minutes. Then the half hour comes
# to a little more, and a little less.
SIX_HOURS_AND_HALF_AN_HOUR = bad((360, 0), (260, 0.1), (60, 0.0635), (60, 0.057), (60, 0))
# Two hours of a hundred times as many requests, all good, hold down what three days come to; a day is beyond 3 % when
# those hours are no part of it. Then two hours come to a little less.
DAY_AND_TWO_HOURS = bad(
    (2 * HOUR, 0),
    (26 * HOUR, 0.0325),
    (4 * HOUR, 0.028),
    traffic=((2 * HOUR, 1000000), (30 * HOUR, 10000)),
)
# One in 50 fails after 30 good hours: never 3 %, but 1 % of all after 30 hours more. Then six hours come to a little more,
# and a little less.
THREE_DAYS_AND_SIX_HOURS = bad((30 * HOUR, 0), (33 * HOUR, 0.02), (7 * HOUR, 0.0106), (7 * HOUR, 0.0095))
# Again two hours of a hundred times as many: three days are beyond 1 % when those hours are no part of it.
NO_MORE_THAN_THREE_DAYS = bad((2 * HOUR, 0), (74 * HOUR, 0.02), traffic=((2 * HOUR, 1000000), (74 * HOUR, 10000)))

BURNS = [
    Case(
        FAST,
        "fires",
        share(0.2),
        {4: QUIET, 5: PENDING, 6: PENDING, 7: FIRING, 60: FIRING},
        "objectives",
        AVAILABLE,
        says="20%",
        signal="availability",
    ),
    Case(FAST, "does not fire", share(0.059), {8: QUIET, 60: QUIET, 119: QUIET}, "objectives"),
    Case(
        FAST,
        "fires within an hour, and not when only the hour is bad",
        HOUR_AND_FIVE_MINUTES,
        {360: QUIET, 400: QUIET, 405: PENDING, 410: FIRING, 430: FIRING, 440: QUIET, 455: QUIET, 500: QUIET},
        "objectives",
        AVAILABLE,
        step=5,
        signal="availability",
    ),
    Case(
        FAST,
        "fires within six hours, and not when only they are bad",
        SIX_HOURS_AND_HALF_AN_HOUR,
        {430: QUIET, 575: QUIET, 580: PENDING, 585: FIRING, 695: FIRING, 700: QUIET, 790: QUIET},
        "objectives",
        AVAILABLE,
        step=5,
        signal="availability",
    ),
    Case(
        FAST,
        "recovers",
        custom(counter((120, 1000)), counter((30, 200), (90, 0))),
        {30: FIRING, 60: QUIET},
        "objectives",
        AVAILABLE,
        signal="availability",
    ),
    Case(
        SLOW,
        "fires",
        share(0.04),
        {4: QUIET, 5: PENDING, 19: PENDING, 20: FIRING, 60: FIRING},
        "objectives",
        AVAILABLE,
        says="4%",
        signal="availability",
    ),
    Case(SLOW, "does not fire", share(0.009), {21: QUIET, 119: QUIET}, "objectives"),
    Case(
        SLOW,
        "fires within a day, and not when only the day is bad",
        DAY_AND_TWO_HOURS,
        {
            10 * HOUR: QUIET,
            25 * HOUR: QUIET,
            27 * HOUR: FIRING,
            29 * HOUR + 5: FIRING,
            29 * HOUR + 10: QUIET,
            32 * HOUR: QUIET,
        },
        "objectives",
        AVAILABLE,
        step=5,
        signal="availability",
    ),
    Case(
        SLOW,
        "fires within three days, and not when only they are bad",
        THREE_DAYS_AND_SIX_HOURS,
        {36 * HOUR: QUIET, 59 * HOUR: QUIET, 62 * HOUR: FIRING, 73 * HOUR + 15: FIRING, 73 * HOUR + 20: QUIET},
        "objectives",
        AVAILABLE,
        step=5,
        signal="availability",
    ),
    Case(
        SLOW,
        "fires for three days and not for more",
        NO_MORE_THAN_THREE_DAYS,
        {73 * HOUR: QUIET, 75 * HOUR: FIRING},
        "objectives",
        AVAILABLE,
        step=5,
        signal="availability",
    ),
    Case(
        SLOW,
        "recovers",
        custom(counter((120, 1000)), counter((30, 20), (90, 0))),
        {30: FIRING, 119: QUIET},
        "objectives",
        AVAILABLE,
        signal="availability",
    ),
    Case(
        SLOW,
        "fires with a severity of its own",
        share(0.04),
        {20: FIRING},
        "changed",
        AVAILABLE,
        severity="info",
        signal="availability",
    ),
    Case(FAST, "is off where the spec says so", share(0.2), {20: QUIET}, "changed"),
    *(
        case
        for alert in (FAST, SLOW)
        for case in (
            Case(
                alert, "does not fire without requests", custom("7x120", "7x120"), {21: QUIET, 119: QUIET}, "objectives"
            ),
            Case(
                alert,
                "does not fire for the few requests of a quiet night",
                custom(QUIET_NIGHT),
                {30: QUIET, 90: QUIET, 200: QUIET},
                "objectives",
            ),
            Case(
                alert,
                "does not fire for the one or two requests that failed in a quiet night",
                custom(QUIET_NIGHT, counter((179, 0), (1, 1), (14, 0), (1, 1), (105, 0))),
                dict.fromkeys(range(180, 240, 2), QUIET),
                "objectives",
            ),
            Case(
                alert,
                "fires for a quiet night of which the last hour failed",
                custom(QUIET_NIGHT, counter((149, 0), *[(1, 1), (14, 0)] * 10)),
                {198: FIRING} if alert == FAST else {210: FIRING},
                "objectives",
                AVAILABLE,
                signal="availability",
            ),
            Case(alert, "does not fire before the first error", custom(counter((60, 1000))), {21: QUIET}, "objectives"),
            Case(alert, "is off where there is no objective", share(0.2), {21: QUIET}),
        )
    ),
]


def measured(metric: str, total: str, good: str, bound: str) -> Series:
    """A histogram of which so many are within a bound."""
    return histogram(metric, **{bound: good, "leinf": total}) | {scraped(f"{metric}_count"): total}


def _of(story: str, spec: str, slo: str, *, signal: str, bad: Series, good: Series, **more: Any) -> list[Case]:
    """A kind of indicator: both alerts, and neither of them."""
    labels = {"slo": slo}
    return [
        case
        for alert in (FAST, SLOW)
        for case in (
            Case(alert, f"fires for {story}", bad, {20: FIRING}, spec, labels, signal=signal, **more),
            Case(alert, f"does not fire for {story}", good, {20: QUIET, 60: QUIET}, spec, **more),
        )
    ]


TOTAL, SOME_BAD, FEW_BAD = "0+1000x120", "0+200x120", "0+8x120"
SOME_GOOD, MOST_GOOD = "0+800x120", "0+992x120"


def _of_duration(story: str, spec: str, slo: str, metric: str, bound: str) -> list[Case]:
    return _of(
        story,
        spec,
        slo,
        signal="latency",
        bad=measured(metric, TOTAL, SOME_GOOD, bound),
        good=measured(metric, TOTAL, MOST_GOOD, bound),
    )


INDICATORS = [
    *_of_duration("latency", "objectives", "prompt", "inference_latency_seconds", "le0_5"),
    *_of_duration("latency (vllm)", "vllm with objectives", "prompt", "vllm:e2e_request_latency_seconds", "le0_5"),
    *_of_duration(
        "the first token (vllm), whose bound is spelled 1.0",
        "vllm with objectives",
        "first-token",
        "vllm:time_to_first_token_seconds",
        "le1_0",
    ),
    *_of_duration(
        "latency in milliseconds (triton)",
        "triton with objectives",
        "prompt",
        "nv_inference_first_response_histogram_ms",
        "le500",
    ),
    *_of(
        "availability (vllm)",
        "vllm with objectives",
        "available",
        signal="availability",
        bad=vllm(SOME_GOOD, SOME_BAD),
        good=vllm(MOST_GOOD, FEW_BAD),
    ),
    *_of(
        "availability (triton)",
        "triton with objectives",
        "available",
        signal="availability",
        bad=triton(SOME_GOOD, SOME_BAD),
        good=triton(MOST_GOOD, FEW_BAD),
    ),
    *_of(
        "a ratio of bad events",
        "ratio of bad events",
        "few-bad",
        signal="slo-few-bad",
        bad={scraped("my_total"): TOTAL, scraped("my_bad_total"): SOME_BAD},
        good={scraped("my_total"): TOTAL, scraped("my_bad_total"): FEW_BAD},
        scopes=(ONE,),
    ),
    *_of(
        "a ratio of good events",
        "ratio of good events",
        "most-good",
        signal="slo-most-good",
        bad={scraped("my_total"): TOTAL, scraped("my_good_total"): SOME_GOOD},
        good={scraped("my_total"): TOTAL, scraped("my_good_total"): MOST_GOOD},
        scopes=(ONE,),
    ),
    *_of(
        "a ratio of events of which none is bad or good yet",
        "ratio of good events",
        "most-good",
        signal="slo-most-good",
        bad={scraped("my_total"): TOTAL},
        good={scraped("my_good_total"): TOTAL},
        scopes=(ONE,),
    ),
]

CASES = (*BURNS, *INDICATORS)
