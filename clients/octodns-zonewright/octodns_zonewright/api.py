"""The requests of the REST API that the provider needs, with errors that say what to do."""

import uuid
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urljoin

import requests
from octodns.provider import ProviderException
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

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
# Longer than the server waits for deployment, in seconds.
_TIMEOUT = 90


class ZonewrightError(ProviderException):
    """The server refused a request and changed nothing, or it could not be reached."""


class PlanOutdated(ZonewrightError):
    """The zone has changed since the plan was made."""


class Api:
    """One account of one server."""

    def __init__(self, url: str, token: str) -> None:
        # With or without the API's path: the documents have both.
        self._base = f"{url.rstrip('/').removesuffix('/api/v1')}/api/v1/"
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(max_retries=_RETRIES))
        self._session.headers["Authorization"] = f"Bearer {token}"

    def find_zone(self, name: str) -> str | None:
        """The UUID of the zone with this full name."""
        zones = self.request("GET", "dns-zones/", params={"domain": name}).json()
        return zones[0]["uuid"] if zones else None

    def pages(self, path: str, **params: Any) -> Iterator[dict[str, Any]]:
        """All elements of a list that comes in pages."""
        response = self.request("GET", path, params=params)
        while True:
            yield from response.json()
            following = response.links.get("next")
            if following is None:
                return
            response = self.request("GET", following["url"])

    def nameservers(self, zone: str) -> frozenset[str]:
        """The operator's nameservers, which the head of a zone file names."""
        head = "; Nameservers of the server:"
        with self.request("GET", f"dns-zones/{zone}/zonefile/", stream=True) as response:
            for line in response.iter_lines(decode_unicode=True):
                if line.startswith(head):
                    return frozenset(line.removeprefix(head).split())
        raise ZonewrightError(f"{self._base}: the zone file does not name the nameservers of the server")

    def request(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        parts: Sequence[str] = (),
        **options: Any,
    ) -> requests.Response:
        """Sends a request. `path` is below the API's.

        `parts` are the changes or lines in the body, to name those that errors give by their number.
        """
        # The server carries out a repeated request with the same key only once.
        headers = {"Idempotency-Key": str(uuid.uuid4()), **(headers or {})} if method != "GET" else headers
        url = urljoin(self._base, path)
        try:
            response = self._session.request(
                method, url, headers=headers, timeout=_TIMEOUT, allow_redirects=False, **options
            )
        except requests.RequestException as error:
            raise ZonewrightError(f"{self._base} cannot be reached: {error}") from error
        if not response.ok or response.is_redirect or not _is_ours(response):
            raise _error(response, parts)
        return response


def _is_ours(response: requests.Response) -> bool:
    return "X-Request-Id" in response.headers and response.headers.get("Content-Type") in (
        "application/json",
        "text/dns",
    )


def _error(response: requests.Response, parts: Sequence[str]) -> ZonewrightError:
    if response.is_redirect:
        return ZonewrightError(f"{response.url} redirects to {response.headers['Location']}; set that server as url")
    if not _is_ours(response):
        return ZonewrightError(f"{response.url} answers {response.status_code}, and not as a Zonewright server does")
    if response.status_code == 412:
        return PlanOutdated("the zone has changed since this plan was made, and nothing was overwritten; plan again")
    body = response.json()
    lines = [f"{response.status_code} {body['error_code']}: {body['detail']}"]
    for error in body.get("errors", []):
        # Changes are counted from 0, lines of a zone file from 1.
        index = error["index"] if "index" in error else error.get("line", 0) - 1
        about = parts[index] if 0 <= index < len(parts) else "the zone"
        lines.append(f"{about}: {error['detail']}")
    if "claim" in body:
        claim = body["claim"]
        lines.append(f'to prove control, publish {claim["name"]} {claim["type"]} "{claim["value"]}" and run this again')
    return ZonewrightError("\n  ".join(lines))
