"""The input of one model's panels: its recorded series and the thresholds of its alerts."""

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
    """A model with its rule context, from which its panels are built."""

    model: Model
    context: Context

    @cached_property
    def offered(self) -> tuple[Offer, ...]:
        """The catalogue for this model, with the reason for each unavailable entry."""
        return offers(self.context)

    @cached_property
    def _has_series(self) -> frozenset[str]:
        return frozenset(offer.entry.series for offer in self.offered if offer.expression)

    @cached_property
    def _limits(self) -> dict[str, float]:
        return thresholds(self.model)

    def series(self, **names: str) -> dict[str, str]:
        """Map legends to selectors, for the available recorded series. An underscore in a legend becomes a space."""
        return {
            legend.replace("_", " "): recorded(name, self.context.scope)
            for legend, name in names.items()
            if name in self._has_series
        }

    def stats(self, name: str, *stats: str) -> dict[str, str]:
        """Map stats to selectors, for the available stats of a catalogue name."""
        return self.series(**{stat: f"{PREFIX}{name}:{stat}" for stat in stats})

    def limit(self, alert: str) -> float | None:
        """Return the threshold of an alert, or None if the alert is disabled or has none."""
        found = next((each for each in ALERTS if each.name == alert), None)
        return self._limits[found.limit] if found and found.limit and is_enabled(found, self.model) else None

    def threshold_note(self, alert: str, color: str = "Red") -> str:
        """Return the threshold as a sentence; empty if there is none."""
        limit = self.limit(alert)
        return "" if limit is None else f" {color} from the limit of {alert}, {limit:g}."


def panel_source(model: Model) -> PanelSource:
    """Return the panel source of a model."""
    return PanelSource(model, context(model))
