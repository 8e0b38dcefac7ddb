//! The tables that every language's conformance test runs.

use std::fmt::Write as _;

use super::case::{Row, Section};

const COMMITTED: &str = "\
# What castline must say, in every language: operation<TAB>input<TAB>expected. Written by `cargo xtask vectors`.
# Lines that start with `#`, and empty ones, are no rows.
#
# verify [--unreferenced] [--platform PLATFORM|all]
#   Verifies the image that the input names; its path is relative to the folder of this table. Expected: the codes of
#   the findings in the report's order, with a space between; an error as `code`, others as `warning:code` and
#   `info:code`; `intact` when there is no finding. The report is intact exactly when no code stands without a level.
#   `incomplete` follows when it is intact and something was left unchecked.
#   Each case is named for its form or its one fault. Cases whose name says \"outside\" lean on the case `plain`.
# tree
#   Merges the layers of the image that the input names. Expected: its entries but for the root, sorted by the bytes of
#   their paths, with a space between; or the codes of the findings. `d:PATH` is a folder, `D:PATH` one that no layer
#   has, `f:PATH:SIZE` a file, `h:PATH=FIRST` a further name of a file, `l:PATH->TARGET` a link, `c:` and `b:` with
#   `PATH:MAJOR,MINOR` devices, `p:PATH` a pipe. `:MODE` follows where it is not 0755 (folder), 0777 (link) or 0644, then
#   `:NAME=BASE64` for each attribute. A byte that is no printable ASCII character stands as `\\xHH`.
# drift [--profile NAME] [--ignore GLOB] [--mount PATH] [--mtime]
#   Compares two trees, as `castline tree --json` prints them: what was shipped, a space, what is there. Expected: the
#   findings in the report's order, with a space between, each as `SEVERITY:CODE:PATH`, with `:ATTRIBUTE,ATTRIBUTE` after
#   it where it is modified; `clean` when there is none. Paths are written as for `tree`.
# digest.parse, platform.parse
#   Parses the input. Expected: the canonical text, or `!` and the code of the error.
# reference.parse
#   Parses the input. Expected: the transport, then what is there of `path=`, `tag=`, `digest=`, `index=`, with a space
#   between; or `!` and the code of the error.
# amount.parse, time.parse, revision.parse
#   Parses the input. Expected: the canonical text, or `!` and the code of the error.
# amount.of
#   The input is an amount, ` of `, and a number. Expected: how many that is, or `!` and the code of the error.
# window.open
#   The input is a schedule, a duration in seconds, a time zone and a time, with `|` between. Expected: `open` or `closed`
#   at that time, a space, and when it is open next, which is that time where it is open; or `!` and the code of the error.
# fleet.digest, release.digest, policy.digest, release.revision
#   Reads the document in the file that the input names. Expected: the digest of its canonical form, or the revision; or
#   `!` and the code of the error.
# plan
#   Plans the `targets` in the file that the input names: each has a `fleet`, a `release` and a `policy`. Expected: the
#   stages of the plan, with a space between; `empty` where it does nothing; or `!` and the code of the infeasibility, a
#   space, and the names of the constraints in conflict, with `|` between. A stage is its name in brackets, then
#   `after=N,N` where it comes after others, its replacements in their order, `weight=N`, and what its gate states of
#   `bake=SECONDS`, `analysis=NAME`, `approval`. A replacement is `WAVE:`, its halves, the one that is done first
#   first, and `:REASON`. Launching is `+` and the zone, then `#SLOT`, `{KEY=VALUE,KEY=VALUE}` where there are any;
#   retiring is `-` and the id, then `(DISPOSAL)` where that is not `end`.
# plan.limits
#   The same; expected: the limits of the plan, with `; ` between, each its name, `of=DESIRED`, and what there is of
#   `floor=N`, `ceiling=N`, `inFlight=N`.
# rollout [--events N]
#   Plans the `targets` in the file that the input names, starts a rollout at `start` with the releases in `fallback`, and
#   feeds it the `events`, or the first N of them. Expected: the status, then the actions of `next`, in their order, with
#   a space between: `launch:ZONE`, with `#SLOT` where there is one; `retire:ID`, with `(DISPOSAL)` where that is not
#   `end`; `shift:WEIGHT`; `analyse:NAME`; `ask`. Before an event is read, texts in its JSON are replaced: `$TYPE:N` by the
#   key of the action at position N, from 0, among the actions of that type which `next` gives just then; `$same:N` by
#   what such a text was replaced by in the event at position N.
# ledger
#   Reads the ledger in the file that the input names, JSON Lines. Expected: how many entries it has, a space, and the digest
#   of the last one, or `none`; or `!` and the code of the first fault, a space, and how many entries are before it.
# ledger --service SERVICE
#   The same; expected: what is known of the service. `history=` what became of each rollout, the oldest first, with commas
#   between, `running` where nothing is recorded; `current=` the digest of the release that runs; `previous=` that of the
#   previous good one; `target=` that of the release to go back to where the one of the last rollout fails. `none` where
#   there is none.
# build [--compression gzip|zstd|none]
#   Builds the image of the description that the input names, into a layout or archive: a file in TOML, or its members in JSON,
#   whose paths are relative to the file's folder. Expected: the digest of its manifest, or `!` and the code of the error.
# In the inputs of the parse operations, `\\\\`, `\\t`, `\\n`, `\\0` and `\\e` stand for a backslash, a tab, a line feed, a zero
# byte and an escape character.
";

const TRANSIENT: &str = "\
# The cases that git cannot hold: operation<TAB>input<TAB>expected, as in index.tsv. Written by `cargo xtask vectors`.
# `cargo xtask vectors --transient` writes the cases themselves; paths are relative to the folder they are written to,
# which is target/vectors unless another one is named.
";

/// The table of the committed cases.
pub(super) fn committed(sections: &[Section], texts: &[(&str, Vec<Row>)]) -> String {
    let mut table = COMMITTED.to_owned();
    cases(&mut table, sections);
    for (title, rows) in texts {
        title_line(&mut table, title);
        for row in rows {
            line(&mut table, &Row { input: escaped(&row.input), ..row.clone() });
        }
    }
    table
}

/// The table of the transient cases.
pub(super) fn transient(sections: &[Section]) -> String {
    let mut table = TRANSIENT.to_owned();
    cases(&mut table, sections);
    table
}

fn cases(table: &mut String, sections: &[Section]) {
    for section in sections {
        title_line(table, section.title);
        for case in &section.cases {
            if let Some(why) = case.why {
                writeln!(table, "# {why}:").expect("a string takes everything");
            }
            case.rows.iter().for_each(|row| line(table, row));
        }
    }
}

fn title_line(table: &mut String, title: &str) {
    writeln!(table, "\n# == {title}").expect("a string takes everything");
}

fn line(table: &mut String, Row { operation, input, expected }: &Row) {
    writeln!(table, "{operation}\t{input}\t{expected}").expect("a string takes everything");
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('\t', "\\t")
        .replace('\n', "\\n")
        .replace('\0', "\\0")
        .replace('\u{1b}', "\\e")
}
