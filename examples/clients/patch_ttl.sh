#!/bin/sh
# Changes the TTL of a record, and nothing else: patch_ttl.sh RECORD-UUID
set -eu
: "${API:=http://127.0.0.1:8053/api/v1}" "${TOKEN:?is not set}" "${1:?give the UUID of a record}"

curl --silent --show-error --fail-with-body --write-out '\n' --request PATCH "$API/dns-records/$1/" \
    --header "Authorization: Bearer $TOKEN" \
    --header "Content-Type: application/json" \
    --data '{"ttl": 1800}'
