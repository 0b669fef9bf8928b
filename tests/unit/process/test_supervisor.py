"""The thread beside the work: it answers while the work is busy, and the process ends with it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from monitored_models.kube.errors import ConfigurationError
from monitored_models.process.supervisor import Supervisor
from monitored_models.settings import ListenTls, Settings
from monitored_models.telemetry.heartbeat import Heartbeat
from monitored_models.telemetry.http_server import ListenError, application
from monitored_models.telemetry.telemetry import Telemetry

HANG_TIMEOUT = 60.0
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def test_pages_are_answered_while_the_event_loop_of_the_work_is_held() -> None:
    async def main() -> list[int]:
        supervisor = Supervisor(Settings(listen="127.0.0.1:0"), Telemetry())
        address = await supervisor.start()
        # No await from here on: the loop of the work does not turn.
        answers = []
        for path in ("/healthz", "/metrics", "/readyz"):
            try:
                with _direct.open(address + path, timeout=10) as answer:
                    answers.append(answer.status)
            except urllib.error.HTTPError as error:
                with error:
                    answers.append(error.code)
        await supervisor.finish()
        return answers

    assert asyncio.run(main()) == [200, 200, 503]  # not ready: it has not started yet


def test_address_that_is_taken_is_reported_by_the_start() -> None:
    async def main() -> None:
        first = Supervisor(Settings(listen="127.0.0.1:0"), Telemetry())
        address = await first.start()
        try:
            second = Supervisor(Settings(listen=address.removeprefix("http://")), Telemetry())
            with pytest.raises(ListenError, match="setting listen"):
                await second.start()
        finally:
            await first.finish()

    asyncio.run(main())


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_certificate_that_cannot_be_used_is_reported_by_the_start(tmp_path: Path, content: str | None) -> None:
    certificate, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    for path in (certificate, key) if content else ():
        path.write_text(content or "")
    tls = ListenTls(cert_file=str(certificate), key_file=str(key))

    async def main() -> None:
        with pytest.raises(ListenError, match=f"{certificate}.*setting tls"):
            await Supervisor(Settings(listen="127.0.0.1:0", tls=tls), Telemetry()).start()

    asyncio.run(main())


def test_start_without_a_cluster_to_review_tokens_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))

    async def main() -> None:
        with pytest.raises(ConfigurationError, match="Set KUBECONFIG"):
            await Supervisor(Settings(listen="127.0.0.1:0", metrics_authentication="kubernetes"), Telemetry()).start()

    asyncio.run(main())


@pytest.mark.parametrize(("stalled", "code"), [(HANG_TIMEOUT - 1, 200), (HANG_TIMEOUT, 503)])
def test_liveness_fails_when_the_work_has_hung_for_the_limit(stalled: float, code: int) -> None:
    times = iter([0.0, *(float(second) for second in range(1, int(stalled) + 1))])
    telemetry = Telemetry(heartbeat=Heartbeat(lambda: next(times)))
    for _ in range(int(stalled)):
        telemetry.heartbeat.measure()

    async def main() -> tuple[int, str]:
        async with TestClient(TestServer(application(telemetry, HANG_TIMEOUT))) as client:
            answer = await client.get("/healthz")
            return answer.status, await answer.text()

    status, text = asyncio.run(main())
    assert status == code
    assert ("not turned for 60 s" in text) is (code == 503)


def ended(body: str) -> subprocess.CompletedProcess[str]:
    """A process whose work goes on for a minute beside a supervisor with this method."""
    code = """
        import asyncio
        from monitored_models.telemetry.telemetry import Telemetry
        from monitored_models.telemetry.logs import to_stderr
        from monitored_models.settings import Settings
        from monitored_models.process.supervisor import Supervisor

        class Failing(Supervisor):
        {body}

        async def main():
            supervisor = Failing(Settings(listen=""), Telemetry())
            await supervisor.start()
            {then}
            await asyncio.sleep(60)

        to_stderr(verbose=False)
        asyncio.run(main())
    """
    method, _, then = textwrap.dedent(body).strip().partition("---\n")
    filled = textwrap.dedent(code).format(body=textwrap.indent(method, "    "), then=then or "pass")
    return subprocess.run([sys.executable, "-c", filled], capture_output=True, text=True, check=False, timeout=50)


def test_process_ends_when_the_thread_fails() -> None:
    done = ended("""
        async def _watch_work(self):
            raise RuntimeError("odd")
    """)
    assert done.returncode == 1
    assert '"reason": "SupervisorEnded"' in done.stderr
    assert "odd" in done.stderr


def test_process_that_does_not_end_in_time_is_ended() -> None:
    began = time.monotonic()
    done = ended("""
        pass
        ---
        supervisor.end_within(1)
    """)
    assert done.returncode == 1
    assert '"reason": "NotEnded"' in done.stderr
    assert time.monotonic() - began < 40
