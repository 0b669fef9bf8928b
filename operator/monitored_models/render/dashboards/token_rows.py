"""Row on language models: token latency, token throughput and saturation."""

from __future__ import annotations

from ..rules.catalogue import KV_CACHE, PREFIX, QUEUE
from . import panels
from .panel_source import PanelSource
from .panels import Row


def tokens(s: PanelSource) -> Row:
    """Row with the token metrics of an LLM server; for other servers, only those that the spec names."""
    found = []
    if first := _is_user_defined(s, "time_to_first_token", s.stats("time_to_first_token", "p50", "p95", "p99")):
        found.append(panels.lines("Time to first token", "From a request to its first token.", first, unit="s"))
    if between := _is_user_defined(s, "inter_token", s.stats("inter_token_latency", "p50", "p95", "mean")):
        found.append(panels.lines("Time between tokens", "Between two tokens of an answer.", between, unit="s"))
    counted = s.series(generated=f"{PREFIX}token_throughput", prompts=f"{PREFIX}prompt_token_throughput")
    if many := _is_user_defined(s, "tokens", counted):
        found.append(panels.lines("Tokens", "Tokens per second.", many, unit="short"))
    if waiting := _is_user_defined(s, "queue", s.series(waiting=QUEUE)):
        found.append(panels.lines("Queue", "Requests that wait.", waiting, unit="short"))
    if full := _is_user_defined(s, "kv_cache", s.series(in_use=KV_CACHE)):
        about, limit = (
            "Share in use, of the fullest pod." + s.threshold_note("ModelSaturated"),
            s.limit("ModelSaturated"),
        )
        found.append(panels.lines("Key-value cache", about, full, unit="percentunit", red_from=limit))
    return Row("Tokens and saturation", tuple(found))


def _is_user_defined(s: PanelSource, signal: str, queries: dict[str, str]) -> dict[str, str]:
    """Return the queries of an LLM runtime or of a signal in the spec. Other servers would have an empty panel."""
    named = getattr(s.context.server.user_signals, signal) is not None
    return queries if s.context.server.profile.llm or named else {}
