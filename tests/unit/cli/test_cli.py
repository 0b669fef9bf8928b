"""`mmctl` on files: what it prints, where, and with which exit code. No cluster, no traceback."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from monitored_models import runtimes
from monitored_models import settings as operator_settings
from monitored_models.cli.main import main
from monitored_models.files import yaml_loader
from monitored_models.files.yaml_loader import UnreadableFile
from monitored_models.render.children import render
from monitored_models.settings import InvalidSettings, Settings
from unit.specs import FULL, JSON, MINIMAL, RUNTIMES, VLLM, body, model

SMALL = """\
apiVersion: monitoredmodels.dev/v1alpha1
kind: MonitoredModel
metadata: {name: churn, namespace: risk}
spec:
  image: example.com/churn:1
"""
BROKEN = SMALL.replace("name: churn", "name: fraud") + '  replicas: "3"\n  colour: red\n'
OTHER = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\ndata: {a: b}\n"


def mmctl(*arguments: str | Path, stdin: str | bytes | None = None) -> Result:
    """A run that ends by itself: an exception that is no exit code would be a traceback for the user."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def file(folder: Path, text: str, name: str = "model.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def documents(result: Result) -> list[JSON]:
    return list(yaml.safe_load_all(result.stdout))


def kinds(result: Result) -> list[str]:
    return [document["kind"] for document in documents(result)]


# --- validate ---


def test_valid_file_is_counted_and_exits_with_0(tmp_path: Path) -> None:
    result = mmctl("validate", "-f", file(tmp_path, SMALL))
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "1 MonitoredModel valid\n")


def test_invalid_file_exits_with_1_and_names_file_model_field_and_way_out(tmp_path: Path) -> None:
    path = file(tmp_path, BROKEN)
    result = mmctl("validate", "-f", path)
    assert result.exit_code == 1
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert sorted(line.rsplit(": ", 1)[0] for line in lines)
    assert f"{path}: fraud: spec.replicas: input should be a valid integer (given: '3')" in lines
    assert any(line.startswith(f"{path}: fraud: spec.colour: unknown field") for line in lines)
    assert len(lines) == 2


def test_several_files_are_checked_together(tmp_path: Path) -> None:
    good, bad = file(tmp_path, SMALL, "a.yaml"), file(tmp_path, BROKEN, "b.yaml")
    assert mmctl("validate", "-f", good, "-f", good).stderr == "2 MonitoredModels valid\n"
    result = mmctl("validate", "-f", good, "-f", bad)
    assert result.exit_code == 1
    assert str(bad) in result.stderr
    assert str(good) not in result.stderr


def test_folder_is_searched_for_yaml_and_json(tmp_path: Path) -> None:
    file(tmp_path, SMALL, "a.yaml")
    file(tmp_path, SMALL, "deep/er/b.yml")
    file(tmp_path, json.dumps(body(MINIMAL)), "c.json")
    file(tmp_path, "not: [yaml", "README.md")
    assert mmctl("validate", "-f", tmp_path).stderr == "3 MonitoredModels valid\n"


def test_standard_input_is_read() -> None:
    assert mmctl("validate", "-f", "-", stdin=SMALL).stderr == "1 MonitoredModel valid\n"
    result = mmctl("validate", "-f", "-", stdin=BROKEN)
    assert result.exit_code == 1
    assert "-: fraud: spec.colour" in result.stderr


def test_several_documents_of_one_file_are_read_and_other_kinds_left_out(tmp_path: Path) -> None:
    path = file(tmp_path, "---\n".join([SMALL, OTHER, "", SMALL.replace("churn", "fraud")]))
    assert mmctl("validate", "-f", path).stderr == "2 MonitoredModels valid\n"


def test_list_as_kubectl_prints_it_is_read(tmp_path: Path) -> None:
    listed = {"apiVersion": "v1", "kind": "List", "items": [body(MINIMAL, "a"), body(FULL, "b"), yaml.safe_load(OTHER)]}
    result = mmctl("validate", "-f", file(tmp_path, json.dumps(listed)))
    assert result.stderr.splitlines()[-1] == "2 MonitoredModels valid"


