#!/usr/bin/env bash
# Times `castline pull` against `skopeo copy`, out of a registry on loopback that it starts and ends.
set -euo pipefail

if [ $# -lt 1 ] || [ "$1" = --help ]; then
    echo "Usage: registry.sh IMAGEDIR [RUNS]: pushes the OCI layout IMAGEDIR, then peers.sh pull. Needs docker-registry." >&2
    exit 2
fi
here=$(dirname "$(realpath "$0")")
castline=${CASTLINE:-$here/../target/release/castline}
work=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat >"$work/registry.yml" <<CONFIGURATION
version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $work/registry}}
http: {addr: "127.0.0.1:$port"}
CONFIGURATION
docker-registry serve "$work/registry.yml" >"$work/log" 2>&1 &
registry=$!
trap 'kill "$registry"; rm -rf "$work"' EXIT
until (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
    kill -0 "$registry" || { cat "$work/log" >&2; exit 2; }
    sleep 0.1
done
"$castline" push "oci:$1" "docker://127.0.0.1:$port/bench:v1"
"$here/peers.sh" pull "docker://127.0.0.1:$port/bench:v1" "${2:-7}"
