"""Requests: do they succeed, in time, and is there anything to see of them?"""

from __future__ import annotations

from promtool.cases.case import FIRING, P1, P2, PENDING, QUIET, Case, histogram, scraped, up
from promtool.harness import ONE, Series

SLOW = {"le0_9": "0+0x120", "le1": "0+54x120", "le1_1": "0+60x120", "leinf": "0+60x120"}
"""The 95th percentile is 1.05 seconds."""
QUICK = {"le0_9": "0+54x120", "le1": "0+60x120", "le1_1": "0+60x120", "leinf": "0+60x120"}
"""0.95 seconds."""
MENDED = {
    "le0_9": "0+0x40 0+54x80",
    "le1": "0+54x40 2160+60x80",
    "le1_1": "0+60x40 2400+60x80",
    "leinf": "0+60x40 2400+60x80",
}


def custom(requests: str, errors: str | None = None, pod: str = P1) -> Series:
    return {
        scraped("inference_requests_total", pod): requests,
        **({scraped("inference_errors_total", pod, error_type="timeout"): errors} if errors else {}),
    }


def own_names(good: str, bad: str, status: str = "503") -> Series:
    return {scraped("my_requests_total", status="200"): good, scraped("my_requests_total", status=status): bad}


def vllm(good: str, bad: str | None = None, handler: str = "/v1/completions") -> Series:
    return {
        scraped("http_requests_total", status="2xx", handler="/v1/completions"): good,
        **({scraped("http_requests_total", status="5xx", handler=handler): bad} if bad else {}),
    }


def triton(good: str, bad: str, reason: str = "BACKEND", duration: str | None = None) -> Series:
    others = {
        scraped("nv_inference_request_failure", model="a", reason=other): "0x120"
        for other in ("REJECTED", "OTHER", "CANCELED", "BACKEND")
    }
    return {
        scraped("nv_inference_request_success", model="a", version="1"): good,
        **others,
        scraped("nv_inference_request_failure", model="a", reason=reason): bad,
        **({scraped("nv_inference_request_duration_us", model="a", version="1"): duration} if duration else {}),
    }


def cache(usage: str, waiting: str, pod: str = P1) -> Series:
    return {scraped("vllm:kv_cache_usage_perc", pod): usage, scraped("vllm:num_requests_waiting", pod): waiting}


# 10 minutes, 5 %.
ERROR_RATIO_HIGH = [
    Case(
        "ModelErrorRatioHigh",
        "fires",
        custom("0+1000x60", "0+52x60"),
        {0: QUIET, 1: PENDING, 10: PENDING, 11: FIRING},
        says="5.2%",
    ),
    Case("ModelErrorRatioHigh", "does not fire", custom("0+1000x60", "0+48x60"), {13: QUIET, 60: QUIET}),
    Case("ModelErrorRatioHigh", "fires when every request fails", custom("0+60x60", "0+60x60"), {13: FIRING}),
    Case(
        "ModelErrorRatioHigh",
        "fires for one bad pod of two",
        custom("0+60x60", "0+0x60") | custom("0+60x60", "0+12x60", P2),
        {13: FIRING},
    ),
    Case(
        "ModelErrorRatioHigh",
        "does not fire for a bad pod of which little is asked",
        custom("0+600x60", "0+0x60") | custom("0+6x60", "0+6x60", P2),
        {13: QUIET, 60: QUIET},
    ),
    Case("ModelErrorRatioHigh", "does not fire before the first error", custom("0+60x60"), {13: QUIET}),
    Case("ModelErrorRatioHigh", "does not fire without requests", custom("5x60", "5x60"), {13: QUIET}),
    Case("ModelErrorRatioHigh", "recovers", custom("0+60x60", "0+6x20 120x40"), {19: FIRING, 30: QUIET}),
    Case(
        "ModelErrorRatioHigh",
        "recovers when the requests end",
        custom("0+60x20 1200x40", "0+6x20 120x40"),
        {19: FIRING, 30: QUIET},
    ),
    Case(
        "ModelErrorRatioHigh",
        "fires at a limit and with a severity of its own",
        custom("0+60x60", "0+31x60"),
        {13: FIRING},
        "changed",
        severity="info",
    ),
    Case(
        "ModelErrorRatioHigh",
        "does not fire below a limit of its own",
        custom("0+60x60", "0+29x60"),
        {13: QUIET},
        "changed",
    ),
    Case("ModelErrorRatioHigh", "gives way to an objective", custom("0+60x60", "0+60x60"), {13: QUIET}, "objectives"),
    Case(
        "ModelErrorRatioHigh",
        "fires for names of the spec",
        own_names("0+54x60", "0+6x60"),
        {13: FIRING},
        "own names",
        scopes=(ONE,),
    ),
    Case(
        "ModelErrorRatioHigh",
        "does not fire for names of the spec",
        own_names("0+54x60", "0+6x60", "404"),
        {13: QUIET},
        "own names",
    ),
    Case("ModelErrorRatioHigh", "fires (vllm)", vllm("0+54x60", "0+6x60"), {10: PENDING, 11: FIRING}, "vllm"),
    Case("ModelErrorRatioHigh", "fires when every request fails (vllm)", vllm("7x60", "0+60x60"), {13: FIRING}, "vllm"),
    Case("ModelErrorRatioHigh", "does not fire (vllm)", vllm("0+96x60", "0+4x60"), {13: QUIET}, "vllm"),
    Case(
        "ModelErrorRatioHigh",
        "does not count probes (vllm)",
        vllm("0+60x60", "0+60x60", "/health"),
        {13: QUIET},
        "vllm",
    ),
    Case("ModelErrorRatioHigh", "recovers (vllm)", vllm("0+60x60", "0+6x20 120x40"), {19: FIRING, 30: QUIET}, "vllm"),
    Case("ModelErrorRatioHigh", "fires (triton)", triton("0+54x60", "0+6x60"), {10: PENDING, 11: FIRING}, "triton"),
    Case(
        "ModelErrorRatioHigh",
        "fires when every request fails (triton)",
        triton("7x60", "0+60x60"),
        {13: FIRING},
        "triton",
    ),
    Case("ModelErrorRatioHigh", "does not fire (triton)", triton("0+96x60", "0+4x60"), {13: QUIET}, "triton"),
    Case(
        "ModelErrorRatioHigh",
        "does not count clients that leave (triton)",
        triton("0+60x60", "0+60x60", "CANCELED"),
        {13: QUIET},
        "triton",
    ),
    Case(
        "ModelErrorRatioHigh",
        "recovers (triton)",
        triton("0+60x60", "0+6x20 120x40"),
        {19: FIRING, 30: QUIET},
        "triton",
    ),
]

