"""Values of records, as the API has them and as octoDNS has them.

octoDNS has a mapping of members for most types, and full names end with a dot. The API has what a zone file has behind
the type, with the priority of MX and SRV apart, and full names without the final dot.

Decided against `Record.from_rrset`, which splits at spaces: a NAPTR or URI record with a space in quotes would fail.
"""

import re
from typing import Any

from octodns.record import TxtValue
from octodns.record.exception import RecordException

from .api import ZonewrightError

_ADDRESSES = frozenset({"A", "AAAA"})
_TARGETS = frozenset({"CNAME", "DNAME", "NS", "PTR"})
_TEXTS = frozenset({"SPF", "TXT"})
_SERVICES = frozenset({"HTTPS", "SVCB"})
# The members of a value, in the order of a zone file.
_MEMBERS = {
    "CAA": ("flags", "tag", "value"),
    "DS": ("key_tag", "algorithm", "digest_type", "digest"),
    "LOC": (
        *("lat_degrees", "lat_minutes", "lat_seconds", "lat_direction"),
        *("long_degrees", "long_minutes", "long_seconds", "long_direction"),
        *("altitude", "size", "precision_horz", "precision_vert"),
    ),
    "MX": ("preference", "exchange"),
    "NAPTR": ("order", "preference", "flags", "service", "regexp", "replacement"),
    "SRV": ("priority", "weight", "port", "target"),
    "SSHFP": ("algorithm", "fingerprint_type", "fingerprint"),
    "TLSA": ("certificate_usage", "selector", "matching_type", "certificate_association_data"),
    "URI": ("priority", "weight", "target"),
}
_NAMES = {("MX", "exchange"), ("NAPTR", "replacement"), ("SRV", "target")}
_LISTS = frozenset({"alpn", "ipv4hint", "ipv6hint", "mandatory"})

# Every type that both sides have.
TYPES = _ADDRESSES | _TARGETS | _TEXTS | _SERVICES | _MEMBERS.keys() | {"OPENPGPKEY"}

# A field of a value ends at a space that is not inside quotes.
_FIELD = re.compile(r'(?:[^\s"\\]|\\.|"(?:[^"\\]|\\.)*")+')


def to_octodns(record_type: str, owner: str, record: dict[str, Any]) -> Any:
    """The data of one value for `Record.new`. `owner` is for the error of a value that octoDNS cannot hold."""
    value: str = record["value"]
    if record["priority"] is not None:
        value = f"{record['priority']} {value}"
    if record_type in _TARGETS:
        return _absolute(value)
    if record_type in _TEXTS:
        if not value.startswith('"'):
            return TxtValue.normalize_raw_text(value)
        try:
            return TxtValue.from_rdata_text(value)
        except RecordException as error:
            raise ZonewrightError(f"{owner}: octoDNS cannot hold the {record_type} record {value}") from error
    fields = _FIELD.findall(value)
    if record_type in _SERVICES:
        return {
            "svcpriority": fields[0],
            "targetname": _absolute(fields[1]),
            "svcparams": dict(map(_parameter, fields[2:])),
        }
    if record_type in _MEMBERS:
        if record_type == "LOC":
            fields = [field.removesuffix("m") for field in fields]
        data = dict(zip(_MEMBERS[record_type], map(_unquoted, fields), strict=True))
        return {key: _absolute(text) if (record_type, key) in _NAMES else text for key, text in data.items()}
    return value


def from_octodns(record: Any) -> list[dict[str, Any]]:
    """The values of a record set, as a changeset has them."""
    if record._type in _TEXTS:
        return [{"value": _text(value)} for value in record.values]
    rdatas: list[str] = record.to_rrset().rdatas
    if record._type in ("MX", "SRV"):
        parts = [rdata.split(" ", 1) for rdata in rdatas]
        return [{"priority": int(priority), "value": value} for priority, value in parts]
    return [{"value": rdata} for rdata in rdatas]


def _text(value: Any) -> str:
    """As plain text, which people read better; in the form of a zone file where plain text could not say it."""
    raw: str = value.to_raw_text()
    if raw and raw.isprintable() and not raw.startswith('"'):
        return raw
    rdata: str = value.to_rdata_text()
    return rdata


def _absolute(name: str) -> str:
    return name if name.endswith(".") else f"{name}."


def _unquoted(field: str) -> str:
    return field[1:-1] if field.startswith('"') else field


def _parameter(field: str) -> tuple[str, Any]:
    key, equals, text = field.partition("=")
    text = _unquoted(text)
    if not equals:
        return key, None
    return key, text.split(",") if key in _LISTS else text
