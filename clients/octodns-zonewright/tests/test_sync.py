"""`octodns-sync` as its users run it, with a configuration in YAML, against a real server."""

import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from octodns.manager import Manager
from octodns.provider import ProviderException

from conftest import blocks
from octodns_zonewright import PlanOutdated, ZonewrightError, ZonewrightProvider

DOMAIN = "example.com"
TARGET = "server"

EVERYTHING: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("everything.yaml").read_text())


class Setup:
    """The configuration of a user with one server and zones in YAML files."""

    def __init__(self, server: Any, folder: Path, **provider: Any) -> None:
        self.server, self.folder = server, folder
        self.zones = {f"{DOMAIN}.": {"sources": ["files"], "targets": [TARGET]}}
        files = {
            "class": "octodns.provider.yaml.YamlProvider",
            "directory": str(folder),
            "enforce_order": False,
            "escaped_semicolons": True,
        }
        target = {
            "class": "octodns_zonewright.ZonewrightProvider",
            "url": server.url,
            "token": "env/TOKEN",
            **provider,
        }
        self.providers = {"files": files, TARGET: target}

    def write(self, records: dict[str, Any]) -> str:
        """Writes the files of the configuration and gives the path of the first."""
        (self.folder / f"{DOMAIN}.yaml").write_text(yaml.safe_dump(records))
        config = self.folder / "config.yaml"
        config.write_text(yaml.safe_dump({"providers": self.providers, "zones": self.zones}))
        return str(config)

    def sync(self, records: dict[str, Any]) -> int:
        """What `octodns-sync --doit --force` does. Gives the number of changes."""
        changes: int = Manager(self.write(records)).sync(dry_run=False, force=True)
        return changes

    def plan(self, records: dict[str, Any]) -> tuple[ZonewrightProvider, Any]:
        """The provider, and a plan that it can apply later."""
        manager = Manager(self.write(records))
        desired = manager.get_zone(f"{DOMAIN}.")
        manager.providers["files"].populate(desired)
        provider = manager.providers[TARGET]
        return provider, provider.plan(desired)

    def refuse(self, records: dict[str, Any]) -> str:
        """The error of a synchronisation that must fail."""
        with pytest.raises(ProviderException) as error:
            self.sync(records)
        assert self.server.token not in str(error.value)
        return str(error.value)


