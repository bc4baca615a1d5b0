#!/bin/sh
# The secrets of a distributed deployment (compose.distributed.yaml), made once in docker/secrets. Keep a copy elsewhere.
# Each service gets only its own, as a file that any user in its container may read; the folder keeps others on this
# machine out.
set -eu
cd "$(dirname "$0")"
mkdir -m 0700 secrets
cd secrets
word() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
postgres=$(word) redis=$(word) kurrent=$(word)
word > peygir
word > grafana
printf %s "$postgres" > postgres
printf %s "$kurrent" > kurrent
echo "requirepass $redis" > redis
echo "postgres://peygir:$postgres@postgres/peygir" > database_url
echo "redis://:$redis@redis:6379" > redis_url
echo "esdb://admin:$kurrent@kurrent1:2113,kurrent2:2113,kurrent3:2113?tls=true&tlsCAFile=/ca/ca.crt" > event_store_url
chmod 0444 ./*
