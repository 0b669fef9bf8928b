from __future__ import annotations

from pathlib import Path

from releasing import image
from releasing.build import Arguments
from releasing.provenance import PREDICATE_TYPE, STATEMENT_TYPE, Resource, statement

COMMIT = "1" * 40


def test_statement_has_what_slsa_requires() -> None:
    built = statement(
        [Resource("a.whl", {"sha256": "2" * 64})],
        commit=COMMIT,
        sources="https://git.example.com/team/monitored-models",
        parameters={"HOME_URL": "https://example.com"},
        dependencies=[Resource("requirements/dev.txt", {"sha256": "3" * 64})],
        builder="https://example.com/builder",
        tools={"helm": "v4"},
    )
    assert built["_type"] == STATEMENT_TYPE
    assert built["predicateType"] == PREDICATE_TYPE
    assert built["subject"] == [{"name": "a.whl", "digest": {"sha256": "2" * 64}}]
    definition, details = built["predicate"]["buildDefinition"], built["predicate"]["runDetails"]
    assert definition["buildType"].startswith("https://")
    assert definition["externalParameters"] == {"commit": COMMIT, "HOME_URL": "https://example.com"}
    source, lock = definition["resolvedDependencies"]
    assert source["digest"] == {"gitCommit": COMMIT}
    assert source["uri"] == "git+https://git.example.com/team/monitored-models"
    assert lock == {"name": "requirements/dev.txt", "digest": {"sha256": "3" * 64}}
    assert details["builder"] == {"id": "https://example.com/builder", "version": {"helm": "v4"}}


def test_statement_without_an_address_of_the_sources_has_none() -> None:
    built = statement([], commit=COMMIT, sources=None, parameters={}, dependencies=[], builder="b", tools={})
    (source,) = built["predicate"]["buildDefinition"]["resolvedDependencies"]
    assert source == {"name": "source", "digest": {"gitCommit": COMMIT}}


def test_parameters_have_no_folder_of_the_machine_and_no_empty_value() -> None:
    bases = image.Bases("oci-archive:/home/someone/base.tar", "registry.example.com/python:3.13", Path("/wheels"))
    assert Arguments(bases).parameters() == {
        "BASE_IMAGE": "oci-archive:base.tar",
        "BUILD_IMAGE": "registry.example.com/python:3.13",
    }