def test_object_as_the_cluster_gives_it_is_read(tmp_path: Path) -> None:
    live = body(
        MINIMAL, resourceVersion="5", managedFields=[{"manager": "x"}], creationTimestamp="2026-01-01T00:00:00Z"
    )
    live["status"] = {"observedGeneration": 1}
    assert mmctl("validate", "-f", file(tmp_path, json.dumps(live))).exit_code == 0


@pytest.mark.parametrize(
    "text",
    ["", "---\n---\n", OTHER, "- a\n- b\n", "just text\n", "5\n", "items: null\n", "items: 5\n", "items: {a: b}\n"],
    ids=["empty", "empty documents", "another kind", "a list", "text", "a number", "no items", "a count", "a map"],
)
def test_file_without_a_model_is_an_error(tmp_path: Path, text: str) -> None:
    path = file(tmp_path, text)
    result = mmctl("validate", "-f", path)
    assert result.exit_code == 1
    assert f"no MonitoredModel in {path}" in result.stderr


def test_document_that_has_items_of_its_own_does_not_hide_the_models_beside_it(tmp_path: Path) -> None:
    path = file(tmp_path, f"{SMALL}---\nkind: Foreign\nitems: null\n---\nkind: Foreign\nitems: 5\n")
    assert mmctl("validate", "-f", path).stderr == "1 MonitoredModel valid\n"


def test_folder_without_a_model_is_an_error(tmp_path: Path) -> None:
    assert "no MonitoredModel" in mmctl("validate", "-f", tmp_path).stderr


UNREADABLE: list[tuple[str, str, str]] = [
    ("bad YAML", "a: [1, 2\nb: }", "line 2"),
    ("a tab", "a:\n\t- b", "line 2"),
    ("an unknown tag", "a: !Ref x", "!Ref"),
    ("an unknown anchor", "a: *x", "x"),
    ("a key that stands twice", SMALL + "  image: other\n", "'image' stands twice"),
    ("a key that stands twice, deep", SMALL + "  model: {name: a, version: b, name: c}\n", "'name' stands twice"),
    ("a control character", "a: \x01", "special characters"),
    ("a key that is a list", "? [a, b]\n: c", "unhashable"),
]


@pytest.mark.parametrize(("text", "told"), [row[1:] for row in UNREADABLE], ids=[row[0] for row in UNREADABLE])
def test_unreadable_file_is_named_with_the_place(tmp_path: Path, text: str, told: str) -> None:
    path = file(tmp_path, text)
    result = mmctl("validate", "-f", path)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {path}: ")
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    result = mmctl("validate", "-f", tmp_path / "missing.yaml")
    assert result.exit_code == 1
    assert "missing.yaml" in result.stderr


def test_file_that_is_no_text_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "model.yaml"
    path.write_bytes(b"\xff\xfe\x00\xd8")
    result = mmctl("validate", "-f", path)
    assert result.exit_code == 1
    assert str(path) in result.stderr


def test_standard_input_that_is_no_text_is_an_error() -> None:
    result = mmctl("validate", "-f", "-", stdin=b"a: \xff\xfe\n")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: -: ")


def test_date_without_quotes_is_a_string(tmp_path: Path) -> None:
    path = file(tmp_path, SMALL + "  model: {version: 2026-11-20}\n")
    assert mmctl("validate", "-f", path).exit_code == 0
    deployment = documents(mmctl("render", "-f", path))[0]
    assert deployment["spec"]["template"]["metadata"]["labels"]["monitoredmodels.dev/version"] == "2026-11-20"


@pytest.mark.parametrize("version", ["3.1", "7", "true", "1e3", "0x1F"])
def test_version_without_quotes_that_is_no_string_is_told(tmp_path: Path, version: str) -> None:
    result = mmctl("validate", "-f", file(tmp_path, SMALL + f"  model: {{version: {version}}}\n"))
    if result.exit_code == 1:
        assert "spec.model.version: input should be a valid string" in result.stderr
    else:
        assert version == "1e3"  # YAML 1.1 reads it as text


