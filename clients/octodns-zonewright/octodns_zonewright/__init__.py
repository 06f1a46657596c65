"""Zonewright as an octoDNS provider.

A plan is applied as one changeset: completely or not at all, as one version of the zone. The request names the version
that the plan was made from (`If-Match`): a plan that is older than another change is refused, and overwrites nothing.

Decided against the server's PowerDNS API (octodns-powerdns): it has no versions, so it cannot refuse an old plan.
"""

import logging
from dataclasses import dataclass
from typing import Any

from octodns.provider.base import BaseProvider
from octodns.provider.plan import Plan
from octodns.record import Delete, Record
from octodns.zone import Zone

from .api import Api, PlanOutdated, ZonewrightError
from .values import TYPES, from_octodns, to_octodns

__version__ = "0.1.0"
__all__ = ["PlanOutdated", "ZonewrightError", "ZonewrightProvider"]


@dataclass
class _Seen:
    """A zone as it was when a plan was made."""

    uuid: str
    etag: str
    # The operator's nameservers are part of every zone and no records of it. Read for zones that configure theirs.
    nameservers: frozenset[str] = frozenset()


class ZonewrightProvider(BaseProvider):
    """Reads and writes zones of one account, with a token that has `dns:*`.

    `url` is the server's public URL. `wait` is how long an apply waits for the nameservers to serve the change, in
    seconds (0 to 60). The other options are those of `BaseProvider`.
    """

    SUPPORTS_GEO = False
    SUPPORTS_MULTIVALUE_PTR = True
    SUPPORTS_ROOT_NS = True
    SUPPORTS = TYPES

    def __init__(self, id: str, url: str, token: str, wait: int = 10, **options: Any) -> None:
        self.log = logging.getLogger(f"ZonewrightProvider[{id}]")
        # A configuration without NS records at the apex is normal: the server adds its own.
        super().__init__(id, **{"root_ns_warnings": False, **options})
        self._api = Api(url, token)
        self._wait = int(wait)
        self._seen: dict[str, _Seen] = {}

    def list_zones(self) -> list[str]:
        """The names of all zones that the token can see, for `zones: '*'`."""
        return sorted(f"{zone['domain']}." for zone in self._api.pages("dns-zones/", page_size=1000))

    def populate(self, zone: Zone, target: bool = False, lenient: bool = False) -> bool:
        # Without a page size, the list is complete and one consistent view: pages could mix two versions.
        found = self._api.find_zone(zone.name)
        if found is None:
            self._seen.pop(zone.name, None)
            return False
        response = self._api.request("GET", f"dns-zones/{found}/records/")
        if target:
            self._seen[zone.name] = _Seen(found, response.headers["ETag"])
        sets: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for entry in response.json():
            sets.setdefault((entry["name"], entry["record_type"]), []).append(entry)
        for (name, record_type), entries in sets.items():
            if record_type not in self.SUPPORTS:
                continue
            values = [to_octodns(record_type, f"{name} of {zone.name}", entry) for entry in entries]
            data = {"type": record_type, "ttl": entries[0]["ttl"], "values": values}
            if record_type in ("CNAME", "DNAME"):
                data["value"] = data.pop("values")[0]
            # Not `Record.new`: its checks fail at a valid `ech` (octoDNS 1.22), and the server has checked the values.
            record_class = Record.registered_types()[record_type]
            record = record_class(zone, "" if name == "@" else name, data, source=self)
            zone.add_record(record, lenient=lenient)
        self.log.info("populate: %s has %d record sets", zone.decoded_name, len(zone.records))
        return True

    def _process_desired_zone(self, desired: Zone) -> Zone:
        """Adds the operator's nameservers to the wanted NS records of the apex: they cannot be removed."""
        seen, wanted = self._seen.get(desired.name), desired.root_ns
        if seen and wanted:
            seen.nameservers = self._api.nameservers(seen.uuid)
            missing = sorted(seen.nameservers.difference(wanted.values))
            if missing:
                message = (
                    f"NS records of the server cannot be removed from {desired.decoded_name}: {', '.join(missing)}"
                )
                self.supports_warn_or_except(message, "keeping them")
                desired.add_record(wanted.copy(values=[*wanted.values, *missing]), replace=True)
        return super()._process_desired_zone(desired)

    def _process_existing_zone(self, existing: Zone, desired: Zone, lenient: bool = False) -> Zone:
        """Adds the operator's nameservers to the NS records of the apex, where they are configured."""
        seen, wanted = self._seen.get(existing.name), desired.root_ns
        if seen and wanted and seen.nameservers:
            # Without NS records of the customer, the TTL is the operator's, and cannot be changed.
            own = existing.root_ns
            ttl, values = (own.ttl, own.values) if own else (wanted.ttl, [])
            data = {"type": "NS", "ttl": ttl, "values": [*values, *sorted(seen.nameservers)]}
            existing.add_record(Record.new(existing, "", data, source=self, lenient=True), replace=True, lenient=True)
        return super()._process_existing_zone(existing, desired, lenient=lenient)

    def _plan_meta(self, existing: Zone, desired: Zone, changes: list[Any]) -> dict[str, str] | None:
        """The version that the plan was made from. It is part of the plan: reading the zone later does not renew it."""
        seen = self._seen.get(existing.name)
        return {"zone": seen.uuid, "version": seen.etag.strip('"')} if seen and changes else None

    def _apply(self, plan: Plan) -> None:
        if plan.meta is None:
            self._create(plan)
            return
        seen = self._seen.get(plan.desired.name)
        nameservers = seen.nameservers if seen else frozenset()
        changes = [self._change(change, nameservers) for change in plan.changes]
        response = self._api.request(
            "POST",
            f"dns-zones/{plan.meta['zone']}/changes/",
            json={"changes": changes, "comment": "octoDNS"},
            headers={"If-Match": f'"{plan.meta["version"]}"', **self._prefer()},
            parts=[f"{change['name']} {change['record_type']}" for change in changes],
        )
        self._log_deployment(plan.desired, response.headers)

    def _create(self, plan: Plan) -> None:
        """Creates the zone with its records in one request, so that a refused record leaves no empty zone."""
        lines = []
        for change in plan.changes:
            rrset = change.new.to_rrset()
            lines += [f"{rrset.name} {rrset.ttl} IN {rrset._type} {rdata}" for rdata in rrset.rdatas]
        response = self._api.request(
            "POST",
            "dns-zones/",
            # The configuration may name another provider's nameservers. The server leaves out its own.
            params={"keep_apex_ns": "true"},
            json={"domain": plan.desired.name, "zonefile": "\n".join([*lines, ""])},
            headers=self._prefer(),
            parts=lines,
        )
        self._log_deployment(plan.desired, response.headers)

    def _change(self, change: Any, nameservers: frozenset[str]) -> dict[str, Any]:
        record = change.record
        # The full name: a relative one that ends in the zone's name would be ambiguous.
        which = {"record_type": record._type, "name": record.fqdn}
        records = [] if isinstance(change, Delete) else from_octodns(change.new)
        if record.name == "" and record._type == "NS":
            records = [entry for entry in records if entry["value"] not in nameservers]
        if not records:
            return {"action": "delete_rrset", **which}
        return {"action": "upsert_rrset", **which, "ttl": change.new.ttl, "records": records}

    def _prefer(self) -> dict[str, str]:
        return {"Prefer": f"wait={self._wait}"} if self._wait else {}

    def _log_deployment(self, zone: Zone, headers: Any) -> None:
        if self._wait and headers.get("Deployment") != "live":
            self.log.warning(
                "apply: %s is stored, and not all nameservers serve it after %d seconds", zone.decoded_name, self._wait
            )
