//! castline's test vectors: small images, valid and broken, and what verifying each of them must find; fleets, and what
//! must become of them.
//!
//! One set serves all languages. [`write_committed`] writes what git holds, `tests/vectors`; [`write_transient`]
//! what it cannot hold. Nothing here uses castline: formats are written by hand in `bytes`, images put together
//! in `layout`, broken in `cases`.

mod bytes;
mod case;
mod cases;
mod layout;
mod table;

use std::{fs, io, path::Path};

use self::case::{Node, Tree};

/// git must not touch the bytes that digests stand for.
const ATTRIBUTES: &str = "\
# Written by `cargo xtask vectors`.
* text eol=lf
layouts/** -text -diff linguist-generated
archives/** -text -diff linguist-generated
plans/** -text linguist-generated
builds/** -text linguist-generated
";

/// Writes the committed vectors and both tables into `folder`, and removes the cases there that are no more.
///
/// # Errors
///
/// What the file system says.
pub fn write_committed(folder: &Path) -> io::Result<()> {
    for part in ["layouts", "archives", "trees", "plans", "builds"] {
        case::clear(&folder.join(part))?;
    }
    case::write(&committed(), folder)
}

/// Writes the vectors that git cannot hold into `folder`, some 250 MiB: fifos, devices, bombs, huge documents.
/// The cases that were there are removed first. `transient.tsv` of the committed vectors lists them.
///
/// # Errors
///
/// What the file system says, or `mkfifo`.
pub fn write_transient(folder: &Path) -> io::Result<()> {
    case::clear(&folder.join("layouts"))?;
    fs::create_dir_all(folder)?;
    cases::transient::write(folder)
}

/// All that is committed, by its path below `tests/vectors`.
fn committed() -> Tree {
    let sections = cases::committed();
    let mut tree = case::merged(&sections);
    let index = table::committed(&sections, &[cases::texts::sections(), cases::values::sections()].concat());
    let transient = table::transient(&cases::transient::sections());
    for (name, text) in
        [("index.tsv", index), ("transient.tsv", transient), (".gitattributes", ATTRIBUTES.into())]
    {
        tree.insert(name.into(), Node::File(text.into_bytes()));
    }
    tree
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, path::PathBuf};

    use super::*;

    #[test]
    fn the_committed_vectors_are_those_that_are_generated() {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
        let (found, made) = (found(&folder), committed());
        let names = |tree: &Tree| tree.keys().cloned().collect::<BTreeSet<_>>();
        let difference: Vec<_> = names(&found).symmetric_difference(&names(&made)).cloned().collect();
        assert!(difference.is_empty(), "run `cargo xtask vectors`: {difference:?}");
        let differing: Vec<_> = made
            .iter()
            .filter(|(path, node)| found.get(*path) != Some(*node))
            .map(|(path, _)| path)
            .collect();
        assert!(differing.is_empty(), "run `cargo xtask vectors`: {differing:?}");
    }

    #[test]
    fn the_same_vectors_are_written_every_time() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(folder.path().join("layouts/stale/blobs")).expect("writable");
        write_committed(folder.path()).expect("writable");
        write_committed(folder.path()).expect("writable");
        assert!(found(folder.path()) == committed());
    }

    #[test]
    fn the_committed_vectors_are_small() {
        let sizes = committed().into_iter().map(|(path, node)| match node {
            Node::File(bytes) => (path, bytes.len()),
            Node::Link(target) => (path, target.len()),
        });
        let mut whole = 0;
        for (path, size) in sizes {
            assert!(!path.starts_with("layouts/") || size < 8 << 10, "{path} has {size} bytes");
            whole += size;
        }
        assert!(whole < 3 << 20, "{whole} bytes");
    }

    #[test]
    fn every_case_has_a_row_and_every_row_three_columns() {
        let sections = [cases::committed(), cases::transient::sections()].concat();
        for case in sections.iter().flat_map(|section| &section.cases) {
            assert!(!case.rows.is_empty(), "{} is in no table", case.place);
        }
        for name in ["index.tsv", "transient.tsv"] {
            let Some(Node::File(table)) = committed().remove(name) else { panic!("no {name}") };
            let table = String::from_utf8(table).expect("UTF-8");
            for line in table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
                assert_eq!(line.split('\t').count(), 3, "{line}");
            }
        }
    }

    /// The files and links below a folder.
    fn found(folder: &Path) -> Tree {
        let mut tree = Tree::new();
        let mut folders = vec![String::new()];
        while let Some(prefix) = folders.pop() {
            for entry in fs::read_dir(folder.join(&prefix)).expect("readable") {
                let entry = entry.expect("readable");
                let path = format!("{prefix}{}", entry.file_name().to_str().expect("UTF-8"));
                let kind = entry.file_type().expect("known");
                if kind.is_dir() {
                    folders.push(format!("{path}/"));
                } else if kind.is_symlink() {
                    let target = fs::read_link(entry.path()).expect("readable");
                    tree.insert(path, Node::Link(target.to_str().expect("UTF-8").into()));
                } else {
                    tree.insert(path, Node::File(fs::read(entry.path()).expect("readable")));
                }
            }
        }
        tree
    }
}