# 15 minutes; 1 s, for vllm 60 s.
LATENCY_HIGH = [
    Case(
        "ModelLatencyHigh",
        "fires",
        histogram("inference_latency_seconds", **SLOW),
        {0: QUIET, 1: PENDING, 15: PENDING, 16: FIRING},
        says="1.05s",
    ),
    Case("ModelLatencyHigh", "does not fire", histogram("inference_latency_seconds", **QUICK), {18: QUIET, 60: QUIET}),
    Case(
        "ModelLatencyHigh",
        "does not fire without requests",
        histogram("inference_latency_seconds", **dict.fromkeys(SLOW, "7x120")),
        {18: QUIET},
    ),
    Case("ModelLatencyHigh", "recovers", histogram("inference_latency_seconds", **MENDED), {39: FIRING, 50: QUIET}),
    Case(
        "ModelLatencyHigh",
        "fires at a limit and with a severity of its own",
        histogram("inference_latency_seconds", le1="0+0x60", le2_5="0+10x60", le5="0+60x60", leinf="0+60x60"),
        {18: FIRING},
        "changed",
        severity="critical",
    ),
    Case(
        "ModelLatencyHigh",
        "does not fire below a limit of its own",
        histogram("inference_latency_seconds", **SLOW),
        {18: QUIET},
        "changed",
    ),
    Case(
        "ModelLatencyHigh",
        "gives way to an objective",
        histogram("inference_latency_seconds", **SLOW),
        {18: QUIET},
        "objectives",
    ),
    Case(
        "ModelLatencyHigh",
        "fires for a histogram in milliseconds",
        histogram("my_latency_ms", le500="0+0x60", le1000="0+54x60", le2500="0+60x60", leinf="0+60x60"),
        {18: FIRING},
        "own names",
        scopes=(ONE,),
    ),
    Case(
        "ModelLatencyHigh",
        "does not fire for a histogram in milliseconds",
        histogram("my_latency_ms", le500="0+60x60", le1000="0+60x60", le2500="0+60x60", leinf="0+60x60"),
        {18: QUIET},
        "own names",
    ),
    *(
        Case("ModelLatencyHigh", story, histogram("vllm:e2e_request_latency_seconds", **given), states, "vllm")
        for story, given, states in (
            ("fires (vllm)", {"le60": "0+54x60", "le120": "0+60x60", "leinf": "0+60x60"}, {15: PENDING, 16: FIRING}),
            ("does not fire (vllm)", {"le60": "0+60x60", "le120": "0+60x60", "leinf": "0+60x60"}, {18: QUIET}),
            (
                "recovers (vllm)",
                {"le60": "0+54x30 1620+60x30", "le120": "0+60x30 1800+60x30", "leinf": "0+60x30 1800+60x30"},
                {29: FIRING, 40: QUIET},
            ),
        )
    ),
    Case(
        "ModelLatencyHigh",
        "fires (triton)",
        triton("0+60x60", "0+0x60", duration="0+90000000x60"),
        {15: PENDING, 16: FIRING},
        "triton",
    ),
    Case(
        "ModelLatencyHigh",
        "does not fire (triton)",
        triton("0+60x60", "0+0x60", duration="0+54000000x60"),
        {18: QUIET, 60: QUIET},
        "triton",
    ),
    Case(
        "ModelLatencyHigh",
        "does not fire without requests (triton)",
        triton("7x60", "0x60", duration="9x60"),
        {18: QUIET},
        "triton",
    ),
    Case(
        "ModelLatencyHigh",
        "recovers (triton)",
        triton("0+60x60", "0+0x60", duration="0+90000000x30 2700000000+30000000x30"),
        {29: FIRING, 40: QUIET},
        "triton",
    ),
]

