#!/bin/sh
# Sends all votes to a running server. Safe to run again: the second time every vote is a duplicate.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
curl --fail-with-body --silent --show-error \
  --header 'Content-Type: application/x-ndjson' --header 'Content-Encoding: gzip' \
  --data-binary "@$here/votes.ndjson.gz" \
  "${WEIR_URL:-http://127.0.0.1:8080}/v1/streams/finals/events"
echo
