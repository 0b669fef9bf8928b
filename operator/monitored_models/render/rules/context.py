"""The rule context of a model, its unavailable metrics and its unmet requests."""

from __future__ import annotations

from ...api import Model, UnmetRequest
from ...naming.conditions import Reason
from . import quality, slos
from .catalogue import Context, missing, offers
from .scope import ModelScope
from .signals import server


def context(model: Model) -> Context:
    """Return the context of a model's own rules."""
    return Context(server(model), ModelScope(model), quality.window(model))


def unavailable(model: Model) -> dict[str, str]:
    """Map each catalogue name that is unavailable for a model to the reason."""
    return missing(offers(context(model)))


def unmet_requests(model: Model) -> tuple[UnmetRequest, ...]:
    """Return the unmet requests of a spec's monitoring, including settings that the model could not inherit."""
    return (*model.notes, *_objective_notes(model), *_learning_notes(model))


def _objective_notes(model: Model) -> list[UnmetRequest]:
    found, made = [], context(model)
    for slo in model.monitoring.slos:
        where = f"spec.monitoring.slos[{slo.name}]"
        if slos.events(made.server, slo, made.scope) is None:
            why = model.runtime.why_not(slos.signal_of(slo)) or f"{model.runtime.title}: it exposes no histogram of it"
            found.append(
                UnmetRequest(Reason.SIGNAL_UNAVAILABLE, f"{where}: cannot be counted ({why}); it has no rules")
            )
        elif unknown := slos.unknown_bucket_boundary(made.server, slo):
            found.append(
                UnmetRequest(
                    Reason.THRESHOLD_NOT_COUNTED, f"{where}.indicator: {unknown}, unless the server is given others"
                )
            )
    return found


def _learning_notes(model: Model) -> list[UnmetRequest]:
    if model.runtime.instrumented:
        return []
    title = model.runtime.title
    asked = [name for name in ("quality", "drift") if getattr(model.monitoring, name) is not None]
    found = [
        UnmetRequest(Reason.SIGNAL_UNAVAILABLE, f"spec.monitoring.{name}: {title} runs no code that could measure it")
        for name in asked
    ]
    if model.monitoring.freshness and not model.spec.model.version:
        text = (
            f"{title} does not say when its model was made, and spec.model.version, whose change would tell, is not set"
        )
        found.append(UnmetRequest(Reason.SIGNAL_UNAVAILABLE, f"spec.monitoring.freshness: {text}"))
    return found
