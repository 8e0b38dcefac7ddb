//! What `--help` says after the options: examples, and what the exit status means.

pub(super) mod engine;

/// What every command's exit status means; the READMEs say the same.
macro_rules! exit_status {
    () => {
        "Exit status: 0 all is well, warnings and remarks aside; 1 an error was found, or
something could not be checked; 2 the work could not be done."
    };
}

pub(super) const HELP: &str = concat!(
    exit_status!(),
    "

IMAGE is oci:DIR[:TAG][@DIGEST], oci-archive:FILE[:TAG][@DIGEST], docker-archive:FILE[:NAME[:TAG]] or \
docker://HOST/NAME[:TAG][@DIGEST]; `:@N` in place of the tag takes the image at position N; a FILE of `-` is standard input."
);

pub(super) const BUILD_EXAMPLES: &str = "\
Examples:
  castline build -o oci:images:v1
  castline build -f web/castline.toml -o oci-archive:web.tar:v1 --compression zstd
  SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) castline build -o oci:images:v1 --json | jq -r .digest
  castline build -o oci-archive:- | ssh host podman load

The description, castline.toml; everything but `platforms` may be left out:
  base = \"oci:images/base:v1\"          # verified, and built upon
  platforms = [\"linux/amd64\"]          # several make an index
  created = \"2026-11-23T22:50:00Z\"     # 1970 by default; SOURCE_DATE_EPOCH comes before it
  compression = \"gzip\"                 # or zstd, none
  [[layers]]                             # one for each, lowest first
  directory = \"rootfs\"                 # or file = \"…\", or tar = \"…\", which is taken as it is
  to = \"/srv\"                          # / by default
  exclude = [\"**/*.pyc\"]
  owner = \"0:0\"                        # or keep
  modes = \"keep\"                       # or normal (0755 and 0644), or \"0755\"
  times = \"created\"                    # or clamp (none later), keep
  xattrs = \"capabilities\"              # or none, all
  platforms = [\"linux/amd64\"]          # for all by default
  [config]
  entrypoint = [\"/bin/httpd\"]          # and cmd, env = { A = \"1\" }, user, working-dir,
  exposed-ports = [\"8080\"]             # labels = { a = \"b\" }, volumes, stop-signal
  [annotations]
  \"org.opencontainers.image.revision\" = \"4f2c\"

Paths are relative to the description. The same inputs give the same bytes on every machine, run and \
number of cores. No clock is read.
Exit status: 0 it is built, and its digest printed; 2 the work could not be done.";

pub(super) const DIFF_EXAMPLES: &str = "\
Examples:
  castline diff oci:images:v1 oci:images:v2
  castline diff oci:yesterday:v1 oci-archive:today.tar --platform linux/arm64 --json

Both are verified first. What is likely to have made them differ comes first: contents, owners, times, \
order of entries, compression, the moment of creation; then each field, layer and file.
Exit status: 0 they are the same, byte for byte; 1 they differ, or one is not intact; 2 the work could \
not be done.";
#[cfg(feature = "registry")]
pub(super) const PULL_EXAMPLES: &str = "\
Examples:
  castline pull docker://docker.io/library/alpine:3 oci:images:alpine
  castline pull docker://registry.example/app:v1 oci:images:app --platform linux/arm64

Blobs are checked as they come; then the image is verified as by `castline verify`, and named in the \
layout if it is intact. A pull that was interrupted goes on where it was. Credentials are those of \
`docker login` and `podman login`, credential helpers included; HTTPS_PROXY, HTTP_PROXY and NO_PROXY count, \
but for loopback, which is asked directly.
Exit status: 0 it is there and intact; 1 it has an error, or something could not be checked; 2 it \
could not be pulled.";

#[cfg(feature = "registry")]
pub(super) const PUSH_EXAMPLES: &str = "\
Examples:
  castline push oci:images:app docker://registry.example/app:v1
  castline push oci:images:app docker://registry.example/team/app:v1 --mount docker://registry.example/base

Only what is intact is pushed, and of that only what the registry does not have. What refers to \
another image (its `subject`) is found by `castline list --referrers`, whatever the registry. Printed \
is the digest by which it is there. Where there is a site with a [test], each image must have passed \
it (`castline test`): --untested pushes it all the same.
Exit status: 0 it is there; 1 it is not intact or not tested, and was not pushed; 2 it could not be \
pushed.";

#[cfg(feature = "registry")]
pub(super) const PIN_EXAMPLES: &str = "\
Examples:
  castline pin docker://registry.example/app:v1       # docker://registry.example/app@sha256:...

The manifest is read and hashed: the digest is that of its bytes, not what a header says.";

#[cfg(feature = "registry")]
pub(super) const LIST_EXAMPLES: &str = "\
Examples:
  castline list docker://registry.example/app
  castline list docker://registry.example/app:v1 --referrers
  castline list docker://registry.example/app:v1 --referrers --artifact-type application/spdx+json";

pub(super) const CHECK_EXAMPLES: &str = "\
Examples:
  castline check --plan plan.json --fleet fleet.json --release release.json --policy policy.json
  castline check --plan plan.json --fleet fleet.json --release release.json --exhaustive

The proof shares no code with the planner. It shows that the plan is for this fleet, release and \
policy, does what the policy asks and nothing else, breaks no limit whatever the order in which \
things happen, and can always go on. --exhaustive also executes it in every world that is slow, \
fails, loses and repeats; that is for small plans.
Exit status: 0 it is safe; 1 it is not, and the steps that break it are shown; 2 the work could not \
be done.";

pub(super) const PLAN_EXAMPLES: &str = "\
Examples:
  castline plan --fleet fleet.json --release release.json
  castline plan --fleet fleet.json --release release.json --policy policy.json --html plan.html
  castline plan --fleet fleet.json --release release.json --policy policy.json --json > plan.json
  castline plan --fleet web.json --fleet db.json --release web-2.json --release db-2.json

Nothing is done: the plan is a document, which names each instance, in which order and why; approve \
of it by its digest. Without --policy, replacements are rolled out one by one with a surge of 25 % \
and nothing unavailable. The capacity that is shown is that of a simulation; --world FILE \
says how long things take. schemas/ has the schemas of all documents.
Exit status: 0 there is a plan; 1 it is infeasible, and the constraints in conflict are named; 2 the \
work could not be done.";

pub(super) const RELEASE_EXAMPLES: &str = "\
Examples:
  castline release oci:images/app:v2 --service web --replicas 6 > release.json
  castline release oci:images/app:v2 --platform linux/arm64 --service web --replicas 6 --spec spec.json
  castline release oci:images/app:v2 --service web --replicas 6 --secret DB_PASSWORD=file:/run/secrets/db

The image is verified first: there is no release of one that is not intact or could not be checked as \
a whole. --spec is a document with what of env, secrets, entrypoint, args, user, workingDir, mounts and \
labels is not as the image says. A release, and so plans and the ledger, has where a secret comes from, \
never its value: that is read whenever an instance is launched. A new value is there for whatever is \
launched from then on; to have all instances get it, change a label of the spec, and apply that.
Exit status: 0 the release is printed; 1 the image is not intact; 2 the work could not be done.";

pub(super) const DRIFT_EXAMPLES: &str = "\
Examples:
  castline drift oci:images/app:v1 /proc/4711/root --profile podman
  castline drift oci:images/app:v1 /mnt/rootfs --ignore 'var/cache/**' --json
  castline drift oci:images/app:v1 /proc/4711/root --fast --profile docker
  castline tree oci:images/app:v1 --json > app.jsonl
  castline drift tree:app.jsonl /proc/4711/root --profile kubernetes --mount /data

Compared are type, mode, owner, size, content, link target, device, extended attributes and hard \
links. The image is verified first; a tree that was saved is taken as it is. Nothing is written to \
ROOTFS. What cannot be read, as by another user than root, is told and leaves the verdict open.

--fast believes that what the overlay has not written is as in the image: it does not see who \
altered the image's layers on the host. --cache believes the kernel's ctime: it does not see who \
set the clock back, or wrote to the disk beneath the filesystem. --verity believes the kernel, which \
refuses to read what differs from the digest that it measures.

Severities: critical is code that was not shipped, or rights; warning is what differs otherwise; \
info is what programs leave as they run (logs, files in /tmp), and no drift.
Exit status: 0 no drift, remarks aside; 1 it drifted, or something could not be checked; 2 the work \
could not be done.";

pub(super) const PROFILE_EXAMPLES: &str = "\
Examples:
  castline profile
  castline profile podman
  castline profile kubernetes --json";

pub(super) const INSPECT_EXAMPLES: &str = concat!(
    "\
Examples:
  castline inspect oci:images/app
  castline inspect docker-archive:app.tar:example/app:1.0
  castline inspect oci:images/app:v1 --json | jq '.images[].layers[].diffId'

Reads the documents only; layers are left to `castline verify`.
",
    exit_status!()
);

pub(super) const TREE_EXAMPLES: &str = concat!(
    "\
Examples:
  castline tree oci:images/app:v1 > app.mtree
  castline tree oci:images/app:v1 --platform linux/arm64 --json > app.jsonl
  castline tree docker-archive:app.tar | fmtree -p /mnt/rootfs

The image is verified on the way, and nothing is printed of one that is not intact or could not \
be checked as a whole. Of several images one has to be taken. The text is mtree(5) with sizes and \
SHA-256 digests; --json is one object a line, with extended attributes and further names of a file \
as well.
",
    exit_status!()
);

pub(super) const VERIFY_EXAMPLES: &str = concat!(
    "\
Examples:
  castline verify oci:images/app
  castline verify oci:images/app:v1 --platform linux/arm64
  castline verify docker-archive:app.tar.gz --json
  docker save example/app:1.0 | castline verify docker-archive:-
  castline verify oci:images/app --unreferenced --jobs 1

Without a tag, everything that the index names is checked.
",
    exit_status!()
);

pub(super) const IMPORT_EXAMPLES: &str = "\
Examples:
  kubectl get deploy,rs,po,pdb,no -A -o json | castline import kubernetes -
  castline import kubernetes cluster.json --service web --get fleet > fleet.json
  castline import kubernetes cluster.json --service web --get policy > policy.json
  docker inspect $(docker ps -q) | castline import docker - --service web --get fleet
  aws ec2 describe-instances > ec2.json; aws autoscaling describe-auto-scaling-groups > asg.json
  castline import aws ec2.json asg.json --service web --get fleet
  castline import packer manifest.json --region eu-west-1 --service web --replicas 6 > release.json

Takes what others print of what runs, as fleets and policies for `castline plan`; of what Packer \
built, a release. What could not be taken over is told on standard error. How instances are run is \
left out, since it can hold secrets, unless --specs is given.
Exit status: 0 it was imported; 2 it could not be.";