ODD_YAML: list[tuple[str, str]] = [
    ("binary", "  imagePullPolicy: !!binary aGVsbG8=\n"),
    ("an explicit date", "  model: {version: !!timestamp 2026-11-20}\n"),
    ("a set", "  args: !!set {a, b}\n"),
    ("pairs", "  args: !!omap [a: b]\n"),
    ("not a number", "  monitoring: {signals: {latency: {histogram: h, scale: .nan}}}\n"),
    ("infinity", "  monitoring: {signals: {latency: {histogram: h, scale: .inf}}}\n"),
    ("a number as key", "  1: x\n"),
    ("no key", "  null: x\n"),
    ("a list that holds itself", "  args: &a [*a]\n"),
    ("a map that holds itself", "  model: &a {name: *a}\n"),
    ("very deep", "  x: " + "[" * 3000 + "]" * 3000 + "\n"),
    ("a large number", "  replicas: 1" + "0" * 5000 + "\n"),
]


@pytest.mark.parametrize("text", [row[1] for row in ODD_YAML], ids=[row[0] for row in ODD_YAML])
def test_odd_yaml_is_refused_without_a_traceback(tmp_path: Path, text: str) -> None:
    path = file(tmp_path, SMALL + text)
    result = mmctl("validate", "-f", path)
    assert result.exit_code == 1
    assert str(path) in result.stderr


@pytest.mark.parametrize(
    "changes",
    [
        "metadata: {name: churn, namespace: 123}",
        "metadata: {name: churn, namespace: [a]}",
        "metadata: {name: churn, namespace: Not_A_Namespace}",
        "metadata: {name: churn, generation: x}",
        "metadata: {name: 5}",
        "metadata: []",
        "metadata: churn",
        "metadata:",
    ],
)
@pytest.mark.parametrize("command", ["validate", "render"])
def test_odd_metadata_is_refused_or_read_without_a_traceback(tmp_path: Path, command: str, changes: str) -> None:
    path = file(tmp_path, SMALL.replace("metadata: {name: churn, namespace: risk}", changes))
    result = mmctl(command, "-f", path)
    if "generation" not in changes:
        assert result.exit_code == 1
        assert f"{path}: " in result.stderr
        assert "metadata" in result.stderr


def test_misspelt_kind_of_our_group_is_told(tmp_path: Path) -> None:
    result = mmctl("validate", "-f", file(tmp_path, SMALL.replace("MonitoredModel", "MonitoredModell")))
    assert result.exit_code == 1
    assert "apiVersion, kind: must be monitoredmodels.dev/v1alpha1, MonitoredModel" in result.stderr


def test_anchors_and_merges_are_read(tmp_path: Path) -> None:
    text = (
        SMALL + "  storage: {volumes: [&v {name: a, mountPath: /a, emptyDir: {}}, {<<: *v, name: b, mountPath: /b}]}\n"
    )
    assert mmctl("validate", "-f", file(tmp_path, text)).exit_code == 0


def test_merge_of_a_map_that_itself_overrides_a_merge_is_read(tmp_path: Path) -> None:
    text = """\
x-a: &a {path: /a, periodSeconds: 5}
x-b: {inner: &b {<<: *a, path: /b}}
x-c: {<<: *b, path: /c}
"""
    path = file(tmp_path, text + "---\n" + SMALL)
    assert mmctl("validate", "-f", path).stderr == "1 MonitoredModel valid\n"


def test_key_that_stands_twice_is_told_in_whichever_document() -> None:
    twice = SMALL.replace("namespace: risk", "namespace: risk, name: other")
    for before in range(60):
        with pytest.raises(UnreadableFile, match="'name' stands twice"):
            yaml_loader.documents("x", "---\n".join([SMALL] * before + [twice]))


@pytest.mark.parametrize("text", ["5e-05", "1e6", "-1.5e3", "1.E+2"])
def test_number_with_an_exponent_is_a_number(text: str) -> None:
    """Helm and kubectl write numbers like this, which YAML 1.1 takes for texts."""
    assert yaml_loader.documents("x", f"a: {text}") == [{"a": float(text)}]
    assert yaml_loader.documents("x", f"a: '{text}'") == [{"a": text}]


# --- render ---


@pytest.mark.parametrize("spec", [*RUNTIMES.values(), FULL], ids=[*RUNTIMES, "full"])
def test_rendering_prints_what_the_operator_makes(tmp_path: Path, spec: JSON) -> None:
    result = mmctl("render", "-f", file(tmp_path, json.dumps(body(spec))))
    assert result.exit_code == 0
    assert all(line.startswith("note: ") for line in result.stderr.splitlines())
    made = model(spec)
    assert documents(result) == render(made, Settings(), made.minimum_replicas)


