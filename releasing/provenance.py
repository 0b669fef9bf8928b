"""The provenance of a release: an in-toto statement with a SLSA v1 predicate.

It has no time of the build, so that two builds of one commit have equal provenance.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "https://monitoredmodels.dev/build-types/make-release/v1"
LOCAL_BUILDER = "https://monitoredmodels.dev/builders/local"


@dataclass(frozen=True)
class Resource:
    """A file or an image, with its digest by algorithm."""

    name: str
    digest: Mapping[str, str]

    def descriptor(self) -> dict[str, Any]:
        """As in-toto's ResourceDescriptor."""
        return {"name": self.name, "digest": dict(self.digest)}


def statement(
    subjects: Iterable[Resource],
    *,
    commit: str,
    sources: str | None,
    parameters: Mapping[str, str],
    dependencies: Iterable[Resource],
    builder: str,
    tools: Mapping[str, str],
) -> dict[str, Any]:
    """The statement that these subjects were built from this commit, with these parameters, by this builder."""
    source = {"name": "source", **({"uri": f"git+{sources}"} if sources else {}), "digest": {"gitCommit": commit}}
    return {
        "_type": STATEMENT_TYPE,
        "subject": [subject.descriptor() for subject in subjects],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {"commit": commit, **dict(sorted(parameters.items()))},
                "resolvedDependencies": [source, *(each.descriptor() for each in dependencies)],
            },
            "runDetails": {"builder": {"id": builder, "version": dict(sorted(tools.items()))}},
        },
    }
