"""What the panels of one model are made from: what its rules record, and where its alerts fire."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ...api import Model
from ..rules.alerts.groups import ALERTS, is_enabled
from ..rules.catalogue import PREFIX, Context, Offer, offers, recorded
from ..rules.context import context
from ..rules.thresholds import thresholds


@dataclass(frozen=True)
class PanelSource:
    """A model with what there is to show of it."""

    model: Model
    context: Context

    @cached_property
    def offered(self) -> tuple[Offer, ...]:
        """The catalogue, as far as the model gets it."""
        return offers(self.context)

    @cached_property
    def _there(self) -> frozenset[str]:
        return frozenset(offer.entry.series for offer in self.offered if offer.expression)

    @cached_property
    def _limits(self) -> dict[str, float]:
        return thresholds(self.model)

    def series(self, **names: str) -> dict[str, str]:
        """Legend to selector, of those recorded series that there are. In a legend, _ stands for a space."""
        return {
            legend.replace("_", " "): recorded(name, self.context.scope)
            for legend, name in names.items()
            if name in self._there
        }

    def stats(self, name: str, *stats: str) -> dict[str, str]:
        """Stat to selector, of those stats of a catalogue's name that there are."""
        return self.series(**{stat: f"{PREFIX}{name}:{stat}" for stat in stats})

    def limit(self, alert: str) -> float | None:
        """Where an alert fires; None where it is switched off, or there is none."""
        found = next((each for each in ALERTS if each.name == alert), None)
        return self._limits[found.limit] if found and found.limit and is_enabled(found, self.model) else None

    def said(self, alert: str, color: str = "Red") -> str:
        """The same as a sentence; empty where it is switched off."""
        limit = self.limit(alert)
        return "" if limit is None else f" {color} from the limit of {alert}, {limit:g}."


def panel_source(model: Model) -> PanelSource:
    """What there is to show of a model."""
    return PanelSource(model, context(model))
