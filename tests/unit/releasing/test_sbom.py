from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from releasing import sbom

LOCK = """\
aiohttp==3.14.5 \\
    --hash=sha256:{} \\
    --hash=sha256:{}
qh3==2.1.0 ; python_full_version < '3.12' \\
    --hash=sha256:{}
""".format("a" * 64, "b" * 64, "c" * 64)


def bill(lock: str = LOCK, time: int = 1_770_000_000) -> dict[str, Any]:
    text = sbom.bill(lock, version="1.2.3", time=time, library={"modelsignals-1.2.3.tar.gz": "d" * 64})
    parsed: dict[str, Any] = json.loads(text)
    return parsed


def component(name: str) -> dict[str, Any]:
    (found,) = [each for each in bill()["components"] if each["name"] == name]
    assert isinstance(found, dict)
    return found


def test_a_pin_becomes_a_component_with_the_digests_of_its_files() -> None:
    found = component("aiohttp")
    assert found["purl"] == "pkg:pypi/aiohttp@3.14.5"
    assert found["scope"] == "required"
    (files,) = found["externalReferences"]
    assert {each["content"] for each in files["hashes"]} == {"a" * 64, "b" * 64}


def test_a_pin_for_some_platforms_is_optional() -> None:
    assert component("qh3")["scope"] == "optional"


def test_the_library_is_a_component_with_the_version_of_the_release() -> None:
    found = component("modelsignals")
    assert found["version"] == "1.2.3"
    assert found["externalReferences"][0]["hashes"] == [{"alg": "SHA-256", "content": "d" * 64}]


def test_the_operator_depends_on_all_components() -> None:
    built = bill()
    (operator,) = [each for each in built["dependencies"] if each["ref"] == built["metadata"]["component"]["bom-ref"]]
    assert set(operator["dependsOn"]) == {each["bom-ref"] for each in built["components"]}


def test_equal_content_is_an_equal_bill_and_other_content_has_another_serial_number() -> None:
    assert bill() == bill()
    assert bill()["metadata"]["timestamp"] == "2026-02-02T02:40:00+00:00"
    assert bill()["serialNumber"] != bill(LOCK.replace("3.14.5", "3.14.6"))["serialNumber"]


def test_the_bill_of_our_lock_file_is_valid_and_complete() -> None:
    lock = (Path(__file__).parents[3] / "requirements/operator.txt").read_text()
    text = sbom.bill(lock, version="1.2.3", time=0, library={})
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    names = {each["name"] for each in json.loads(text)["components"]}
    assert names >= {"kopf", "kubernetes", "pydantic", "modelsignals"}
    assert len(names) == lock.count("==") - lock.count(" == '") + 1
