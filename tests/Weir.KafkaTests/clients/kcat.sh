#!/usr/bin/env bash
# kcat as the tests ask for it; the commands are those of KafkaClient.cs, their options name=value.
set -euo pipefail
command=$1; shift
servers= topic= codec=none idempotent=false partitioner=consistent_random group= since=0 partitions=
for option; do declare "${option%%=*}=${option#*=}"; done

case $command in
  version)
    kcat -V | sed -n 's/^Version \([^ ]*\) .*librdkafka \([^ ]*\) .*/\1, librdkafka \2/p' ;;
  produce)
    exec kcat -P -b "$servers" -t "$topic" -K $'\t' -Z -E -z "$codec" -X acks=all -X enable.idempotence="$idempotent" \
      -X topic.partitioner="$partitioner" -X linger.ms=20 -X batch.num.messages=50 -X retry.backoff.ms=50 -X reconnect.backoff.max.ms=500 ;;
  consume)
    exec kcat -C -b "$servers" -t "$topic" -o beginning -e -q -J -u ;;
  since)
    exec kcat -C -b "$servers" -t "$topic" -o "s@$since" -e -q -J -u ;;
  member)
    exec kcat -b "$servers" -q -J -u -X auto.offset.reset=earliest -X session.timeout.ms=1500 -X heartbeat.interval.ms=300 \
      -X auto.commit.interval.ms=100 -X fetch.wait.max.ms=100 -G "$group" "$topic" ;;
  list)
    exec kcat -L -J -b "$servers" ;;
  query)
    for partition in $partitions; do
      kcat -Q -b "$servers" -t "$topic:$partition:$since" | sed -n 's/.*\[\([0-9]*\)\] offset \(-*[0-9]*\).*/{"partition":\1,"offset":\2}/p'
    done ;;
  *) echo "kcat has no command $command" >&2; exit 2 ;;
esac
