#!/usr/bin/env bash
# Times castline against its peers: on an OCI layout, or on an unpacked root filesystem.
set -euo pipefail
export LC_ALL=C

usage() {
    cat <<'USAGE'
Usage: peers.sh verify IMAGEDIR [RUNS]
       peers.sh drift IMAGE ROOTFS [RUNS]
       peers.sh pull docker://HOST:PORT/NAME:TAG [RUNS]

Runs each peer in turn (A B C A B C ...), RUNS times (7) after one round that only warms the caches.
Prints wall seconds, the ratio to the base (median of each round's own ratio; below 1 is faster), the
median of CPU seconds, and the peak memory of the peer's biggest process.

verify: checks the OCI layout IMAGEDIR.
  castline        castline verify, all cores
  castline -j1    castline verify --jobs 1
  shell pipeline  (the base) shell-pipeline.sh: igzip or zstd, and openssl; two jobs
  skopeo copy     oci: to dir:. Checks the blobs, not the diffIDs, and writes a copy to TMPDIR

drift: compares the folder ROOTFS with the image, whose tree was saved before.
  castline        castline drift, all cores: contents, every attribute, xattrs
  castline -j1    castline drift --jobs 1
  castline warm   castline drift --cache, with what the round before left in it
  find openssl    (the base) find | xargs -P2 openssl dgst -sha256: contents only
  mtree           mtree -p ROOTFS -f, without xattrs
  gomtree         gomtree validate -p ROOTFS -f, without xattrs

pull: brings an image out of a registry without TLS (registry.sh starts one) into a new layout in TMPDIR.
  castline        castline pull: blobs checked as they come, fsync, then all that `verify` checks
  skopeo copy     (the base) docker:// to oci:. Checks the blobs, not the diffIDs; no fsync

CASTLINE names the program; else it is ../target/release/castline. Needs GNU time. A peer that is
missing or fails is named and left out.
USAGE
}

die() { echo "peers: $*" >&2; exit 2; }

here=$(dirname "$(realpath "$0")")
castline=${CASTLINE:-$here/../target/release/castline}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

case ${1-} in
    -h | --help) usage; exit ;;
    verify)
        [ $# -ge 2 ] || { usage >&2; exit 2; }
        image=$(realpath "$2") runs=${3:-7} subject=$(basename "$2") base="shell pipeline"
        names=("castline" "castline -j1" "shell pipeline" "skopeo copy")
        [ -f "$image/index.json" ] || die "$2 is not an OCI layout"
        ;;
    drift)
        [ $# -ge 3 ] || { usage >&2; exit 2; }
        rootfs=$(realpath "$3") runs=${4:-7} subject=$3 base="find openssl"
        names=("castline" "castline -j1" "castline warm" "find openssl" "mtree" "gomtree")
        "$castline" tree "$2" --json >"$work/tree.jsonl"
        "$castline" tree "$2" >"$work/tree.mtree"
        ;;
    pull)
        [ $# -ge 2 ] || { usage >&2; exit 2; }
        from=$2 runs=${3:-7} subject=$2 base="skopeo copy"
        names=("castline" "skopeo copy")
        ;;
    *) usage >&2; exit 2 ;;
esac
[[ $runs =~ ^[1-9][0-9]*$ ]] || die "$runs is not a number of runs"
[ -x /usr/bin/time ] || die "GNU time is not there"

# peer NAME: the command line of a peer, and the programs that it needs.
peer() {
    [ -z "${rootfs-}" ] || { scanner "$1"; return; }
    [ -z "${from-}" ] || { puller "$1"; return; }
    case $1 in
        castline) needs=("$castline") line=("$castline" verify "oci:$image") ;;
        castline\ -j1) needs=("$castline") line=("$castline" verify "oci:$image" --jobs 1) ;;
        shell\ pipeline) needs=(igzip zstd openssl jq) line=("$here/shell-pipeline.sh" "$image") ;;
        skopeo\ copy) needs=(skopeo)
            line=(skopeo --insecure-policy copy -q "oci:$image" "dir:$work/copy") ;;
    esac
}

