#!/usr/bin/env bash
# Makes the reference image of the measurements: Debian packages in seven layers, about 576 MB of
# gzip and 1.8 GB of tar, half of it in one layer.
set -euo pipefail
export LC_ALL=C TZ=UTC

usage() {
    cat <<'USAGE'
Usage: reference-image.sh OUT

Makes three OCI layouts with the same files:
  OUT/gzip    seven gzip layers
  OUT/zstd    the same seven layers in zstd
  OUT/single  all files in one gzip layer
The tag is the folder's name. What is there already is kept, so a broken run can be repeated;
OUT/work holds what is only needed for that.

The packages come from the apt sources of this machine (Debian 12, amd64). The same package
versions and the same tar, gzip and zstd give the same bytes; OUT/packages.txt lists the versions.
Needs apt-get, dpkg-deb, GNU tar, gzip, zstd, jq and about 8 GB of disk, not root.
USAGE
}

# One line a layer, lowest first.
layers() {
    cat <<'LAYERS'
base     base-files bash coreutils libc6 libc-bin dpkg perl-base libperl5.36 perl-modules-5.36 libssl3 openssl ca-certificates tzdata
python   libpython3.11-stdlib python3-numpy python3-scipy python3-pandas python3-matplotlib python3-sympy python3-django
gcc      cpp-12 gcc-12 g++-12 libgcc-12-dev libstdc++-12-dev libasan8 libtsan2
database postgresql-15 git
tools    vim-runtime cmake cmake-data
node     libicu72 libnode108 node-typescript libruby3.1
large    golang-1.19-go golang-1.19-src libstd-rust-dev chromium
LAYERS
}

say() { echo "reference-image: $*" >&2; }
die() { say "$*"; exit 2; }

# fetch LAYER PACKAGE...: the packages of a layer, as .deb files in work/LAYER/.
fetch() {
    local layer=$1; shift
    [ -e "work/$layer/complete" ] && return
    say "fetching $layer: $*"
    mkdir -p "work/$layer"
    (cd "work/$layer" && apt-get -qq -o APT::Sandbox::User=root download "$@" >&2) || die "apt-get cannot fetch the packages of $layer"
    touch "work/$layer/complete"
}

# pack NAME LAYER...: the files of these layers as one tar, work/NAME.tar. Sorted names, no owners and
# no process id in its headers: the packages alone decide its bytes.
pack() {
    local name=$1 layer package; shift
    [ -e "work/$name.tar" ] && return
    say "packing $name"
    rm -rf work/tree && mkdir work/tree
    for layer in "$@"; do
        for package in "work/$layer"/*.deb; do
            dpkg-deb --fsys-tarfile "$package" | tar -x -p --no-same-owner -C work/tree
        done
    done
    find work/tree -type d -exec touch -d @0 {} + # what tar leaves there depends on the time of day
    tar -c --format=posix --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime \
        --sort=name --numeric-owner --owner=0 --group=0 -C work/tree -f "work/$name.part" .
    rm -rf work/tree
    mv "work/$name.part" "work/$name.tar"
}

# squeeze NAME gzip|zstd: work/NAME.tar.gzip or work/NAME.tar.zstd.
squeeze() {
    local out=work/$1.tar.$2
    [ -e "$out" ] && return
    say "compressing $1 with $2"
    case $2 in
        gzip) gzip -6 -n -c "work/$1.tar" >"$out.part" ;;
        zstd) zstd -q -3 -T1 -c "work/$1.tar" >"$out.part" ;;
    esac
    mv "$out.part" "$out"
}

digest() { sha256sum "$1" | cut -d' ' -f1; }

# keep FILE LAYOUT TYPE: puts FILE among the blobs and prints its descriptor.
keep() {
    local hex; hex=$(digest "$1")
    ln -f "$1" "$2/blobs/sha256/$hex"
    jq -cn --arg type "$3" --arg digest "sha256:$hex" --argjson size "$(stat -c %s "$1")" \
        '{mediaType: $type, digest: $digest, size: $size}'
}

# layout FOLDER gzip|zstd NAME...: an OCI layout of these tars.
layout() {
    local folder=$1 codec=$2 oci=application/vnd.oci.image name; shift 2
    [ -e "$folder/index.json" ] && return
    say "writing $folder"
    rm -rf "$folder" && mkdir -p "$folder/blobs/sha256"
    for name in "$@"; do
        keep "work/$name.tar.$codec" "$folder" "$oci.layer.v1.tar+$codec" >&3
        jq -cn --arg id "sha256:$(digest "work/$name.tar")" '$id' >&4
    done 3>work/layers.json 4>work/ids.json
    jq -cn --slurpfile ids work/ids.json \
        '{architecture: "amd64", os: "linux", config: {}, rootfs: {type: "layers", diff_ids: $ids}}' \
        >work/config.json
    keep work/config.json "$folder" "$oci.config.v1+json" >work/config-descriptor.json
    jq -cn --arg type "$oci.manifest.v1+json" --slurpfile config work/config-descriptor.json \
        --slurpfile layers work/layers.json \
        '{schemaVersion: 2, mediaType: $type, config: $config[0], layers: $layers}' >work/manifest.json
    keep work/manifest.json "$folder" "$oci.manifest.v1+json" >work/manifest-descriptor.json
    rm work/config.json work/manifest.json # linked among the blobs: the next layout needs new files
    echo '{"imageLayoutVersion":"1.0.0"}' >"$folder/oci-layout"
    jq -c --arg tag "$folder" --arg type "$oci.index.v1+json" \
        '{schemaVersion: 2, mediaType: $type,
          manifests: [. + {annotations: {"org.opencontainers.image.ref.name": $tag}}]}' \
        work/manifest-descriptor.json >"$folder/index.part"
    mv "$folder/index.part" "$folder/index.json"
}

case ${1-} in
    -h | --help) usage; exit ;;
    '' | -*) usage >&2; exit 2 ;;
esac
for tool in apt-get dpkg-deb tar gzip zstd jq; do
    command -v "$tool" >/dev/null || die "$tool is not there"
done
mkdir -p "$1/work"
cd "$1"

names=()
while read -r name packages; do
    # shellcheck disable=SC2086 # a list of words
    fetch "$name" $packages
    pack "$name" "$name"
    squeeze "$name" gzip
    squeeze "$name" zstd
    names+=("$name")
done < <(layers)
pack single "${names[@]}"
squeeze single gzip

layout gzip gzip "${names[@]}"
layout zstd zstd "${names[@]}"
layout single gzip single

for name in "${names[@]}"; do
    for package in "work/$name"/*.deb; do
        echo "$name $(dpkg-deb -W --showformat='${Package} ${Version} ${Architecture}' "$package")"
    done
done >packages.txt
du -sh --apparent-size gzip zstd single >&2
