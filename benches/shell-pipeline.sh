#!/usr/bin/env bash
# The fastest check of an OCI layout that the usual tools give: every blob's digest and size, every
# layer's diffID, as two jobs at a time, the biggest first. It looks at the first manifest of the
# index and nothing more: no tar structure, no limits, no media types beyond gzip, zstd and plain tar.
set -euo pipefail

sha256() { openssl dgst -sha256 -r "$@" | cut -d' ' -f1; }

# Called by xargs: one check of one blob.
if [ "${1-}" = --check ]; then
    kind=$2 want=$3 size=$4 blob=$5
    case $kind in
        blob) found=$(sha256 "$blob") ;;
        *gzip) found=$(igzip -dc "$blob" | sha256) ;;
        *zstd) found=$(zstd -qdc ${plain-} "$blob" | sha256) ;;
        *tar) found=$(sha256 "$blob") ;;
        *) echo "cannot read $kind" >&2; exit 1 ;;
    esac
    [ "$found" = "$want" ] && [ "$(stat -c %s "$blob")" = "$size" ] && exit
    echo "$kind of $blob: expected $want, found $found" >&2
    exit 1
fi

[ $# = 1 ] && [ -f "$1/index.json" ] || { echo "Usage: shell-pipeline.sh IMAGEDIR" >&2; exit 2; }
blobs=$1/blobs/sha256
# zstd's own threads (1.5.3 and later) cost more than they gain when both cores are busy: a tenth.
zstd -q --no-asyncio -V >/dev/null 2>&1 && export plain=--no-asyncio
manifest=$(jq -r '.manifests[0].digest[7:]' "$1/index.json")
config=$(jq -r '.config.digest[7:]' "$blobs/$manifest")

# kind, digest, size, file; a layer gives two lines, and inflating weighs more than hashing a blob.
jq -r --arg blobs "$blobs" --slurpfile index "$1/index.json" --slurpfile config "$blobs/$config" '
    def line($weight; $kind; $digest):
        "\(.size * $weight) \($kind) \($digest[7:]) \(.size) \($blobs)/\(.digest[7:])";
    if (.layers | length) != ($config[0].rootfs.diff_ids | length) then error("diff_ids") else . end
    | ([$index[0].manifests[0], .config] + .layers | .[] | line(1; "blob"; .digest)),
      ([.layers, $config[0].rootfs.diff_ids] | transpose[] | .[1] as $id | .[0]
          | line(4; .mediaType; $id))' "$blobs/$manifest" |
    sort -rn | cut -d' ' -f2- | xargs -P2 -n4 "$0" --check
