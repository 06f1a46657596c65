#!/bin/sh
# Creates an address record at the zone's own name: create_record.sh ZONE-UUID
set -eu
: "${API:=http://127.0.0.1:8053/api/v1}" "${TOKEN:?is not set}" "${1:?give the UUID of a zone}"

curl --silent --show-error --fail-with-body --write-out '\n' "$API/dns-zones/$1/records/" \
    --header "Authorization: Bearer $TOKEN" \
    --header "Content-Type: application/json" \
    --data '{"record_type": "A", "name": "@", "value": "192.0.2.1", "ttl": 3600}'
