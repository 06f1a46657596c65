"""The requests of the REST API that the authenticator needs, with errors that say what to do."""

import uuid
from typing import Any

import requests
from certbot import errors
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

# How long the server may wait for its nameservers, and a request for its response, in seconds.
_WAIT = 60
_TIMEOUT = 90
# The same after one of them was late: a nameserver that is down must not cost a minute for each of a hundred names.
_SHORT_WAIT = 2
# Without a connection, at a rate limit (429) and while the server is busy or starts again (503).
_RETRIES = Retry(
    total=3,
    allowed_methods=None,
    status_forcelist=(429, 503),
    backoff_factor=0.5,
    raise_on_status=False,
    # A daily limit is said with the hours until midnight.
    retry_after_max=30,
)


class Api:
    """One account of one server. Every error is a `PluginError`."""

    def __init__(self, url: str, token: str) -> None:
        # With or without the API's path: the documents have both.
        self._base = f"{url.rstrip('/').removesuffix('/api/v1')}/api/v1/"
        self._wait = _WAIT
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=_RETRIES))
        self._session.headers["Authorization"] = f"Bearer {token}"

    def find_zone(self, name: str) -> str | None:
        """The UUID of the zone with this full name."""
        zones = self._request("GET", "dns-zones/", params={"domain": name}).json()
        return zones[0]["uuid"] if zones else None

    def records(self, zone: str, name: str) -> list[dict[str, Any]]:
        """The records of a full name, of all types."""
        records: list[dict[str, Any]] = self._request(
            "GET", "dns-records/", params={"zone": zone, "name": f"{name}."}
        ).json()
        return records

    def create(self, zone: str, record: dict[str, Any]) -> list[str]:
        """Creates a record, and waits for the nameservers. Gives those that do not serve it in time."""
        # The server carries out a repeated request with the same key only once.
        headers = {"Idempotency-Key": str(uuid.uuid4()), "Prefer": f"wait={self._wait}"}
        response = self._request("POST", f"dns-zones/{zone}/records/", json=record, headers=headers)
        if response.headers.get("Deployment") == "live":
            return []
        self._wait = _SHORT_WAIT
        nameservers = self._request("GET", f"dns-zones/{zone}/deployment/").json()["nameservers"]
        return [nameserver["name"] for nameserver in nameservers if not nameserver["in_sync"]]

    def delete(self, record: str) -> None:
        """Deletes a record. One that is gone is as wanted."""
        self._request("DELETE", f"dns-records/{record}/", accept=(404,))

    def _request(self, method: str, path: str, accept: tuple[int, ...] = (), **options: Any) -> requests.Response:
        try:
            response = self._session.request(
                method, f"{self._base}{path}", timeout=_TIMEOUT, allow_redirects=False, **options
            )
        except requests.RequestException as error:
            raise errors.PluginError(f"{self._base} cannot be reached: {error}") from error
        if response.is_redirect:
            location = response.headers["Location"]
            raise errors.PluginError(f"{response.url} redirects to {location}; set that server as dns_zonewright_url")
        try:
            body = response.json() if response.content else {}
            if response.ok or response.status_code in accept:
                return response
            text = f"{response.status_code} {body['error_code']}: {body['detail']}"
        except (ValueError, TypeError, KeyError) as error:
            text = f"{response.url} answers {response.status_code}, and not as a Zonewright server does"
            raise errors.PluginError(text) from error
        raise errors.PluginError(f"{method} {response.url}: {text}")
