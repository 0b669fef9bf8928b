"""Options of the dashboard of a model."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from ...base.schema_types import spec_type


@spec_type
class Dashboard:
    """The Grafana dashboard of the model."""

    enabled: bool = True
    """Whether there is a dashboard ConfigMap."""
    folder: Annotated[str, Field(pattern=r"^[^/. \x00-\x1f\x7f][^/\x00-\x1f\x7f]*$", max_length=128)] | None = None
    """Folder in Grafana, where the dashboard sidecar is set up to read it from an annotation."""
