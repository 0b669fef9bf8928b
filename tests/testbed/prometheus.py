"""A real Prometheus on this machine that begins with a history: samples of the past, and what rules would have made of them.

A test that looks at a past asks `at_the_end`: rules are evaluated at times of that past, whatever the clock says. Only
what has to happen by itself, such as alerts that reach somebody, needs rules in a server that runs.
"""

from __future__ import annotations

import json
import re
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser
import yaml

from monitored_models.api.fields import seconds as in_seconds
from testbed import tools
from testbed.processes import Process, free_port, start, wait_for_url, wait_until

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
RETENTION = "100d"
CREATE_BLOCKS = ("tsdb", "create-blocks-from", "--max-block-duration=240h")
"""Of promtool; without the flag there would be a block for each two hours."""
STEP = "30s"
"""Between two evaluations where neither a group nor a test says otherwise, as prometheus-operator has it."""
Group = dict[str, Any]
"""A rule group, as it stands in a PrometheusRule."""


@dataclass(frozen=True)
class Prometheus:
    """A running server."""

    url: str
    process: Process | None = None
    """Where this machine runs it."""

    def get(self, path: str, **parameters: str) -> Any:
        """`data` of an answer of the HTTP API. Raises OSError, with Prometheus' own words where it gave any."""
        query = f"?{urllib.parse.urlencode(parameters)}" if parameters else ""
        try:
            with _direct.open(f"{self.url}/api/v1/{path}{query}", timeout=60) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise OSError(f"{path}{query}: {error.read().decode(errors='replace')}") from error

    def query(self, promql: str, **parameters: str) -> list[dict[str, Any]]:
        """The samples of an instant query: each with `metric` and `value`."""
        found: list[dict[str, Any]] = self.get("query", query=promql, **parameters)["result"]
        return found

    def rules(self) -> list[dict[str, Any]]:
        """Every rule, with its health."""
        return [rule for group in self.get("rules")["groups"] for rule in group["rules"]]

    def evaluated(self) -> bool:
        """Whether every rule has been evaluated. Raises AssertionError for one that failed."""
        rules = self.rules()
        failed = [rule for rule in rules if rule["health"] == "err"]
        assert not failed, failed[0]
        return bool(rules) and all(rule["health"] == "ok" for rule in rules)


def line(name: str, labels: dict[str, str], value: float | str, at: float) -> str:
    """A sample of OpenMetrics, of labels as they are: not escaped yet."""
    inside = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{inside}}} {value} {at:.3f}"


def _escaped(text: str) -> str:
    return re.sub(r'[\\"\n]', lambda found: {"\n": r"\n"}.get(found[0], f"\\{found[0]}"), text)


