"""A client that openapi-python-client generates from docs/openapi.json, used against a real server."""

import importlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from conftest import blocks

ROOT = Path(__file__).parents[2]
PACKAGE = "zonewright_client"


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Makes the generated package importable."""
    folder = tmp_path_factory.mktemp("generated")
    programs = Path(sys.executable).parent
    command = [str(programs / "openapi-python-client"), "generate", "--fail-on-warning", "--meta", "none"]
    files = ["--path", str(ROOT / "docs/openapi.json"), "--config", str(Path(__file__).with_name("python-client.yaml"))]
    # It formats its code with the ruff that it finds.
    path = {**os.environ, "PATH": f"{programs}:{os.environ['PATH']}"}
    output = ["--output-path", str(folder / PACKAGE)]
    result = subprocess.run([*command, *files, *output], env=path, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))


def operation(name: str) -> Any:
    return importlib.import_module(f"{PACKAGE}.api.{name}")


@pytest.mark.usefixtures("generated")
def test_the_example_of_the_documentation_works(
    server: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("API", f"{server.url}/api/v1")
    monkeypatch.setenv("TOKEN", server.token)
    (example,) = [block for block in blocks(ROOT / "docs/clients.md") if f"from {PACKAGE} import" in block]
    exec(example.removeprefix("python\n"), {})
    assert capsys.readouterr().out == "example.com 1\n"


@pytest.mark.usefixtures("generated")
def test_a_generated_client_manages_zones(server: Any) -> None:
    client = importlib.import_module(PACKAGE).AuthenticatedClient(f"{server.url}/api/v1", server.token)
    models = importlib.import_module(f"{PACKAGE}.models")
    types = importlib.import_module(f"{PACKAGE}.types")

    create = operation("zones.create_zone")
    for number in range(3):
        zone = create.sync(client=client, body=models.NewZone(f"zone{number}.example"))
        assert isinstance(zone, models.CreatedZone)
    first, cursor = [], types.UNSET
    while cursor is not None:
        page = operation("zones.list_zones").sync_detailed(client=client, page_size=2, cursor=cursor)
        first += [zone.domain for zone in page.parsed]
        link = page.headers.get("Link")
        cursor = parse_qs(urlsplit(link.split(">")[0]).query)["cursor"][0] if link else None
    assert first == ["zone0.example", "zone1.example", "zone2.example"]

    error = create.sync(client=client, body=models.NewZone("zone0.example"))
    assert isinstance(error, models.Error)
    assert (error.error_code, error.field, error.detail) == ("validation_error", "domain", "zone already exists")

    change = operation("records.change_zone")
    address = models.UpsertRrsetChange(
        action="upsert_rrset", record_type="A", name="www", records=[models.RrsetRecord("192.0.2.1")], ttl=300
    )
    text = models.CreateChange(action="create", record_type="TXT", name="@", value="v=spf1 -all")
    body = models.ChangeZoneBody([address, text], comment="generated")
    answer = change.sync_detailed(zone.uuid, client=client, body=body, prefer="wait=30")
    assert answer.status_code == HTTPStatus.OK, answer.content
    assert answer.headers["Deployment"] == "live"
    assert [record.value for record in answer.parsed.added] == ["v=spf1 -all", "192.0.2.1"]
    outdated = change.sync_detailed(zone.uuid, client=client, body=body, if_match='"1"')
    assert outdated.status_code == HTTPStatus.PRECONDITION_FAILED
    assert outdated.parsed.error_code == "precondition_failed"
    refused = change.sync(
        zone.uuid, client=client, body=models.ChangeZoneBody([models.DeleteChange("delete", zone.uuid)])
    )
    assert isinstance(refused, models.ErrorsOfParts)
    assert refused.errors[0].index == 0

    exported = operation("zones.get_zone_file").sync(zone.uuid, client=client)
    assert b"www 300 IN A 192.0.2.1\n" in exported
    file = types.File(io.BytesIO(b"www 60 IN A 192.0.2.2\n"))
    preview = operation("zones.replace_zone_file").sync(zone.uuid, client=client, body=file, dry_run=True)
    assert (preview.dry_run, preview.added, preview.removed) == (True, 1, 2)

    deleted = operation("zones.delete_zone").sync_detailed(zone.uuid, client=client)
    assert deleted.status_code == HTTPStatus.NO_CONTENT
