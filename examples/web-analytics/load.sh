#!/bin/sh
# Sends all requests to a running server. Safe to run again: the second time every line is a duplicate.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
curl --fail-with-body --silent --show-error \
  --header 'Content-Type: application/x-ndjson' --header 'Content-Encoding: gzip' \
  --data-binary "@$here/access.ndjson.gz" \
  "${WEIR_URL:-http://127.0.0.1:8080}/v1/streams/access/events"
echo