@pytest.fixture
def octodns(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Setup:
    monkeypatch.setenv("TOKEN", server.token)
    return Setup(server, tmp_path)


A = {"www": {"type": "A", "ttl": 300, "value": "192.0.2.1"}}


def test_the_second_run_has_no_changes(server: Any, octodns: Setup) -> None:
    config = octodns.write(EVERYTHING)

    def run(program: str, *arguments: str) -> str:
        command = [str(Path(sys.executable).with_name(program)), "--config-file", config, *arguments]
        result = subprocess.run(command, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        return result.stderr

    first = run("octodns-sync", "--doit")
    assert "Create Zone<example.com.>" in first
    assert "not all nameservers serve it" not in first
    assert "No changes were planned" in run("octodns-sync", "--doit")
    assert len(server.versions(DOMAIN)) == 1, "a new zone and its records are one version"

    # The server as the source.
    run("octodns-dump", "--output-dir", str(octodns.folder), f"{DOMAIN}.", TARGET)
    dumped = yaml.safe_load((octodns.folder / f"{DOMAIN}.yaml").read_text())
    assert dumped["alias"] == {"type": "CNAME", "value": "www.example.com."}
    assert octodns.sync(dumped) == 0


def test_the_readme_works_as_it_is_written(server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKEN", server.token)
    (tmp_path / "env").symlink_to(Path(sys.executable).parent.parent)
    _, _, config, records, commands, *_ = blocks(Path(__file__).parents[1] / "README.md")
    (tmp_path / "config.yaml").write_text(config.removeprefix("yaml\n").replace("http://127.0.0.1:8053", server.url))
    (tmp_path / "example.com.yaml").write_text(records.removeprefix("yaml\n"))
    subprocess.run(["sh", "-e", "-c", commands.removeprefix("sh\n")], cwd=tmp_path, check=True)
    assert server.sets(DOMAIN) == {
        ("@", "MX"): (3600, ["10 mail.example.com"]),
        ("@", "TXT"): (3600, ["v=spf1 mx -all"]),
        ("mail", "A"): (3600, ["192.0.2.1"]),
    }


def test_every_type_of_both_sides_is_written_as_one_version(server: Any, octodns: Setup) -> None:
    server.create_zone(DOMAIN)
    octodns.sync(EVERYTHING)
    assert octodns.sync(EVERYTHING) == 0
    assert len(server.versions(DOMAIN)) == 2
    sets = server.sets(DOMAIN)
    assert {record_type for _, record_type in sets} == ZonewrightProvider.SUPPORTS
    assert sets["@", "A"] == (300, ["192.0.2.1", "192.0.2.2"])
    assert sets["@", "CAA"] == (3600, ['0 issue "ca.example; policy=ev"', '128 iodef "mailto:a@example.com"'])
    assert sets["@", "MX"] == (3600, ["10 mail.example.com", "20 mail.example.net"])
    assert {"v=spf1 -all", 'a "quoted" word', "back\\slash", "semi; colon"} < set(sets["@", "TXT"][1])
    assert sets["example.com", "A"] == (3600, ["192.0.2.4"])
    assert sets["www", "A"] == (0, ["192.0.2.5"])


def test_updates_deletions_and_times_to_live_are_one_version(server: Any, octodns: Setup) -> None:
    octodns.sync(A | {"old": {"type": "A", "value": "192.0.2.2"}, "swap": {"type": "A", "value": "192.0.2.3"}})
    octodns.sync(
        {
            "www": {"type": "A", "ttl": 60, "values": ["192.0.2.1", "192.0.2.9"]},
            "swap": {"type": "CNAME", "value": "www.example.com."},
            "new": {"type": "TXT", "value": "text"},
        },
    )
    assert server.sets(DOMAIN) == {
        ("www", "A"): (60, ["192.0.2.1", "192.0.2.9"]),
        ("swap", "CNAME"): (3600, ["www.example.com"]),
        ("new", "TXT"): (3600, ["text"]),
    }
    newest = server.versions(DOMAIN)[0]
    assert newest["comment"] == "octoDNS"
    assert newest["author"]["token"] == "test"
    octodns.sync({"www": {"type": "A", "ttl": 90, "values": ["192.0.2.1", "192.0.2.9"]}})
    assert server.sets(DOMAIN) == {("www", "A"): (90, ["192.0.2.1", "192.0.2.9"])}


def test_a_plan_that_is_older_than_a_change_overwrites_nothing(server: Any, octodns: Setup) -> None:
    octodns.sync(A)
    provider, plan = octodns.plan({"www": {"type": "A", "ttl": 300, "value": "192.0.2.7"}})
    assert plan.meta["version"] == str(server.versions(DOMAIN)[0]["serial"])
    server.api(
        "POST",
        f"/dns-zones/{server.zone(DOMAIN)}/changes/",
        {
            "changes": [
                {"action": "upsert_rrset", "record_type": "A", "name": "www", "records": [{"value": "192.0.2.8"}]}
            ]
        },
    )
    before = server.sets(DOMAIN)
    # Another look at the zone does not make the old plan newer.
    octodns.plan(A)
    provider.plan(plan.desired)
    with pytest.raises(PlanOutdated, match="has changed since this plan was made"):
        provider.apply(plan)
    assert server.sets(DOMAIN) == before
    provider.apply(provider.plan(plan.desired))
    assert server.sets(DOMAIN) == {("www", "A"): (300, ["192.0.2.7"])}


def test_a_plan_for_a_zone_that_was_made_again_changes_nothing(server: Any, octodns: Setup) -> None:
    octodns.sync(A)
    provider, plan = octodns.plan({"www": {"type": "A", "value": "192.0.2.7"}})
    server.api("DELETE", f"/dns-zones/{server.zone(DOMAIN)}/")
    server.create_zone(DOMAIN)
    with pytest.raises(ZonewrightError, match="404 not_found"):
        provider.apply(plan)
    assert server.sets(DOMAIN) == {}


def test_a_refused_record_is_named_and_nothing_is_stored(server: Any, octodns: Setup) -> None:
    bad = A | {
        "ok": {"type": "A", "value": "192.0.2.2"},
        "child": {"type": "DS", "value": {"key_tag": 1, "algorithm": 13, "digest_type": 2, "digest": "ab" * 32}},
    }
    said = octodns.refuse(bad)
    assert "child.example.com. 3600 IN DS 1 13 2 abab" in said
    assert server.api("GET", f"/dns-zones/?domain={DOMAIN}") == [], "no empty zone is left"
    octodns.sync(A)
    said = octodns.refuse(bad)
    assert "400 validation_error" in said
    assert "child.example.com. DS: " in said
    assert server.sets(DOMAIN) == {("www", "A"): (300, ["192.0.2.1"])}


def test_records_of_types_that_octodns_lacks_stay(server: Any, octodns: Setup) -> None:
    octodns.sync(A)
    zone = server.zone(DOMAIN)
    server.api("POST", f"/dns-zones/{zone}/records/", {"record_type": "HINFO", "name": "www", "value": '"RFC8482" ""'})
    assert octodns.sync(A) == 0
    octodns.sync({"www": {"type": "A", "ttl": 5, "value": "192.0.2.1"}})
    assert server.sets(DOMAIN)["www", "HINFO"] == (3600, ['"RFC8482" ""'])
    # octoDNS 1.22 has no way to write a valid `ech`; one that is there does no harm.
    server.api(
        "POST",
        f"/dns-zones/{zone}/records/",
        {"record_type": "HTTPS", "name": "www", "value": '1 . ech=AEX+DQA= dohpath="/q{?dns}"'},
    )
    assert octodns.sync(A) == 2, "the HTTPS record is deleted, too"
    assert "ALIAS records not supported" in octodns.refuse({"": {"type": "ALIAS", "value": "www.example.net."}})


def test_a_text_that_octodns_cannot_hold_is_named(server: Any, octodns: Setup) -> None:
    octodns.sync(A)
    server.api(
        "POST", f"/dns-zones/{server.zone(DOMAIN)}/records/", {"record_type": "TXT", "name": "raw", "value": '"\\255"'}
    )
    assert "raw of example.com.: octoDNS cannot hold the TXT record" in octodns.refuse(A)


def test_nameservers_of_a_second_provider_stand_beside_those_of_the_server(server: Any, octodns: Setup) -> None:
    ours = ["ns1.zonewright.test.", "ns2.zonewright.test."]
    both = {"": {"type": "NS", "ttl": 600, "values": [*ours, "ns.example.net."]}}
    octodns.sync(A)
    octodns.sync(A | both)
    assert server.sets(DOMAIN)["@", "NS"] == (600, ["ns.example.net"])
    assert octodns.sync(A | both) == 0

    # Without the second provider, the TTL is that of the server's own records.
    only_ours = {"": {"type": "NS", "ttl": 900, "values": ours}}
    octodns.sync(A | only_ours)
    assert ("@", "NS") not in server.sets(DOMAIN)
    assert octodns.sync(A | only_ours) == 0

    said = octodns.refuse(A | {"": {"type": "NS", "value": "ns.example.net."}})
    assert "cannot be removed from example.com.: ns1.zonewright.test., ns2.zonewright.test." in said
    lenient = Setup(server, octodns.folder, strict_supports=False)
    lenient.sync(A | {"": {"type": "NS", "ttl": 600, "value": "ns.example.net."}})
    assert server.sets(DOMAIN)["@", "NS"] == (600, ["ns.example.net"])

    # The same in a new zone.
    server.api("DELETE", f"/dns-zones/{server.zone(DOMAIN)}/")
    octodns.sync(A | both)
    assert octodns.sync(A | both) == 0


def test_errors_say_what_is_wrong(server: Any, octodns: Setup, tmp_path: Path) -> None:
    def with_provider(**provider: Any) -> str:
        return Setup(server, tmp_path, **provider).refuse(A)

    assert "401 authentication_failed" in with_provider(token="vps_wrong")
    reader = server.new_token("reader", "--permission", "dns:list")
    assert "Token lacks dns:create permission" in with_provider(token=reader)
    assert "cannot be reached" in with_provider(url="http://127.0.0.1:9")
    assert "No scheme supplied" in with_provider(url="dns.example.com")
    assert "404 not_found: There is nothing at this path" in with_provider(url=f"{server.url}/elsewhere")


def test_a_name_of_another_account_needs_proof_of_control(server: Any, octodns: Setup, tmp_path: Path) -> None:
    octodns.sync(A)
    server.command("account", "create", "second@example.com")
    second = server.new_token("second", account="second@example.com")
    said = Setup(server, tmp_path, token=second).refuse(A)
    assert 'to prove control, publish _zonewright-claim.example.com TXT "' in said


def test_what_is_no_zonewright_server_is_named() -> None:
    answers: dict[str, tuple[int, dict[str, str]]] = {
        "answers 200, and not as a Zonewright server does": (200, {}),
        "answers 502, and not as a Zonewright server does": (502, {}),
        "redirects to https://dns.example.com/; set that server as url": (
            301,
            {"Location": "https://dns.example.com/"},
        ),
    }

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers = answers[expected]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(b"<html></html>")

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        for expected in answers:
            provider = ZonewrightProvider("server", f"http://127.0.0.1:{other.server_port}", "vps_test")
            with pytest.raises(ZonewrightError, match=expected):
                provider.list_zones()
        other.shutdown()


@pytest.mark.settings(ZONEWRIGHT_LIMITS_REQUESTS_PER_SECOND="1")
def test_a_server_that_asks_to_come_back_later_is_asked_again(server: Any, octodns: Setup) -> None:
    for ttl in (60, 90, 120):
        octodns.sync({"www": {"type": "A", "ttl": ttl, "value": "192.0.2.1"}})
    assert '"http.status":429' in server.log.read_text()


def test_all_zones_are_listed_over_several_pages(server: Any, octodns: Setup) -> None:
    octodns.sync(A)
    for number in range(5):
        server.create_zone(f"zone{number}.example")
    provider, _ = octodns.plan(A)
    names = [zone["domain"] for zone in provider._api.pages("dns-zones/", page_size=2)]
    assert [f"{name}." for name in sorted(names)] == provider.list_zones()
    assert len(names) == 6
