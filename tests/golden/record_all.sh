#!/bin/sh
# Makes the files in wire/ anew; those that exist are kept. Needs kcat, Debian's python3-kafka and
# python3-confluent-kafka, and a folder with `npm install kafkajs @platformatic/kafka` as the one argument.
set -eu
npm=$(realpath "$1")
cd "$(dirname "$0")"
record() { python3 -B record_requests.py --output wire "$@"; }
version_of() { node -p "require('$npm/node_modules/$1/package.json').version"; }

kcat="kcat 1.7.1 (librdkafka 2.0.2)"
words=$(mktemp)
printf 'one\ntwo\n' > "$words"
record --prefix kcat --client "$kcat" --limit Produce=0-7 -- \
  kcat -b {bootstrap} -t golden -p 0 -P -l "$words"
record --prefix kcat --client "$kcat" --limit Produce=0-7 -- \
  kcat -b {bootstrap} -t golden -p 0 -C -e -o beginning
record --prefix kcat --client "$kcat" -- timeout 2 kcat -b {bootstrap} -L \
  -X security.protocol=SASL_PLAINTEXT -X sasl.mechanism=PLAIN -X sasl.username=user -X sasl.password=password || true
rm "$words"

for mode in idempotent transactional admin; do
  record --prefix librdkafka --client "confluent-kafka 1.7.0 (librdkafka 2.0.2)" --limit Produce=0-7 -- \
    /usr/bin/python3 clients/confluent_client.py {bootstrap} $mode
done
for mode in produce consume admin; do
  record --prefix kafka_python --client "kafka-python 2.0.2" --limit Produce=0-8 -- \
    /usr/bin/python3 clients/kafka_python_client.py {bootstrap} $mode
done
for mode in produce admin; do
  NODE_PATH=$npm/node_modules record --prefix kafkajs --client "kafkajs $(version_of kafkajs)" \
    --limit Produce=0-7 -- node clients/kafkajs_client.cjs {bootstrap} $mode
done
# An ES module looks for its packages beside itself only.
cp clients/platformatic_client.mjs "$npm/"
record --prefix platformatic --client "@platformatic/kafka $(version_of @platformatic/kafka)" -- \
  node "$npm/platformatic_client.mjs" {bootstrap}