def test_rendering_names_no_owner_where_there_is_no_uid(tmp_path: Path) -> None:
    assert all("ownerReferences" not in d["metadata"] for d in documents(mmctl("render", "-f", file(tmp_path, SMALL))))


def test_rendering_is_the_same_each_time(tmp_path: Path) -> None:
    path = file(tmp_path, json.dumps(body(FULL)))
    assert mmctl("render", "-f", path).stdout == mmctl("render", "-f", path).stdout


def test_rendering_of_several_models_is_one_stream(tmp_path: Path) -> None:
    path = file(tmp_path, "---\n".join([SMALL, SMALL.replace("churn", "fraud")]))
    result = mmctl("render", "-f", path)
    assert [d["metadata"]["name"] for d in documents(result) if d["kind"] == "Deployment"] == ["churn", "fraud"]


def test_rendering_prints_nothing_when_one_model_is_invalid(tmp_path: Path) -> None:
    path = file(tmp_path, f"{SMALL}---\n{BROKEN}")
    result = mmctl("render", "-f", path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "fraud" in result.stderr


@pytest.mark.parametrize(
    ("text", "option", "namespace"),
    [
        (SMALL, [], "risk"),
        (SMALL, ["-n", "other"], "risk"),
        (SMALL.replace(", namespace: risk", ""), [], "default"),
        (SMALL.replace(", namespace: risk", ""), ["-n", "other"], "other"),
        (SMALL.replace(", namespace: risk", ""), ["--namespace", "other"], "other"),
    ],
)
def test_namespace_of_the_file_wins_over_the_option(
    tmp_path: Path, text: str, option: list[str], namespace: str
) -> None:
    result = mmctl("render", "-f", file(tmp_path, text), *option)
    assert {document["metadata"]["namespace"] for document in documents(result)} == {namespace}


def test_unicode_is_printed_as_it_is(tmp_path: Path) -> None:
    result = mmctl("render", "-f", file(tmp_path, SMALL + "  model: {name: Größe 模型}\n"))
    assert "Größe 模型" in result.stdout


# --- profiles ---

GOLD = """\
apiVersion: monitoredmodels.dev/v1alpha1
kind: MonitoringProfile
metadata: {name: gold, namespace: risk}
spec:
  dashboard: {enabled: false}
"""
NAMING = SMALL + "  monitoring: {profile: gold}\n"


def has_dashboard(result: Result) -> bool:
    assert result.exit_code == 0, result.stderr
    return "ConfigMap" in kinds(result)


def test_model_inherits_from_the_profile_that_it_names(tmp_path: Path) -> None:
    assert not has_dashboard(mmctl("render", "-f", file(tmp_path, f"{NAMING}---\n{GOLD}")))
    assert has_dashboard(mmctl("render", "-f", file(tmp_path, f"{GOLD}---\n{SMALL}")))


def test_model_that_names_no_profile_inherits_from_the_one_named_default(tmp_path: Path) -> None:
    profile, path = file(tmp_path, GOLD.replace("gold", "default"), "profile.yaml"), file(tmp_path, SMALL)
    assert not has_dashboard(mmctl("render", "-f", path, "-f", profile))
    assert not has_dashboard(mmctl("render", "-f", tmp_path))


def test_profile_of_another_namespace_does_not_count(tmp_path: Path) -> None:
    result = mmctl("render", "-f", file(tmp_path, f"{NAMING}---\n{GOLD.replace('risk', 'other')}"))
    assert has_dashboard(result)
    assert result.stderr == (
        f"note: {tmp_path}/model.yaml: churn: spec.monitoring.profile: this namespace has no MonitoringProfile gold\n"
    )


@pytest.mark.parametrize("option", [[], ["-n", "risk"]])
def test_namespace_of_a_profile_that_names_none_is_the_option_or_default(tmp_path: Path, option: list[str]) -> None:
    text = f"{NAMING}---\n{GOLD}".replace(", namespace: risk", "")
    assert not has_dashboard(mmctl("render", "-f", file(tmp_path, text), *option))


def test_later_of_two_profiles_with_one_name_counts(tmp_path: Path) -> None:
    text = "---\n".join([GOLD, NAMING, GOLD.replace("false", "true")])
    assert has_dashboard(mmctl("render", "-f", file(tmp_path, text)))


def test_profiles_are_counted_and_may_stand_alone(tmp_path: Path) -> None:
    path = file(tmp_path, "---\n".join([GOLD, GOLD.replace("gold", "tin"), SMALL]))
    assert mmctl("validate", "-f", path).stderr == "1 MonitoredModel and 2 MonitoringProfiles valid\n"
    assert mmctl("validate", "-f", file(tmp_path, GOLD)).stderr == "1 MonitoringProfile valid\n"


def test_list_with_profiles_is_read(tmp_path: Path) -> None:
    listed = {"kind": "List", "items": [yaml.safe_load(NAMING), yaml.safe_load(GOLD)]}
    assert not has_dashboard(mmctl("render", "-f", file(tmp_path, json.dumps(listed))))


BAD_PROFILES: list[tuple[str, str, str]] = [
    ("a typo", GOLD.replace("enabled", "enable"), "gold: spec.dashboard.enable: unknown field"),
    ("a rule", GOLD + "  scrape: {interval: 5m}\n", "gold: spec.scrape.interval: interval must not be above 2m"),
    ("a profile of a profile", GOLD + "  profile: tin\n", "gold: spec.profile: unknown field"),
    ("no spec", GOLD.split("spec:", maxsplit=1)[0], "gold: spec: required, and missing"),
    ("an empty spec", GOLD.split("spec:", maxsplit=1)[0] + "spec:\n", "gold: spec: "),
    ("a list for a spec", GOLD.split("spec:", maxsplit=1)[0] + "spec: [a]\n", "gold: spec: "),
    ("no name", GOLD.replace("name: gold, ", ""), "(no name): metadata.name: must be a text"),
    ("a name that is none", GOLD.replace("gold", "Gold!"), "Gold!: metadata.name: must be a text"),
    ("a number for a name", GOLD.replace("gold", "5"), "5: metadata.name: must be a text"),
    ("no metadata", GOLD.replace("metadata: {name: gold, namespace: risk}\n", ""), "(no name): metadata.name: "),
    ("a namespace that is none", GOLD.replace("risk", "Not_One"), "gold: metadata.namespace: must be a text"),
    ("another group", GOLD.replace("monitoredmodels.dev/", "monitoredmodel.dev/"), "gold: apiVersion, kind: must be "),
]


@pytest.mark.parametrize(("text", "told"), [row[1:] for row in BAD_PROFILES], ids=[row[0] for row in BAD_PROFILES])
@pytest.mark.parametrize("command", ["validate", "render"])
def test_bad_profile_exits_with_1_and_names_file_profile_and_field(
    tmp_path: Path, command: str, text: str, told: str
) -> None:
    path = file(tmp_path, f"{SMALL}---\n{text}")
    result = mmctl(command, "-f", path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"{path}: {told}" in result.stderr


def test_profile_that_does_not_fit_a_model_is_noted_and_the_model_valid(tmp_path: Path) -> None:
    misfit = GOLD + "  scrape: {interval: 10s}\n"
    own = NAMING.replace("{profile: gold}", "{profile: gold, scrape: {timeout: 20s}}")
    result = mmctl("validate", "-f", file(tmp_path, f"{own}---\n{misfit}"))
    assert result.exit_code == 0
    note, count = result.stderr.splitlines()
    assert note.startswith(f"note: {tmp_path}/model.yaml: churn: nothing of profile gold is used: ")
    assert "timeout must not be above interval" in note
    assert count == "1 MonitoredModel and 1 MonitoringProfile valid"


# --- settings ---

OWN_RUNTIME = """\
runtimes:
  - id: x-own
    title: Our own server
    port: 7777
    startup: {}
    readiness: {}
    liveness: {}
    progressDeadlineSeconds: 300
    signals: {presence: up_total}
    unavailable: {requests: it does not count them, errors: it does not count them, latency: it has none, reportedVersion: it does not say}
"""


def test_runtime_of_the_settings_can_be_used(tmp_path: Path) -> None:
    settings = file(tmp_path, OWN_RUNTIME, "settings/settings.yaml")
    path = file(tmp_path, SMALL + "  runtime: x-own\n")
    result = mmctl("render", "-f", path, "--settings", settings)
    (service,) = [document for document in documents(result) if document["kind"] == "Service"]
    assert service["spec"]["ports"][0]["port"] == 7777
    without = mmctl("validate", "-f", path)
    assert without.exit_code == 1
    assert "spec.runtime: the operator's settings have no runtime x-own" in without.stderr


def test_monitoring_of_the_settings_is_that_of_every_model(tmp_path: Path) -> None:
    settings = file(tmp_path, "monitoring: {dashboard: {enabled: false}}\n", "settings/settings.yaml")
    assert not has_dashboard(mmctl("render", "-f", file(tmp_path, SMALL), "--settings", settings))


def test_settings_reach_the_objects(tmp_path: Path) -> None:
    settings = file(tmp_path, "serviceMonitorLabels: {release: kps}\n", "settings/settings.yaml")
    result = mmctl("render", "-f", file(tmp_path, SMALL), "--settings", settings)
    (monitor,) = [document for document in documents(result) if document["kind"] == "ServiceMonitor"]
    assert monitor["metadata"]["labels"]["release"] == "kps"


BAD_SETTINGS: list[tuple[str, str, str]] = [
    ("an unknown field", "worker: 3", "worker"),
    ("another type", 'workers: "3"', "workers"),
    ("out of bounds", "workers: 0", "workers"),
    ("a number as label", "serviceMonitorLabels: {release: 1}", "serviceMonitorLabels.release"),
    ("a list", "[1]", ""),
    ("text", "hello", ""),
    ("a number", "5", ""),
    ("bad YAML", "a: [", ""),
    ("two documents", "workers: 1\n---\nworkers: 2\n", "2 documents"),
    ("a list that holds itself", "namespaces: &a [*a]\n", ""),
    ("a map that holds itself", "serviceMonitorLabels: &a {a: *a}\n", ""),
    ("a key that stands twice", "workers: 1\nworkers: 2\n", "workers"),
    ("too small", "resyncSeconds: 0", "resyncSeconds"),
    ("no number", "resyncSeconds: .nan", "resyncSeconds"),
    ("binary", "namespaces: [!!binary aGVsbG8=]", ""),
    ("a default with a typo", "monitoring: {scrap: {}}", "monitoring.scrap: unknown field; did you mean scrape?"),
    (
        "a default that breaks a rule",
        "monitoring: {scrape: {interval: 5m}}",
        "monitoring.scrape.interval: interval must",
    ),
    ("a default profile", "monitoring: {profile: gold}", "monitoring.profile"),
    ("a list of defaults", "monitoring: [a]", "monitoring"),
    ("a runtime in place of a built-in one", OWN_RUNTIME.replace("x-own", "vllm"), "must begin with x-"),
    ("two runtimes of a name", OWN_RUNTIME + OWN_RUNTIME.removeprefix("runtimes:\n"), "'x-own' stands there twice"),
    ("a runtime without a port", OWN_RUNTIME.replace("port: 7777", ""), "runtimes.0.port"),
    ("a runtime that does not say what it lacks", OWN_RUNTIME.replace("latency", "queue"), "latency: give it in"),
    ("no address", "runbookUrl: runbooks", "runbookUrl"),
]


@pytest.mark.parametrize(("text", "told"), [row[1:] for row in BAD_SETTINGS], ids=[row[0] for row in BAD_SETTINGS])
def test_bad_settings_are_told_with_file_and_field(tmp_path: Path, text: str, told: str) -> None:
    settings = file(tmp_path, text, "settings/settings.yaml")
    result = mmctl("render", "-f", file(tmp_path, SMALL), "--settings", settings)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert str(settings) in result.stderr
    assert told in result.stderr


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00\xd8"], ids=["missing", "no text"])
def test_settings_that_cannot_be_read_are_told(tmp_path: Path, content: bytes | None) -> None:
    settings = tmp_path / "settings.yaml"
    if content is not None:
        settings.write_bytes(content)
    result = mmctl("render", "-f", file(tmp_path, SMALL, "models/model.yaml"), "--settings", settings)
    assert result.exit_code == 2
    assert "settings.yaml" in result.stderr


def test_date_in_settings_is_a_string(tmp_path: Path) -> None:
    loaded = operator_settings.load(file(tmp_path, "serviceMonitorLabels: {release: 2026-11-20}\n"))
    assert loaded.service_monitor_labels == {"release": "2026-11-20"}


def test_empty_documents_around_settings_do_not_count(tmp_path: Path) -> None:
    assert operator_settings.load(file(tmp_path, "---\n---\nworkers: 3\n---\n")).workers == 3


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}"])
def test_empty_settings_are_the_defaults(tmp_path: Path, text: str) -> None:
    assert operator_settings.load(file(tmp_path, text)) == operator_settings.load(None) == Settings()


def test_every_setting_can_be_given_in_a_file(tmp_path: Path) -> None:
    given: dict[str, Any] = {
        "namespaces": ["a", "b"],
        "serviceMonitorLabels": {"a": "1"},
        "prometheusRuleLabels": {"b": "2"},
        "dashboardLabels": {"c": "3"},
        "dashboardFolderAnnotation": "folder",
        "dashboardDatasource": "prod-.*",
        "grafanaOperator": {"instanceSelector": {"matchLabels": {"dashboards": "grafana"}}},
        "workers": 3,
        "resyncSeconds": 60,
        "discoverySeconds": 5,
        "monitoring": {"scrape": {"interval": "15s"}},
        "runtimes": yaml.safe_load(OWN_RUNTIME)["runtimes"],
        "runbookUrl": "https://wiki.example.com/runbooks",
    }
    loaded = operator_settings.load(file(tmp_path, yaml.safe_dump(given)))
    assert loaded.namespaces == ("a", "b")
    assert (loaded.workers, loaded.resync_seconds, loaded.dashboard_folder_annotation) == (3, 60, "folder")
    assert loaded.dashboard_labels == {"c": "3"}
    assert loaded.dashboard_datasource == "prod-.*"
    assert loaded.grafana_operator is not None
    assert loaded.grafana_operator.instance_selector.match_labels == {"dashboards": "grafana"}
    assert loaded.runbook_url == "https://wiki.example.com/runbooks"
    assert loaded.platform.monitoring == {"scrape": {"interval": "15s"}}
    assert set(loaded.platform.runtimes) == {*runtimes.builtin_runtimes(), "x-own"}


def test_invalid_settings_can_be_caught() -> None:
    with pytest.raises(InvalidSettings, match="missing"):
        operator_settings.load(Path("missing"))


# --- explain ---


def test_tables_are_plain_text_as_wide_as_their_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("FORCE_COLOR", "1")
    kept = [f"my_metric_{number}_total" for number in range(30)]
    team = "[red]a[/red] \\[b] :smile:"
    spec = {**MINIMAL, "monitoring": {"metrics": {"keep": kept}, "alerts": {"labels": {"team": team}}}}
    result = mmctl("explain", "-f", file(tmp_path, json.dumps(body(spec))))
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert f"  metrics.keep  {kept}  model" in [re.sub(" {2,}", "  ", line) for line in lines]
    assert f"  alerts.labels.team  {team}  model" in [re.sub(" {2,}", "  ", line) for line in lines]
    assert "\x1b" not in result.stdout
    assert [line for line in lines if line != line.rstrip()] == []


# --- the commands themselves ---


@pytest.mark.parametrize("command", ["render", "validate", "diff"])
def test_command_asks_for_a_file(command: str) -> None:
    result = mmctl(command)
    assert result.exit_code == 2
    assert "--file" in result.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["render", "-h"], ["validate", "--help"], ["run", "-h"]])
def test_help_is_there(arguments: list[str]) -> None:
    result = mmctl(*arguments)
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_version_is_there() -> None:
    assert mmctl("--version").exit_code == 0


def test_mistake_in_one_file_is_told_beside_those_of_the_others(tmp_path: Path) -> None:
    text = "---\n".join([BROKEN, json.dumps(body({**VLLM, "image": 5}, "llama"))])
    result = mmctl("validate", "-f", file(tmp_path, text))
    assert {line.split(": ")[1] for line in result.stderr.splitlines()} == {"fraud", "llama"}
