#!/usr/bin/env bash
# Installs the client into a directory of its own and builds the example against it, from outside the tree: with
# CMake's find_package and with pkg-config. Compiles each public header by itself as well.
#
#   install_test.sh BUILD_DIR CXX [BROKER]     BROKER: HOST:PORT of one that runs, for a round trip
set -euo pipefail

build=$1 cxx=$2 broker=${3:-}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cmake --install "$build" --component client --prefix "$work/first" >"$work/install.log"
mv "$work/first" "$work/prefix" # The installed tree may be moved.
prefix=$work/prefix

cmake -G Ninja -S "$here/example" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_CXX_COMPILER="$cxx" >"$work/cmake.log" ||
  { cat "$work/cmake.log"; exit 1; }
cmake --build "$work/build" >"$work/build.log" || { cat "$work/build.log"; exit 1; }

export PKG_CONFIG_PATH=$prefix/lib/pkgconfig:$(echo "$prefix"/lib/*/pkgconfig)
flags=$(pkg-config --cflags sluice-client)
for header in "$prefix"/include/sluice/*.h; do
  echo "#include \"sluice/$(basename "$header")\"" >"$work/header.cc"
  # shellcheck disable=SC2086
  "$cxx" -std=c++20 -Wall -Wextra -Werror -fsyntax-only $flags "$work/header.cc"
done
# shellcheck disable=SC2046
"$cxx" -std=c++20 "$here/example/produce_consume.cc" -o "$work/by_pkg_config" $(pkg-config --cflags --libs sluice-client)

for program in "$work/build/produce_consume consume" "$work/by_pkg_config consume" "$work/build/group_consume"; do
  # group_consume BROKER GROUP TOPIC, produce_consume consume BROKER TOPIC.
  arguments="127.0.0.1:1 topic"
  [[ $program == *group_consume ]] && arguments="127.0.0.1:1 group topic"
  # shellcheck disable=SC2086
  if said=$($program $arguments 2>&1); then
    echo "$program reached a broker at port 1"; exit 1
  fi
  [[ $said == *"cannot reach broker 127.0.0.1:1: Connection refused"* ]] || { echo "unexpected: $said"; exit 1; }
done

if [[ -n $broker ]]; then
  topic=install-test-$$
  printf 'one\ntwo\nthree\n' | "$work/build/produce_consume" produce "$broker" "$topic"
  [[ $("$work/by_pkg_config" consume "$broker" "$topic") == $'one\ntwo\nthree' ]]
fi
echo "installed, found, built and run"
