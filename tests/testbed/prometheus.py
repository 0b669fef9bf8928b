"""A real Prometheus on this machine that begins with a history: samples of the past, then rules evaluated as time goes on."""

from __future__ import annotations

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from testbed import tools
from testbed.processes import Process, free_port, start, wait_for_url, wait_until

_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
RETENTION = "100d"
CREATE_BLOCKS = ("tsdb", "create-blocks-from", "--max-block-duration=240h")
"""Of promtool; without the flag there would be a block for each two hours."""


@dataclass(frozen=True)
class Prometheus:
    """A running server."""

    url: str
    process: Process

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


@contextmanager
def running(
    folder: Path,
    groups: list[dict[str, Any]],
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
