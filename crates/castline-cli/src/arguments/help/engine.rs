//! What the commands that act say after their options.

macro_rules! of_rollouts {
    () => {
        "Ctrl-C pauses: nothing more is begun, what was begun is finished, and `castline resume` goes on.
A second one leaves at once; the journal knows how far it was, and `castline resume` finds out what \
came of it.
Exit status: 0 it runs, or there is nothing to do, or --dry-run shows a plan that could be begun; 1 there \
is no plan, or it was refused, failed, went back, waits for somebody, or could not be begun now; 2 the \
work could not be done."
    };
}

pub(in crate::arguments) const APPLY_EXAMPLES: &str = concat!(
    "\
Examples:
  castline apply --release release.json
  castline apply --release release.json --policy policy.json --dry-run
  castline apply --release release.json --policy policy.json --approve sha256:4f2c…
  castline apply --release web.json --release db.json --yes --json

A site, castline-site.toml; what is in it starts in its folder, and secrets are not for it:
  ledger = \"ledger\"    # a folder; made where it is not there
  actor = \"ann\"        # who does it; the user, where nobody is named
  [local]              # this machine, without a daemon
  state = \"state\"
  images = [\"oci:images\"]
  zones = [\"a\", \"b\", \"c\"]
  portRange = { first = 21000, last = 21099 }
There may be more in it:
  # Is told who gets traffic, on standard input; a member of [local].
  traffic = { command = [\"./route\"] }
  # Images that have not passed this are not applied or pushed.
  [test]
  command = [\"/bin/check\"]
  # What policies ask as `analysis`: a program for each, which ends with 0.
  [analyses]
  errors = [\"./errors\", \"--below\", \"1%\"]
Instead of [local], Docker Engines and Podmans, or any program that speaks the protocol of drivers:
  [docker]
  hosts = [{ url = \"unix:///run/docker.sock\", zones = [\"a\"] }]
  images = [\"oci:images\"]
  [command]
  command = [\"./driver\", \"--cluster\", \"7\"]

A policy, policy.json, of which any member may be left out:
  {\"budgets\": [{\"maxUnavailable\": 0, \"maxSurge\": 1}], \"onFailure\": \"rollback\",
   \"zones\": [\"a\", \"b\"], \"minReadySeconds\": 10,
   \"strategy\": {\"canary\": [{\"amount\": 1, \"gate\": {\"bakeSeconds\": 60, \"approval\": \"looks good\"}}]}}
Without zones, it is all of the site's: write them out where `castline plan` or `castline check` is to make, or prove, \
the same plan. An instance without a health check is ready as soon as it runs: with \
minReadySeconds, it counts only once it has been so for that long.
How an instance is run, `castline release --spec spec.json`, where it is not as the image says:
  {\"env\": {\"LANG\": \"C\"}, \"health\": {\"command\": [\"/bin/check\"], \"intervalMillis\": 1000}}

Secrets that a release names are read when an instance is launched: variables of this process, and files \
of this machine. Where one is missing, nothing is begun.
The plan is made from what runs, shown, and proved safe by code that it does not share anything with \
the planner. Then it needs somebody's approval: at a terminal it is asked for. That keeps nobody waiting: where anything \
has changed by then, the plan is made, and asked for, again.
",
    of_rollouts!()
);

pub(in crate::arguments) const PAUSE_EXAMPLES: &str = "\
Examples:
  castline pause
  castline pause 4f2c91 && castline resume 4f2c91

Does from any terminal what Ctrl-C does where the rollout is executed: nothing more is begun, what was \
begun is finished. With --stay, that castline waits for `castline resume`, `castline rollback` or \
`castline resume --abort`; else it ends, and `castline resume` goes on.
Exit status: 0 it pauses, which is recorded; 1 it was refused, or no rollout is executed; 2 whoever \
executes it could not be reached.";

pub(in crate::arguments) const RESUME_EXAMPLES: &str = concat!(
    "\
Examples:
  castline resume
  castline resume 4f2c91
  castline resume --abort

What was approved of when it began needs no other approval. What failed is tried again. Where another \
castline executes the rollout, it is told, and goes on, or stops, there.
",
    of_rollouts!()
);

pub(in crate::arguments) const ROLLBACK_EXAMPLES: &str = concat!(
    "\
Examples:
  castline rollback --dry-run
  castline rollback
  castline rollback web --to 4f2c91 --yes

A rollout that is under way goes back itself, wherever it is executed. Otherwise the way back is planned, shown, approved of \
and proved like any other. Never to a release that failed since it succeeded, unless --to names it. What only replaces what is \
broken (`castline remediate`) has nothing to go back to: stop it first.
",
    of_rollouts!()
);

pub(in crate::arguments) const REMEDIATE_EXAMPLES: &str = concat!(
    "\
Examples:
  castline remediate --dry-run
  castline remediate web --yes
  castline remediate web --fast --keep isolate --yes --json

Every instance is looked into, and compared with the image that it was launched from. What was found \
is recorded, and `castline status` says it. What could not be looked into is never taken for intact. Instances in quarantine are left alone; `castline prune \
--quarantined` removes them. What comes for a changed instance has the values that secrets have now.
",
    of_rollouts!()
);

pub(in crate::arguments) const STATUS_EXAMPLES: &str = "\
Examples:
  castline status
  castline status web --json | jq '.services[].instances[] | select(.health != \"ready\")'

Reads only, also while another castline executes a rollout.
Exit status: 0 what runs is what should; 1 something is under way, or is not as it should be; 2 it \
could not be said.";

pub(in crate::arguments) const HISTORY_EXAMPLES: &str = "\
Examples:
  castline history
  castline history web --json | jq '.rollouts[] | select(.outcome != \"succeeded\")'

Reads only, and checks every link of the ledger. The digest of the last entry is printed: kept elsewhere, and given \
back by --expect DIGEST, it shows that nobody has set the ledger back since.
Exit status: 0 it was told; 2 it could not be.";

pub(in crate::arguments) const PRUNE_EXAMPLES: &str = "\
Examples:
  castline prune
  castline prune --keep 1 --delete
  castline prune --quarantined --delete
  castline prune --layout oci:images --delete

Looked at are the images that the site's driver has unpacked on this machine, with what was set aside or \
left half done beside them, or has brought to each of its engines. What was in an engine before, or has \
another name there, is left alone. Kept is whatever runs, is under way or in quarantine, what any \
container of an engine uses, and the releases that can be gone back to. Nothing is forced: what an \
engine does not let go of stays, and it says why. Of a layout, what its index.json lists is kept as \
well; while a castline writes to it, it is left alone. What other sites need, and what other programs \
write to a layout, is not known here. Images that are removed are recorded first, so that nobody goes \
back to them.
Exit status: 0 it was removed, or said; 2 it could not be.";

pub(in crate::arguments) const ANSWER_EXAMPLES: &str = "\
Examples:
  castline answer 'canary looks good' && castline resume
  castline answer 'canary looks good' --no 'error rate is up'

`castline status` says what is asked. The answer is recorded under the site's actor. Where another castline \
executes the rollout (`castline apply --stay` waits for it), it is told, and goes on by itself.
Exit status: 0 it is recorded; 1 nothing of the kind is asked, and nothing was recorded; 2 it could not \
be recorded.";

pub(in crate::arguments) const TEST_EXAMPLES: &str = "\
Examples:
  castline test --release release.json -- /bin/check --all
  castline test --release release.json --timeout 600

One instance is launched as a service of its own, without traffic, and ended after the command has \
run in it. What came of it is recorded. With a [test] in the site, what has not passed \
is neither applied nor pushed.
Exit status: 0 it passed; 1 it did not; 2 it could not be said.";
