#!/bin/sh
# What the stack needs before its first start, and finds there ever after: passwords that nobody else has, directories
# that their users may write, and a program for the health checks of images that have none.
# An argument is where the volumes are, for the tests.
set -eu
cd "${1:-/}"

for name in postgres redis grafana elastic kibana s3; do
    # made once; 32 letters that can stand in a URL
    [ -s "secrets/$name" ] || head -c 24 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n' >"secrets/$name"
done
printf 'postgresql://companion:%s@postgres:5432/companion' "$(cat secrets/postgres)" >secrets/database-url
printf 'redis://:%s@redis:6379/0' "$(cat secrets/redis)" >secrets/redis-url
printf 'requirepass %s\nsave ""\nappendonly no\nmaxmemory 64mb\nmaxmemory-policy allkeys-lru\n' \
    "$(cat secrets/redis)" >secrets/redis.conf
actions='"Admin","Read","Write","List","Tagging"'
printf '{"identities":[{"name":"stores","credentials":[{"accessKey":"stores","secretKey":"%s"}],"actions":[%s]}]}' \
    "$(cat secrets/s3)" "$actions" >secrets/s3.json
printf '[default]\naws_access_key_id = stores\naws_secret_access_key = %s\n' "$(cat secrets/s3)" >secrets/s3-credentials
# for the containers alone: on the host only root reaches a volume
chmod 0444 secrets/*

# Elasticsearch takes a password from no file that others may read
cp secrets/elastic elastic/elastic
chown 1000 elastic/elastic
chmod 0400 elastic/elastic

cp bin/busybox tools/busybox
for directory in owned/*; do
    chown "${directory##*-}" "$directory"
done
