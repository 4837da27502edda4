#!/bin/sh
# 10,000 users vote, 100 of them vote again for somebody else, and the whole body is sent twice.
# expected.ndjson has the result; it is the same after every further run.
set -eu
url="${WEIR_URL:-http://127.0.0.1:8080}/v1/streams/votes/events"
votes=$(mktemp)
trap 'rm -f "$votes"' EXIT
awk 'BEGIN {
  split("apple banana cherry damson", choice, " ")
  for (i = 1; i <= 10000; i++)
    printf "{\"id\":\"vote-%d\",\"user\":\"user-%d\",\"choice\":\"%s\"}\n", i, i, choice[i % 10 < 4 ? 1 : i % 10 < 7 ? 2 : i % 10 < 9 ? 3 : 4]
  for (i = 1; i <= 100; i++)
    printf "{\"id\":\"second-%d\",\"user\":\"user-%d\",\"choice\":\"damson\"}\n", i, i * 97
}' > "$votes"
for round in 1 2; do
  curl --fail-with-body --silent --show-error --header 'Content-Type: application/x-ndjson' --data-binary "@$votes" "$url" | cut -c 1-180
  echo
done
