#!/bin/sh
# Creates a zone: create_zone.sh DOMAIN
set -eu
: "${API:=http://127.0.0.1:8053/api/v1}" "${TOKEN:?is not set}" "${1:?give a domain}"

curl --silent --show-error --fail-with-body --write-out '\n' "$API/dns-zones/" \
    --header "Authorization: Bearer $TOKEN" \
    --header "Content-Type: application/json" \
    --data "{\"domain\": \"$1\"}"
