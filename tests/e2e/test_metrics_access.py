"""/metrics behind the API server's own reviews, over TLS, with tokens of real service accounts."""

from __future__ import annotations

import http.client
import re
import signal
import ssl
import subprocess
import urllib.parse
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from monitored_models.naming.kinds import SUBJECT_ACCESS_REVIEW, TOKEN_REVIEW
from operator_identity import OPERATOR
from operator_testbed import OWN_CRDS, ROOT, Bed, Object, running_bed
from testbed import pages, prometheus, tools, used_rights
from testbed.processes import Process

pytestmark = pytest.mark.e2e

RBAC = "rbac.authorization.k8s.io"
NAMESPACE = "monitoring"
ACCOUNTS = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts"
REVIEWER, SCRAPER, STRANGER = "operator-reviews", "prometheus", "stranger"


@dataclass
class Secret:
    """A folder as the kubelet mounts a Secret: links to files behind a link, which alone is replaced."""

    folder: Path

    def put(self, certificate: bytes, key: bytes) -> None:
        version = self.folder / f"..{len(list(self.folder.iterdir()))}"
        version.mkdir()
        (version / "tls.crt").write_bytes(certificate)
        (version / "tls.key").write_bytes(key)
        following = self.folder / "..data_tmp"
        following.symlink_to(version.name)
        following.rename(self.folder / "..data")
        for name in ("tls.crt", "tls.key"):
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(Path("..data") / name)


@dataclass
class Place:
    """A control plane, and an operator that asks it about each token."""

    bed: Bed
    process: Process
    secret: Secret
    authority: Path

    def token(self, account: str, **spec: object) -> str:
        """A new token of a service account."""
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
        status, body = self.bed.plane.request("POST", f"{ACCOUNTS}/{account}/token", request)
        assert status == 201, body
        return str(body["status"]["token"])

    def get(self, path: str, token: str | None = None, authority: Path | None = None) -> tuple[int, str]:
        """Status and text of a page. Raises ssl.SSLError if the certificate is not of the authority."""
        host = urllib.parse.urlsplit(pages.address(self.process))
        assert host.scheme == "https"
        trusting = ssl.create_default_context(cafile=authority or self.authority)
        connection = http.client.HTTPSConnection(host.hostname or "", host.port, timeout=60, context=trusting)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def wait(self, what: str, status: int, account: str = SCRAPER) -> None:
        """Wait until a new token of an account gets a status: the API server authorizes from a cache."""
        self.bed.wait(what, lambda: self.get("/metrics", self.token(account))[0] == status)


def certificates(folder: Path) -> Path:
    """A folder with a new authority, and a certificate of it for loopback."""
    folder.mkdir()
    subprocess.run([tools.ensure("certs")["certs"], folder], check=True)
    return folder


def bind(name: str, role: str, subject: Object) -> Object:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [subject],
    }


def roles() -> list[Object]:
    """The roles that the page on operating asks for."""
    section = (ROOT / "docs/operating.md").read_text().split("## Who may read the metrics")[1].split("\n## ")[0]
    _settings, objects = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    return list(yaml.safe_load_all(objects))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("access")
    first = certificates(folder / "first")
    (folder / "secret").mkdir()
    secret = Secret(folder / "secret")
    secret.put((first / "server.crt").read_bytes(), (first / "server.key").read_bytes())
    with running_bed(folder / "plane", OWN_CRDS, controllers=False) as bed:
        bed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})
        for name in (SCRAPER, STRANGER):
            bed.apply(
                {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": NAMESPACE}}
            )
        reviews, reads = roles()
        for role in (reviews, reads):
            bed.apply(role)
        bed.apply(bind(REVIEWER, reviews["metadata"]["name"], {"kind": "User", "apiGroup": RBAC, "name": OPERATOR}))
        scraper = {"kind": "ServiceAccount", "name": SCRAPER, "namespace": NAMESPACE}
        bed.apply(bind(SCRAPER, reads["metadata"]["name"], scraper))
        tls = {"certFile": str(folder / "secret/tls.crt"), "keyFile": str(folder / "secret/tls.key")}
        bed.expected_denials.add(
            "create tokenreviews.authentication.k8s.io in the cluster"
        )  # a test takes the right away
        with bed.operator("protected", metricsAuthentication="kubernetes", tls=tls) as process:
            made = Place(bed, process, secret, first / "ca.crt")
            made.wait("the roles in force", 200)
            yield made


def test_only_who_may_get_the_metrics_gets_them(place: Place) -> None:
    status, text = place.get("/metrics", place.token(SCRAPER))
    assert status == 200
    assert "monitored_models_build_info" in text
    status, text = place.get("/metrics", place.token(STRANGER))
    assert status == 403
    assert text.startswith(f"system:serviceaccount:{NAMESPACE}:{STRANGER} may not get /metrics")
    for token in (None, "unknown", place.token(SCRAPER)[:-8] + "AAAAAAAA", place.token(SCRAPER, audiences=["other"])):
        status, text = place.get("/metrics", token)
        assert status == 401
        assert "monitored_models_" not in text


def test_token_that_was_revoked_is_refused(place: Place) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "bound", "namespace": NAMESPACE}}
    uid = place.bed.apply(secret)["metadata"]["uid"]
    token = place.token(SCRAPER, boundObjectRef={"apiVersion": "v1", "kind": "Secret", "name": "bound", "uid": uid})
    status, body = place.bed.plane.request("DELETE", f"/api/v1/namespaces/{NAMESPACE}/secrets/bound")
    assert status == 200, body
    assert place.get("/metrics", token)[0] == 401


