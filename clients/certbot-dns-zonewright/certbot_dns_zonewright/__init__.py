"""Zonewright as a DNS authenticator of Certbot.

Each response comes when all nameservers serve the record (`Prefer: wait`), so there is no time to wait for propagation.

Decided against changesets that replace a record set: several certificates can be validated at one name at the same
time, and each run must add and remove only its own value.
"""

import logging
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

from certbot import achallenges, errors
from certbot.plugins import dns_common

from .api import Api

__version__ = "0.1.0"
__all__ = ["Authenticator"]

logger = logging.getLogger(__name__)

# How many CNAME records lead from a name to its record. Resolvers follow about as many.
_MAX_ALIASES = 8
# The TTL of a new record set, in seconds.
_TTL = 60


class Authenticator(dns_common.DNSAuthenticator):
    """Adds and removes TXT records with a token that has `dns:list`, `dns:create` and `dns:delete`."""

    description = "Obtain certificates using a DNS TXT record (if you are using Zonewright for DNS)."
    _api: Api

    @classmethod
    def add_parser_arguments(cls, add: Callable[..., None], default_propagation_seconds: int = 0) -> None:
        super().add_parser_arguments(add, default_propagation_seconds)
        add(
            "credentials", help="INI file with dns_zonewright_url and dns_zonewright_token, readable by its owner only."
        )

    def more_info(self) -> str:
        return "This plugin answers DNS-01 challenges with TXT records on a Zonewright server."

    def auth_hint(self, failed_achalls: list[achallenges.AnnotatedChallenge]) -> str:
        return (
            "The certificate authority did not find the TXT records. Check that the domains are delegated to the "
            "nameservers of your Zonewright server."
        )

    def _setup_credentials(self) -> None:
        required = {"url": "the URL of the server", "token": "a token with dns:list, dns:create and dns:delete"}
        credentials = self._configure_credentials("credentials", "Zonewright INI file", required, _require_private)
        self._api = Api(credentials.conf("url") or "", credentials.conf("token") or "")

    def _perform(self, domain: str, validation_name: str, validation: str) -> None:
        zone, name, texts = self._find(validation_name)
        if any(text["value"] == validation for text in texts):
            # Left by a run that was interrupted.
            return
        record: dict[str, Any] = {"record_type": "TXT", "name": f"{name}.", "value": validation}
        if not texts:
            # A TTL would change that of the other values.
            record["ttl"] = _TTL
        waiting = self._api.create(zone, record)
        if waiting:
            logger.warning("%s TXT is stored, and these nameservers do not serve it yet: %s", name, ", ".join(waiting))

    def _cleanup(self, domain: str, validation_name: str, validation: str) -> None:
        try:
            _, _, texts = self._find(validation_name)
            for text in texts:
                if text["value"] == validation:
                    self._api.delete(text["uuid"])
        except errors.PluginError as error:
            logger.warning("%s TXT %s was not removed: %s", validation_name, validation, error)

    def _find(self, validation_name: str) -> tuple[str, str, list[dict[str, Any]]]:
        """The zone for a challenge, the name in it, and the TXT records that this name has. Follows CNAME records."""
        name = validation_name
        for _ in range(_MAX_ALIASES):
            guesses = dns_common.base_domain_name_guesses(name)
            zone = next(filter(None, map(self._api.find_zone, guesses)), None)
            if zone is None:
                alias = "" if name == validation_name else f", to which {validation_name} leads"
                raise errors.PluginError(f"The token can see no zone for {name}{alias}.")
            records = self._api.records(zone, name)
            target = next((record["value"] for record in records if record["record_type"] == "CNAME"), None)
            if target is None:
                return zone, name, [record for record in records if record["record_type"] == "TXT"]
            name = target
        raise errors.PluginError(f"{validation_name} leads over more than {_MAX_ALIASES} CNAME records.")


def _require_private(credentials: dns_common.CredentialsConfiguration) -> None:
    """The token is as good as a password."""
    file = Path(credentials.confobj.filename)
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        raise errors.PluginError(f"Other users can read {file} (mode {mode:04o}). Run: chmod 600 {file}")
