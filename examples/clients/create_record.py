"""Creates an address record at the zone's own name: create_record.py ZONE-UUID"""
import os
import sys

import requests

api = os.environ.get("API", "http://127.0.0.1:8053/api/v1")
response = requests.post(
    f"{api}/dns-zones/{sys.argv[1]}/records/",
    headers={"Authorization": f"Bearer {os.environ['TOKEN']}"},
    json={"record_type": "A", "name": "@", "value": "192.0.2.1", "ttl": 3600},
    timeout=30,
)
if not response.ok:
    raise SystemExit(response.text)
print(response.text)
