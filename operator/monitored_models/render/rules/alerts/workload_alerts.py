"""Alerts on pods: replicas, restarts, memory, rollouts and volumes."""

from __future__ import annotations

from ....naming import labels
from ....naming.conditions import STUCK, WORKLOAD_READY
from ....naming.series import CONDITION, POD_OUT_OF_MEMORY, POD_RESTARTS, POD_WAITING
from .. import signals
from ..catalogue import DISK_RATIO, Context, recorded
from ..usage import disk_ratio
from .alert import MODEL_TEMPLATE, Alert


def _replicas_missing(c: Context) -> str:
    up = signals.targets_up(c.scope)
    loading = f"count by ({labels.BY_MODEL}) ({signals.target_up(c.scope)} == 0 unless {c.scope.had_time()})"
    none = c.scope.none_of(c.scope.series("up"))
    return f"({up} + ({loading} or 0 * {up})) < {c.scope.limit('replicas')} or {none}"


def _target_down(c: Context) -> str:
    return f"{signals.target_up(c.scope)} == 0 and {c.scope.had_time()}"


def _restarted(c: Context, window: str) -> str:
    return f"max by ({labels.BY_MODEL}, pod) (increase({c.scope.series(POD_RESTARTS)}[{window}]))"


def _crash_looping(c: Context) -> str:
    # At the maximum backoff, restarts are too rare to count per minutes. Then the kubelet's waiting reason helps.
    waiting = c.scope.series(POD_WAITING, (("reason", "=", "CrashLoopBackOff"),))
    waited = f"max by ({labels.BY_MODEL}, pod) (max_over_time({waiting}[15m]))"
    often = f"{_restarted(c, '15m')} > 2 or {waited} == 1 and {_restarted(c, '1h')} > 2"
    return f"{often} or max by ({labels.BY_MODEL}, pod) ({waiting}) == 1"


def _out_of_memory(c: Context) -> str:
    killed = f"max by ({labels.BY_MODEL}, pod) ({c.scope.series(POD_OUT_OF_MEMORY)})"
    return f"{killed} == 1 and {_restarted(c, '1h')} > 0"


def _rollout_stuck(c: Context) -> str:
    matchers = (("condition", "=", WORKLOAD_READY), ("status", "=", "False"), ("reason", "=~", "|".join(STUCK)))
    return f"max by ({labels.BY_MODEL}, reason) ({c.scope.series(CONDITION, matchers)}) == 1"


def _volume_filling(c: Context) -> str | None:
    return f"{recorded(DISK_RATIO, c.scope)} > {c.scope.limit('volume')}" if disk_ratio(c.scope) else None


WORKLOAD = (
    Alert(
        name="ModelReplicasMissing",
        signal="workload",
        for_="15m",
        severity="critical",
        summary="A model has fewer working replicas than it should.",
        description=f"{MODEL_TEMPLATE} should have {{wanted}} that answer Prometheus, and has fewer: see `kubectl describe mm` for "
        "what its pods are waiting for.",
        rationale="The model serves less than was asked for, or nothing; nobody else will notice what does not answer.",
        expression=_replicas_missing,
        limit="replicas",
    ),
    Alert(
        name="ModelTargetDown",
        signal="workload",
        for_="10m",
        severity="warning",
        summary="A pod of a model does not answer scrapes.",
        description=f"Pod {{{{ $labels.pod }}}} of {MODEL_TEMPLATE} has not answered Prometheus: it is down, or its metrics port and "
        "path are not those of the spec.",
        rationale="Either a replica is lost, or what is known of it is old.",
        expression=_target_down,
    ),
    Alert(
        name="ModelCrashLooping",
        signal="workload",
        for_="5m",
        severity="warning",
        summary="A pod of a model ends again and again.",
        description=f"The server in pod {{{{ $labels.pod }}}} of {MODEL_TEMPLATE} ends and is started again: `kubectl logs --previous` "
        "has its last words.",
        rationale="Each restart loses the requests in hand, and the next step is a missing replica.",
        expression=_crash_looping,
    ),
    Alert(
        name="ModelOutOfMemory",
        signal="workload",
        for_="1m",
        severity="warning",
        summary="A model was ended for using too much memory.",
        description=f"A container of pod {{{{ $labels.pod }}}} of {MODEL_TEMPLATE} was killed at its memory limit within the last hour.",
        rationale="It comes back at the next large request; only a higher limit, or a smaller batch, ends it.",
        expression=_out_of_memory,
    ),
    Alert(
        name="ModelRolloutStuck",
        signal="rollout",
        for_="15m",
        severity="warning",
        summary="A change of a model does not get through.",
        description=f"{MODEL_TEMPLATE} is stuck ({{{{ $labels.reason }}}}): the change is not live, and pods from before it, if there "
        "were any, serve on. `kubectl describe mm` says why.",
        rationale="Whoever changed the model believes that the change is live.",
        expression=_rollout_stuck,
    ),
    Alert(
        name="ModelVolumeFillingUp",
        signal="disk",
        for_="15m",
        severity="warning",
        summary="A volume of a model is nearly full.",
        description=f"A volume claim of {MODEL_TEMPLATE} is {{{{ $value | humanizePercentage }}}} full; the limit is {{limit}}.",
        rationale="A server that cannot write its cache fails in ways that look like anything else.",
        expression=_volume_filling,
        limit="volume",
        unit="ratio",
    ),
)
