#!/usr/bin/env bash
# Times castline build against its peers on one tree.
set -euo pipefail
export LC_ALL=C

usage() {
    cat <<'USAGE'
Usage: build.sh [TREE] [RUNS]

Makes one gzip layer of the folder TREE (by default 1 GiB out of /usr, copied once) with each peer in
turn (A B C A B C ...), RUNS times (3) after one round that only warms the caches. Prints wall seconds,
the ratio to the base (median of each round's own ratio; below 1 is faster), CPU seconds, the size of
the layer, and whether castline's digest was the same each time, on one core as on all.

  castline        castline build, all cores: layer, both digests, documents, fsync
  castline -j1    castline build --jobs 1
  castline zstd   castline build --compression zstd
  tar | gzip      (the base) tar --sort=name | gzip -6: the layer only, no digest
  umoci insert    umoci init, new, insert --rootless
  buildah         buildah from scratch, add, commit

CASTLINE names the program; else it is ../target/release/castline. Needs GNU time, and the Debian
packages umoci and buildah; a peer that is missing or fails is named and left out.
USAGE
}

die() { echo "build: $*" >&2; exit 2; }

case ${1-} in -h | --help) usage; exit ;; esac
here=$(dirname "$(realpath "$0")")
castline=${CASTLINE:-$here/../target/release/castline}
runs=${2:-3}
[[ $runs =~ ^[1-9][0-9]*$ ]] || die "$runs is not a number of runs"
[ -x /usr/bin/time ] || die "GNU time is not there"
[ -x "$castline" ] || die "$castline is not there: cargo build --release -p castline-cli"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

tree=${1-}
if [ -z "$tree" ]; then
    tree=$work/tree
    mkdir "$tree"
    # Whole folders of /usr until there is 1 GiB; one that goes far beyond it is left out.
    size() { du -sm "$1" | cut -f1; }
    for folder in /usr/bin /usr/lib/* /usr/share/*; do
        [ "$(size "$tree")" -lt 1024 ] || break
        [ -d "$folder" ] && [ $(($(size "$tree") + $(size "$folder"))) -le 1152 ] || continue
        cp -a "$folder" "$tree/" 2>/dev/null || true
    done
fi
tree=$(realpath "$tree")
echo "tree: $(du -sm --apparent-size "$tree" | cut -f1) MiB, $(find "$tree" | wc -l) entries; $(nproc) cores"

cat >"$work/castline.toml" <<TOML
platforms = ["linux/amd64"]
[[layers]]
directory = "$tree"
TOML

run_castline() { "$castline" build -f "$work/castline.toml" -o "oci:$work/out:v1" "$@" | tail -n 1; }
layer_bytes() { find "$work/out" -type f -size +100k -printf '%s\n' | sort -n | tail -n 1; }

# Runs peer number $1, its result in $work/out.
peer() {
    case $1 in
        0) run_castline ;;
        1) run_castline --jobs 1 ;;
        2) run_castline --compression zstd ;;
        3) mkdir "$work/out" && tar --sort=name -C "$tree" -cf - . | gzip -6 >"$work/out/layer.tar.gz" ;;
        4)
            umoci init --layout "$work/out" && umoci new --image "$work/out:v1" \
                && umoci insert --rootless --image "$work/out:v1" "$tree" / ;;
        5)
            local options=(--root "$work/buildah" --runroot "$work/buildah-run" --storage-driver vfs)
            local container
            container=$(buildah "${options[@]}" from scratch) \
                && buildah "${options[@]}" add -q "$container" "$tree" / \
                && buildah "${options[@]}" commit -q "$container" "oci:$work/out:v1" \
                && buildah "${options[@]}" rm "$container" ;;
    esac
}
export -f peer run_castline
export work tree castline

names=("castline" "castline -j1" "castline zstd" "tar | gzip" "umoci insert" "buildah")
base=3
declare -A broken
for ((round = 0; round <= runs; round++)); do
    for peer in "${!names[@]}"; do
        [ -z "${broken[$peer]-}" ] || continue
        rm -rf "$work/out" "$work/buildah" "$work/buildah-run"
        if ! /usr/bin/time -f '%e %U %S' -o "$work/time" bash -c "set -eo pipefail; peer $peer" >"$work/said" 2>"$work/errors"; then
            broken[$peer]=1
            echo "left out: ${names[$peer]}: $(tail -n 1 "$work/errors")"
            continue
        fi
        [ "$peer" -ge 2 ] || grep -o 'sha256:[0-9a-f]*' "$work/said" >>"$work/digests"
        [ "$round" -eq 0 ] || awk -v peer="$peer" -v round="$round" -v bytes="$(layer_bytes)" \
            '{ print peer, round, $1, $2 + $3, bytes }' "$work/time" >>"$work/results"
    done
done

median() { sort -n | awk '{ values[NR] = $1 } END { print NR % 2 ? values[(NR + 1) / 2] : (values[NR / 2] + values[NR / 2 + 1]) / 2 }'; }
printf '%-14s %8s %7s %8s %9s\n' "" "wall s" "ratio" "CPU s" "MiB"
for peer in "${!names[@]}"; do
    [ -z "${broken[$peer]-}" ] || continue
    of() { awk -v peer="$peer" -v field="$1" '$1 == peer { print $field }' "$work/results" | median; }
    ratio=$(awk -v peer="$peer" -v base="$base" \
        '$1 == base { bases[$2] = $3 } $1 == peer { mine[$2] = $3 } END { for (round in mine) if (bases[round]) print mine[round] / bases[round] }' \
        "$work/results" | median)
    printf '%-14s %8.2f %7.2f %8.1f %9.1f\n' "${names[$peer]}" "$(of 3)" "$ratio" "$(of 4)" \
        "$(awk -v bytes="$(of 5)" 'BEGIN { print bytes / 1048576 }')"
done
echo "castline's digests, on one core and on all: $(sort -u "$work/digests" | wc -l) distinct"