# scanner NAME: the same for those that compare a root filesystem.
scanner() {
    local ours=("$castline" drift "tree:$work/tree.jsonl" "$rootfs")
    case $1 in
        castline) needs=("$castline") line=("${ours[@]}") ;;
        castline\ -j1) needs=("$castline") line=("${ours[@]}" --jobs 1) ;;
        castline\ warm) needs=("$castline") line=("${ours[@]}" --cache "$work/cache") ;;
        find\ openssl) needs=(openssl)
            line=(sh -c 'find "$0" -type f -print0 | xargs -0 -P2 openssl dgst -sha256' "$rootfs") ;;
        mtree) needs=(mtree) line=(mtree -p "$rootfs" -f "$work/tree.mtree") ;;
        gomtree) needs=(gomtree) line=(gomtree validate -p "$rootfs" -f "$work/tree.mtree") ;;
    esac
}

# puller NAME: the same for those that bring an image out of a registry.
puller() {
    case $1 in
        castline) needs=("$castline") line=("$castline" pull "$from" "oci:$work/copy:v1") ;;
        skopeo\ copy) needs=(skopeo)
            line=(skopeo --insecure-policy copy -q --all --src-tls-verify=false "$from" "oci:$work/copy:v1") ;;
    esac
}

# run NAME: one timed run, as "seconds CPU-seconds KiB".
run() {
    local start end
    peer "$1"
    rm -rf "$work/copy"
    start=$EPOCHREALTIME
    /usr/bin/time -q -o "$work/cost" -f '%U %S %M' "${line[@]}" >"$work/said" 2>&1 || return
    end=$EPOCHREALTIME
    awk -v wall="$start $end" '{ split(wall, t, " "); print t[2] - t[1], $1 + $2, $3 }' "$work/cost"
}

peers=()
for name in "${names[@]}"; do
    peer "$name"
    for program in "${needs[@]}"; do
        command -v "$program" >/dev/null || { echo "$name: left out, no $program" >&2; continue 2; }
    done
    run "$name" >/dev/null || { echo "$name: left out, it fails: $(tail -n1 "$work/said")" >&2; continue; }
    peers+=("$name")
done
[ ${#peers[@]} -gt 0 ] || die "no peer is left"

# busy: the CPU seconds, stolen ones too, that this machine has spent since it started.
busy() { awk -v hz="$(getconf CLK_TCK)" '/^cpu / { print ($2 + $3 + $4 + $7 + $8 + $9) / hz }' /proc/stat; }

before=$(busy)
for ((round = 1; round <= runs; round++)); do
    echo "round $round of $runs" >&2
    for name in "${peers[@]}"; do
        cost=$(run "$name") || die "$name fails: $(tail -n1 "$work/said")"
        printf '%s\t%s\t%s\n' "$name" "$round" "${cost// /$'\t'}"
    done
done >"$work/costs"

echo "$subject, $runs rounds"
python3 - "$work/costs" "$before" "$(busy)" "$base" <<'TABLE'
import sys
from collections import defaultdict
from statistics import median

costs = defaultdict(dict)  # peer -> round -> (wall, cpu, kib)
for row in open(sys.argv[1]):
    name, turn, *numbers = row.rstrip("\n").split("\t")
    costs[name][turn] = tuple(map(float, numbers))
base = costs.get(sys.argv[4])
print(f"{'peer':15} {'median':>7} {'min':>6} {'max':>6} {'ratio':>6} {'CPU s':>6} {'MiB':>5}")
for name, turns in costs.items():
    walls, cpus, kibs = zip(*turns.values())
    ratio = f"{median(cost[0] / base[t][0] for t, cost in turns.items()):.2f}" if base else "-"
    print(f"{name:15} {median(walls):7.2f} {min(walls):6.2f} {max(walls):6.2f} {ratio:>6} "
          f"{median(cpus):6.2f} {max(kibs) / 1024:5.0f}")
ours = sum(cost[1] for turns in costs.values() for cost in turns.values())
wall = sum(cost[0] for turns in costs.values() for cost in turns.values())
others = max(0, float(sys.argv[3]) - float(sys.argv[2]) - ours)
print(f"others used {others / wall:.2f} cores meanwhile; walls are only worth something near 0.1")
TABLE
