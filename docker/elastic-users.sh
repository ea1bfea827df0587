#!/bin/sh
# Gives Kibana's own user of Elasticsearch its password.
set -eu
superuser="elastic:$(cat /secrets/elastic)"
wget -qO /dev/null \
    --header "Authorization: Basic $(printf %s "$superuser" | base64 | tr -d '\n')" \
    --header 'Content-Type: application/json' \
    --post-data "{\"password\": \"$(cat /secrets/kibana)\"}" \
    http://elasticsearch:9200/_security/user/kibana_system/_password