def test_probes_need_no_token(place: Place) -> None:
    assert place.get("/healthz") == (200, "ok\n")
    place.bed.wait("readiness", lambda: place.get("/readyz")[0] == 200)


def test_concurrent_requests_cost_one_review_and_the_token_is_nowhere(place: Place) -> None:
    def reviews() -> int:
        kinds = {TOKEN_REVIEW.plural, SUBJECT_ACCESS_REVIEW.plural}
        ours = (each for each in place.bed.audit() if each["user"]["username"] == OPERATOR)
        return sum(each["objectRef"].get("resource") in kinds for each in ours if "objectRef" in each)

    token, before = place.token(SCRAPER), reviews()
    with ThreadPoolExecutor(16) as threads:
        statuses = list(threads.map(lambda _: place.get("/metrics", token)[0], range(32)))
    assert statuses == [200] * 32
    assert reviews() == before + 2
    secret_part = token.rsplit(".", 1)[1]
    assert secret_part not in place.process.log.read_text()
    assert secret_part not in place.get("/metrics", token)[1]


def test_prometheus_scrapes_with_its_token(place: Place, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(place.token(SCRAPER))
    job = {
        "job_name": "operator",
        "scheme": "https",
        "scrape_interval": "1s",
        "authorization": {"credentials_file": str(tmp_path / "token")},
        "tls_config": {"ca_file": str(place.authority)},
        "static_configs": [{"targets": [pages.address(place.process).removeprefix("https://")]}],
    }
    with prometheus.running(tmp_path, [], scrape=[job]) as server:
        place.bed.wait("a scrape", lambda: server.query("up == 1") and server.query("monitored_models_build_info"))


def test_new_certificate_is_used_without_a_restart(place: Place, tmp_path: Path) -> None:
    following, token = certificates(tmp_path / "following"), place.token(SCRAPER)
    place.secret.put((following / "server.crt").read_bytes(), (following / "server.key").read_bytes())
    assert place.get("/metrics", token, following / "ca.crt")[0] == 200
    with pytest.raises(ssl.SSLCertVerificationError):
        place.get("/metrics", token)
    other = certificates(tmp_path / "other")
    place.secret.put((other / "server.crt").read_bytes(), (following / "server.key").read_bytes())
    assert place.get("/metrics", token, following / "ca.crt")[0] == 200  # a pair that does not match is not used
    assert place.process.logged("CertificateNotLoaded")
    place.authority = other / "ca.crt"
    place.secret.put((other / "server.crt").read_bytes(), (other / "server.key").read_bytes())
    assert place.get("/metrics", token)[0] == 200


def test_without_the_right_to_ask_nobody_gets_the_metrics(place: Place) -> None:
    path = f"/apis/{RBAC}/v1/clusterrolebindings/{REVIEWER}"
    _, binding = place.bed.plane.request("GET", path)
    assert place.bed.plane.request("DELETE", path)[0] == 200
    place.wait("503 without the right", 503)
    assert place.process.logged(f'cannot create resource \\"{TOKEN_REVIEW.plural}\\"')
    place.bed.apply(bind(REVIEWER, binding["roleRef"]["name"], binding["subjects"][0]))
    place.wait("200 with the right", 200)


@pytest.mark.parametrize("how", ["hangs", "is gone"])
def test_without_the_api_server_only_known_tokens_get_the_metrics(place: Place, how: str) -> None:
    known, new = place.token(SCRAPER), place.token(SCRAPER)
    api_server = place.bed.plane.processes["kube-apiserver"]
    assert place.get("/metrics", known)[0] == 200
    if how == "hangs":
        api_server.signal(signal.SIGSTOP)
    else:
        place.bed.plane.stop()
    try:
        status, text = place.get("/metrics", new)
        assert (status, "monitored_models_" in text) == (503, False)
        assert place.get("/healthz")[0] == 200
        assert place.get("/metrics", known)[0] == 200
    finally:
        if how == "hangs":
            api_server.signal(signal.SIGCONT)
        else:
            place.bed.plane.start()
    place.bed.wait("an answer for the same token", lambda: place.get("/metrics", new)[0] == 200)
    # An API server that starts refuses watches until it has read the roles.
    denied = used_rights.denials(list(used_rights.entries_of(OPERATOR, place.bed.plane.audit_log)))
    place.bed.expected_denials |= {each for each in denied if each.startswith("watch ")}