def write_history(folder: Path, samples: Iterable[str]) -> None:
    """Blocks of samples, each a line of OpenMetrics with a time in seconds, in the data folder of a Prometheus to come."""
    folder.mkdir(parents=True, exist_ok=True)
    text = folder / "history.om"
    with text.open("w") as file:
        file.writelines(f"{line}\n" for line in samples)
        file.write("# EOF\n")
    promtool = tools.ensure("promtool")["promtool"]
    done = subprocess.run(
        [promtool, *CREATE_BLOCKS, "openmetrics", "--quiet", text, folder / "data"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    text.unlink()


def record(folder: Path, groups: Iterable[Group], end: float, *, seconds: float, step: str = STEP) -> None:
    """What the recording rules of groups would have made of the folder's history in the seconds up to a time.

    Each group is evaluated at its own interval, otherwise at the step, and once exactly at the end. promtool can record
    the past too, but only at times that it derives from the name of the rule file. Raises OSError for a rule that fails.
    """
    for layer in _layers([(rule, group.get("interval", step)) for group in groups for rule in group["rules"]]):
        with running(folder, []) as server:
            samples = [sample for rule, interval in layer for sample in _recorded(server, rule, end, seconds, interval)]
        write_history(folder, samples)


def _layers(rules: list[tuple[dict[str, Any], str]]) -> list[list[tuple[dict[str, Any], str]]]:
    """The recording rules, those that read what others record after those others."""
    waiting, layers = [(rule, interval) for rule, interval in rules if "record" in rule], []
    while waiting:
        open_names = {rule["record"] for rule, _ in waiting}
        layers.append([each for each in waiting if not names_in(each[0]["expr"]) & open_names])
        assert layers[-1], f"rules that wait for each other: {sorted(open_names)}"
        waiting = [each for each in waiting if each not in layers[-1]]
    return layers


def names_in(expression: str) -> set[str]:
    """Names of the series that an expression reads."""
    found: set[str] = set()

    def visit(node: promql_parser.Expr) -> bool:
        if isinstance(node, promql_parser.VectorSelector) and node.name:
            found.add(node.name)
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


def _recorded(server: Prometheus, rule: dict[str, Any], end: float, seconds: float, interval: str) -> list[str]:
    """Samples of one rule. Raises AssertionError where two of its series would be one."""
    step = in_seconds(interval)
    span = {"start": f"{end - seconds // step * step}", "end": f"{end}", "step": f"{step}"}
    answer = server.get("query_range", query=rule["expr"], **span)["result"]
    found: dict[tuple[tuple[str, str], ...], list[tuple[float, str]]] = {}
    for series in answer:
        labels = {k: v for k, v in {**series["metric"], **rule.get("labels", {})}.items() if k != "__name__" and v}
        key = tuple(sorted(labels.items()))
        assert key not in found, f"{rule['record']}: twice {labels}"
        found[key] = series["values"]
    return [line(rule["record"], dict(key), value, at) for key, values in found.items() for at, value in values]


@contextmanager
def at_the_end(
    folder: Path, groups: Iterable[Group], end: float, *, seconds: float = 300, step: str = STEP
) -> Iterator[Prometheus]:
    """A Prometheus that has evaluated the groups over the last seconds of the folder's history.

    To be asked with `time=end`. Raises OSError for an expression that fails, those of alerts included.
    """
    groups = list(groups)
    record(folder, groups, end, seconds=seconds, step=step)
    with running(folder, []) as server:
        for rule in (rule for group in groups for rule in group["rules"] if "alert" in rule):
            server.query(rule["expr"], time=str(end))
        yield server


@contextmanager
def running(
    folder: Path,
    groups: list[Group],
    *,
    interval: str = "1s",
    scrape: list[dict[str, Any]] | None = None,
    alertmanagers: Iterable[str] = (),
) -> Iterator[Prometheus]:
    """A Prometheus over the folder's history, with rules; every group without an interval of its own has this one.

    It tells the Alertmanagers, each a host and a port, what fires.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rules, configuration = folder / "rules.yaml", folder / "prometheus.yaml"
    rules.write_text(yaml.safe_dump({"groups": groups}))
    general = {"evaluation_interval": interval, "scrape_interval": "5s"}
    told = [{"static_configs": [{"targets": list(alertmanagers)}]}]
    content = {"global": general, "rule_files": [str(rules)], "scrape_configs": scrape or []}
    configuration.write_text(yaml.safe_dump({**content, "alerting": {"alertmanagers": told}}))
    port = free_port()
    process = start(
        "prometheus",
        [
            tools.ensure("prometheus")["prometheus"],
            f"--config.file={configuration}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--storage.tsdb.retention.time={RETENTION}",
            f"--web.listen-address=127.0.0.1:{port}",
        ],
        log=folder / "prometheus.log",
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for_url(f"{url}/-/ready", timeout=60, processes=[process])
        yield Prometheus(url, process)
    finally:
        process.kill()


def wait_evaluated(prometheus: Prometheus, timeout: float = 60) -> None:
    """Wait until every rule has been evaluated at least once."""
    wait_until(prometheus.evaluated, "evaluation of every rule", timeout=timeout)