# 30 minutes.
NO_DATA = [
    Case("ModelNoData", "fires", up("1x90"), {0: PENDING, 29: PENDING, 30: FIRING}),
    Case("ModelNoData", "does not fire", up("1x90") | custom("0x90"), {31: QUIET, 90: QUIET}),
    Case("ModelNoData", "does not fire while no pod answers", up("0x90"), {8: QUIET, 31: QUIET}),
    Case(
        "ModelNoData",
        "does not fire while one of two pods has data",
        up("1x90") | up("1x90", P2) | custom("0x90", pod=P2),
        {31: QUIET},
    ),
    Case("ModelNoData", "recovers", up("1x90") | custom("_x40 0+60x50"), {35: FIRING, 42: QUIET}),
    Case(
        "ModelNoData",
        "fires for names of the spec",
        up("1x90") | custom("0+1x90"),
        {31: FIRING},
        "own names",
        scopes=(ONE,),
    ),
    Case(
        "ModelNoData",
        "does not fire for names of the spec",
        up("1x90") | own_names("0x90", "0x90"),
        {31: QUIET},
        "own names",
    ),
    Case("ModelNoData", "fires (vllm)", up("1x90") | custom("0+1x90"), {29: PENDING, 30: FIRING}, "vllm"),
    Case(
        "ModelNoData",
        "does not fire (vllm)",
        up("1x90") | {scraped("vllm:num_requests_running"): "0x90"},
        {31: QUIET},
        "vllm",
    ),
    Case(
        "ModelNoData",
        "recovers (vllm)",
        up("1x90") | {scraped("vllm:num_requests_running"): "_x40 0x90"},
        {35: FIRING, 42: QUIET},
        "vllm",
    ),
    Case("ModelNoData", "fires (triton)", up("1x90") | custom("0+1x90"), {29: PENDING, 30: FIRING}, "triton"),
    Case("ModelNoData", "does not fire (triton)", up("1x90") | triton("0x90", "0x90"), {31: QUIET}, "triton"),
    Case(
        "ModelNoData",
        "recovers (triton)",
        up("1x90") | {scraped("nv_inference_request_success"): "_x40 0x90"},
        {35: FIRING, 42: QUIET},
        "triton",
    ),
]

# 10 minutes, 95 %.
SATURATED = [
    Case(
        "ModelSaturated",
        "fires",
        cache("0.5x4 0.97x60", "1x60"),
        {4: QUIET, 5: PENDING, 14: PENDING, 15: FIRING},
        "vllm",
        says="97%",
    ),
    Case("ModelSaturated", "does not fire", cache("0.94x60", "3x60"), {11: QUIET, 60: QUIET}, "vllm"),
    Case("ModelSaturated", "does not fire while nothing waits", cache("0.97x60", "0x60"), {11: QUIET}, "vllm"),
    Case(
        "ModelSaturated",
        "fires for the fullest of two pods",
        cache("0.1x60", "0x60") | cache("0.97x60", "3x60", P2),
        {11: FIRING},
        "vllm",
    ),
    Case("ModelSaturated", "recovers", cache("0.97x20 0.5x20", "3x60"), {20: FIRING, 22: QUIET}, "vllm"),
    Case(
        "ModelSaturated",
        "fires (triton)",
        {
            scraped("nv_trt_llm_kv_cache_block_metrics", kv_cache_block_type="fraction", model="a"): "0.97x60",
            scraped("nv_trt_llm_kv_cache_block_metrics", kv_cache_block_type="max", model="a"): "600x60",
            scraped("nv_inference_pending_request_count", model="a"): "3x60",
        },
        {9: PENDING, 10: FIRING},
        "triton",
    ),
    Case(
        "ModelSaturated",
        "fires for names of the spec",
        {scraped("my_cache"): "0.97x60", scraped("my_queue"): "3x60"},
        {11: FIRING},
        "own names",
        scopes=(ONE,),
    ),
]

CASES = (*ERROR_RATIO_HIGH, *LATENCY_HIGH, *NO_DATA, *SATURATED)
