"""Certbot's command with Pebble, an ACME server that queries the nameserver; and the methods of the plugin."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from certbot import errors
from cryptography import x509

import certbot_dns_zonewright.api
from certbot_dns_zonewright import Authenticator
from conftest import DEADLINE, blocks, wait_for

CHALLENGE = "_acme-challenge.www.example.com"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture
def pebble(server: Any, tmp_path: Path) -> Iterator[str]:
    """The URL of an ACME server."""
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    key = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "pebble.pem"]
    subprocess.run([*key, *names], check=True, cwd=tmp_path, capture_output=True)
    address = f"127.0.0.1:{free_port()}"
    settings = {
        "listenAddress": address,
        "managementListenAddress": f"127.0.0.1:{free_port()}",
        "certificate": "pebble.pem",
        "privateKey": "key.pem",
        "httpPort": 5002,
        "tlsPort": 5001,
        "ocspResponderURL": "",
        "externalAccountBindingRequired": False,
    }
    (tmp_path / "pebble.json").write_text(json.dumps({"pebble": settings}))
    quick = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}
    with (tmp_path / "pebble.log").open("wb") as log:
        command = ["pebble", "-config", "pebble.json", "-dnsserver", server.dns]
        process = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=log, env={**os.environ, **quick})
    url = f"https://{address}/dir"

    def answers() -> bool | None:
        try:
            return requests.get(url, verify=str(tmp_path / "pebble.pem")).ok or None
        except requests.ConnectionError:
            return None

    wait_for("pebble to answer", answers)
    yield url
    process.terminate()
    process.wait(DEADLINE)


def test_the_readme_gets_a_certificate_for_a_name_and_its_wildcard(server: Any, pebble: str, tmp_path: Path) -> None:
    zone = server.create_zone("example.com")
    other = {"record_type": "TXT", "name": "_acme-challenge.www", "value": "of another client", "ttl": 7200}
    server.api("POST", f"/dns-zones/{zone}/records/", other)
    before = server.sets("example.com")

    home = tmp_path / "home"
    (home / "letsencrypt").mkdir(parents=True)
    folders = "".join(f"{name}-dir = {home / name}\n" for name in ("config", "work", "logs"))
    (home / "letsencrypt/cli.ini").write_text(
        f"server = {pebble}\nno-verify-ssl = true\nnon-interactive = true\nagree-tos = true\n"
        f"register-unsafely-without-email = true\n{folders}"
    )
    (tmp_path / "env").symlink_to(Path(sys.executable).parent.parent)

    def run(commands: str) -> str:
        environment = {**os.environ, "HOME": str(home), "XDG_CONFIG_HOME": str(home)}
        command = ["sh", "-e", "-c", commands.removeprefix("sh\n")]
        result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert result.returncode == 0, f"{result.stdout}{result.stderr}{(tmp_path / 'pebble.log').read_text()}"
        assert server.token not in result.stdout + result.stderr
        return result.stdout

    _, _, credentials, certonly = blocks(Path(__file__).parents[1] / "README.md")
    token = server.new_token(
        "certbot", "--zone=example.com", "--permission=dns:list", "--permission=dns:create", "--permission=dns:delete"
    )
    run(credentials.replace("http://127.0.0.1:8053", server.url).replace("vps_...", token))
    assert "Waiting 0 seconds" in run(certonly)
    certificate = x509.load_pem_x509_certificate((home / "config/live/www.example.com/cert.pem").read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert sorted(names.get_values_for_type(x509.DNSName)) == ["*.www.example.com", "www.example.com"]

    run("env/bin/certbot renew --force-renewal --no-random-sleep-on-renew")
    assert server.sets("example.com") == before
    counts = [version["counts"] for version in server.versions("example.com")[:8]]
    assert all(count["added"] + count["removed"] == 1 for count in counts), counts
    assert {version["author"]["token"] for version in server.versions("example.com")[:8]} == {"certbot"}


class Plugin(Authenticator):
    """The authenticator as Certbot makes it, with a file of credentials."""

    def __init__(self, file: Path, server: Any, token: str, mode: int = 0o600, url: str | None = None) -> None:
        file.write_text(f"dns_zonewright_url = {url or server.url}\ndns_zonewright_token = {token}\n")
        file.chmod(mode)
        options = {"dns_zonewright_credentials": str(file), "dns_zonewright_propagation_seconds": 0}
        super().__init__(SimpleNamespace(**options), "dns-zonewright")  # type: ignore[arg-type]
        self._setup_credentials()

    def add(self, value: str, name: str = CHALLENGE) -> None:
        self._perform(name.removeprefix("_acme-challenge."), name, value)

    def remove(self, value: str, name: str = CHALLENGE) -> None:
        self._cleanup(name.removeprefix("_acme-challenge."), name, value)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "credentials.ini"


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660, 0o644])
def test_credentials_that_others_can_read_are_refused(file: Path, mode: int) -> None:
    with pytest.raises(errors.PluginError, match=rf"Other users can read .* \(mode 0{mode:o}\)\. Run: chmod 600 "):
        Plugin(file, None, "vps_test", mode, url="http://127.0.0.1:9")


def test_errors_say_what_is_wrong(server: Any, file: Path) -> None:
    with pytest.raises(errors.PluginError, match='Property "dns_zonewright_token" not set'):
        Plugin(file, server, "")
    expected = [
        ("vps_wrong", server.url, "401 authentication_failed"),
        (server.token, server.url, "The token can see no zone for _acme-challenge.www.example.com."),
        (server.token, "http://127.0.0.1:9", "cannot be reached"),
        (server.token, f"{server.url}/account", "not as a Zonewright server does|404 not_found"),
    ]
    for token, url, message in expected:
        with pytest.raises(errors.PluginError, match=message) as error:
            Plugin(file, server, token, url=url).add("value")
        assert server.token not in str(error.value)
    server.create_zone("example.com")
    reader = server.new_token("reader", "--permission", "dns:list")
    with pytest.raises(errors.PluginError, match="403 permission_denied: Token lacks dns:create permission"):
        Plugin(file, server, reader).add("value")


def test_only_the_own_value_is_added_and_removed(server: Any, file: Path, caplog: pytest.LogCaptureFixture) -> None:
    zone = server.create_zone("example.com")
    plugin = Plugin(file, server, server.token)
    plugin.add("first")
    plugin.add("second")
    plugin.add("first")
    assert server.sets("example.com") == {("_acme-challenge.www", "TXT"): (60, ["first", "second"])}
    plugin.remove("first")
    plugin.remove("first")
    plugin.remove("never added")
    assert server.sets("example.com") == {("_acme-challenge.www", "TXT"): (60, ["second"])}
    server.api(
        "POST",
        f"/dns-zones/{zone}/records/",
        {"record_type": "TXT", "name": "_acme-challenge.www", "value": "x", "ttl": 5},
    )
    plugin.add("third")
    assert server.sets("example.com") == {("_acme-challenge.www", "TXT"): (5, ["second", "third", "x"])}
    assert not caplog.records

    # A record that cannot be removed does not end the run: the certificate is there.
    adder = server.new_token("adder", "--permission", "dns:list", "--permission", "dns:create")
    Plugin(file, server, adder).remove("third")
    assert "_acme-challenge.www.example.com TXT third was not removed: " in caplog.text
    assert "Token lacks dns:delete permission" in caplog.text


def test_the_closest_zone_that_the_token_can_see_is_used(server: Any, file: Path) -> None:
    for domain in ("example.com", "sub.example.com", "example.net"):
        server.create_zone(domain)
    name = "_acme-challenge.a.b.sub.example.com"
    Plugin(file, server, server.token).add("value", name)
    assert server.sets("sub.example.com") == {("_acme-challenge.a.b", "TXT"): (60, ["value"])}
    parent = server.new_token("parent", "--permission", "dns:*", "--zone", "example.com")
    Plugin(file, server, parent).add("value", name)
    assert server.sets("example.com") == {("_acme-challenge.a.b.sub", "TXT"): (60, ["value"])}


def test_aliases_are_followed_to_other_zones(server: Any, file: Path) -> None:
    zone = server.create_zone("example.com")
    server.create_zone("challenges.example.net")

    def alias(name: str, target: str) -> None:
        server.api("POST", f"/dns-zones/{zone}/records/", {"record_type": "CNAME", "name": name, "value": target})

    alias("_acme-challenge.www", "www.challenges.example.net")
    plugin = Plugin(file, server, server.token)
    plugin.add("value")
    assert server.sets("challenges.example.net") == {("www", "TXT"): (60, ["value"])}
    plugin.remove("value")
    assert server.sets("challenges.example.net") == {}

    alias("_acme-challenge.loop", "_acme-challenge.loop.example.com")
    with pytest.raises(errors.PluginError, match="leads over more than 8 CNAME records"):
        plugin.add("value", "_acme-challenge.loop.example.com")
    alias("_acme-challenge.out", "out.example.org")
    message = "The token can see no zone for out.example.org, to which _acme-challenge.out.example.com leads."
    with pytest.raises(errors.PluginError, match=message):
        plugin.add("value", "_acme-challenge.out.example.com")


@pytest.mark.settings(ZONEWRIGHT_NAMESERVER="bind9-managed")
def test_nameservers_that_do_not_serve_the_record_are_named(
    server: Any, file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(certbot_dns_zonewright.api, "_WAIT", 3)
    server.create_zone("example.com")
    threads = Path(f"/proc/{server.process.pid}/task").glob("*/children")
    named = int("".join(thread.read_text() for thread in threads))
    os.kill(named, signal.SIGSTOP)
    try:
        plugin = Plugin(file, server, server.token)
        plugin.add("value")
        plugin.add("another")
        assert plugin._api._wait == 2, "later names wait for less time"
    finally:
        os.kill(named, signal.SIGCONT)
    assert f"{CHALLENGE} TXT is stored, and these nameservers do not serve it yet: primary" in caplog.text
