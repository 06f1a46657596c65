"""Changes the TTL of a record, and nothing else: patch_ttl.py RECORD-UUID"""
import os
import sys

import requests

api = os.environ.get("API", "http://127.0.0.1:8053/api/v1")
response = requests.patch(
    f"{api}/dns-records/{sys.argv[1]}/",
    headers={"Authorization": f"Bearer {os.environ['TOKEN']}"},
    json={"ttl": 1800},
    timeout=30,
)
if not response.ok:
    raise SystemExit(response.text)
print(response.text)
