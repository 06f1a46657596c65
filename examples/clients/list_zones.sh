#!/bin/sh
# Lists the zones of the account. A page holds at most 1000; the Link header leads to the next one.
set -eu
: "${API:=http://127.0.0.1:8053/api/v1}" "${TOKEN:?is not set}"

curl --silent --show-error --fail-with-body --write-out '\n' "$API/dns-zones/?page_size=1000" \
    --header "Authorization: Bearer $TOKEN"
