"""Lists the zones of the account, page by page."""
import json
import os
from urllib.parse import urljoin

import requests

api = os.environ.get("API", "http://127.0.0.1:8053/api/v1")
session = requests.Session()
session.headers["Authorization"] = f"Bearer {os.environ['TOKEN']}"

zones = []
url = f"{api}/dns-zones/"
while url:
    response = session.get(url, timeout=30)
    if not response.ok:
        raise SystemExit(response.text)
    zones += response.json()
    following = response.links.get("next")
    url = following and urljoin(url, following["url"])

print(json.dumps(zones, indent=2))
