"""A real server for each test, in a temporary folder, on ports that the kernel chooses.

`ZONEWRIGHT` is the binary; `scripts/test` sets it to the one that it has built.
"""

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pytest
import requests

ROOT = Path(__file__).parent.parent
BINARY = os.environ.get("ZONEWRIGHT", str(ROOT / "target/debug/zonewright"))
ACCOUNT = "admin@localhost"
# For what takes milliseconds, and may take longer on a busy machine. In seconds.
DEADLINE = 60

T = TypeVar("T")


def wait_for(what: str, attempt: Callable[[], T | None]) -> T:
    """Calls `attempt` until it gives something."""
    end = time.monotonic() + DEADLINE
    while (found := attempt()) is None:
        assert time.monotonic() < end, f"waited {DEADLINE} s for {what}"
        time.sleep(0.02)
    return found


def blocks(file: Path) -> list[str]:
    """The fenced blocks of a Markdown file, each with its language on the first line."""
    return [block.removeprefix("```") for block in re.findall(r"^```\w+\n.*?(?=^```$)", file.read_text(), re.M | re.S)]


class Server:
    """`zonewright serve` on an empty data directory."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.data = folder / "data"
        self.log = folder / "server.log"
        addresses = ["--http", "127.0.0.1:0", "--dns", "127.0.0.1:0", "--metrics", "none"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [BINARY, "serve", "--data", str(self.data), *addresses],
                stdout=log,
                stderr=log,
                env={**os.environ, **environment},
            )
        running = wait_for("the server to start", self._running)
        self.url = f"http://{running['http.address']}"
        self.dns: str = running["dns.address"]
        wait_for("the server to be ready", lambda: requests.get(f"{self.url}/readyz").ok or None)
        self.token = self.new_token("test")
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {self.token}"

    def _running(self) -> dict[str, Any] | None:
        assert self.process.poll() is None, self.log.read_text()
        lines = [line for line in self.log.read_text().splitlines() if '"zonewright is running"' in line]
        return json.loads(lines[0]) if lines else None

    def command(self, *arguments: str) -> str:
        """What a command on the server's data prints."""
        result = subprocess.run([BINARY, *arguments, "--data", str(self.data)], capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def new_token(self, name: str, *flags: str, account: str = ACCOUNT) -> str:
        """A token that may do everything, or what `flags` say."""
        flags = flags or ("--permission", "dns:*")
        return self.command("token", "create", "--account", account, "--name", name, *flags)

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """The answer to a request that must succeed."""
        response = self.session.request(method, f"{self.url}/api/v1{path}", json=body)
        assert response.ok, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def create_zone(self, domain: str) -> str:
        """Gives the zone's UUID."""
        return str(self.api("POST", "/dns-zones/", {"domain": domain})["uuid"])

    def zone(self, domain: str) -> str:
        return str(self.api("GET", f"/dns-zones/?domain={domain}")[0]["uuid"])

    def sets(self, domain: str) -> dict[tuple[str, str], tuple[int, list[str]]]:
        """The record sets of a zone: TTL and values by name and type."""
        sets: dict[tuple[str, str], tuple[int, list[str]]] = {}
        for record in self.api("GET", f"/dns-zones/{self.zone(domain)}/records/"):
            priority = "" if record["priority"] is None else f"{record['priority']} "
            entry = sets.setdefault((record["name"], record["record_type"]), (record["ttl"], []))
            entry[1].append(priority + record["value"])
        return {key: (ttl, sorted(values)) for key, (ttl, values) in sets.items()}

    def versions(self, domain: str) -> list[dict[str, Any]]:
        """The zone's versions, newest first."""
        versions: list[dict[str, Any]] = self.api("GET", f"/dns-zones/{self.zone(domain)}/history/")
        return versions

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(DEADLINE)


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """`@pytest.mark.settings(ZONEWRIGHT_...='...')` sets environment variables of the server."""
    marker = request.node.get_closest_marker("settings")
    with TemporaryDirectory() as folder:
        # A named that the server starts as another user passes through.
        Path(folder).chmod(0o711)
        started = Server(Path(folder), marker.kwargs if marker else {})
        yield started
        started.stop()
