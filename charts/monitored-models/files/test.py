"""`helm test`: the API server accepts a MonitoredModel, refuses a wrong one, and an operator leads."""

import json
import os
import ssl
import urllib.error
import urllib.request
from datetime import datetime, timezone

CREDENTIALS = os.environ.get("CREDENTIALS", "/var/run/secrets/kubernetes.io/serviceaccount")
NAMESPACE, LEASE = os.environ["NAMESPACE"], os.environ["LEASE"]
HOST, PORT = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]


def call(method, path, body=None):
    """Send a request and return status and answer."""
    with open(f"{CREDENTIALS}/token") as file:
        headers = {"Authorization": f"Bearer {file.read()}", "Content-Type": "application/json"}
    url = f"https://[{HOST}]:{PORT}{path}" if ":" in HOST else f"https://{HOST}:{PORT}{path}"
    request = urllib.request.Request(url, json.dumps(body).encode() if body else None, headers, method=method)
    context = ssl.create_default_context(cafile=f"{CREDENTIALS}/ca.crt")
    try:
        with urllib.request.urlopen(request, timeout=20, context=context) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def try_to_create(spec):
    """Create a model without storing it."""
    path = (
        f"/apis/monitoredmodels.dev/v1alpha1/namespaces/{NAMESPACE}/monitoredmodels?dryRun=All&fieldValidation=Strict"
    )
    model = {"apiVersion": "monitoredmodels.dev/v1alpha1", "kind": "MonitoredModel", "metadata": {"name": "helm-test"}}
    return call("POST", path, {**model, "spec": spec})


status, answer = try_to_create({"image": "registry.example.com/model:1"})
# A policy of the cluster may forbid that image: it decides after the schema has been checked.
if status != 201 and "ValidatingAdmissionPolicy" not in str(answer.get("message")):
    raise SystemExit(f"the API server does not accept a MonitoredModel: {status} {answer.get('message')}")
status, answer = try_to_create({"image": "registry.example.com/model:1", "replicsa": 2})
if status != 400:
    raise SystemExit(f"the API server accepts a misspelled field: {status}")
status, answer = call("GET", f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/{LEASE}")
if status != 200:
    raise SystemExit(f"no operator has led yet: {status} {answer.get('message')}")
spec = answer["spec"]
age = (datetime.now(timezone.utc) - datetime.fromisoformat(spec["renewTime"].replace("Z", "+00:00"))).total_seconds()
if not spec.get("holderIdentity") or age > 60:
    raise SystemExit(f"no operator leads: the Lease {LEASE} was renewed {age:.0f} s ago")
print(f"{spec['holderIdentity']} leads; MonitoredModels are accepted, a misspelled field is not")
