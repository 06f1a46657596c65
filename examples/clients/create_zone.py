"""Creates a zone: create_zone.py DOMAIN"""
import os
import sys

import requests

api = os.environ.get("API", "http://127.0.0.1:8053/api/v1")
response = requests.post(
    f"{api}/dns-zones/",
    headers={"Authorization": f"Bearer {os.environ['TOKEN']}"},
    json={"domain": sys.argv[1]},
    timeout=30,
)
if not response.ok:
    raise SystemExit(response.text)
print(response.text)
