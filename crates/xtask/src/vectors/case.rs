//! A vector: the files of one case, and the table's rows about them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    os::unix::fs::symlink,
    path::Path,
};

/// What stands at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Node {
    File(Vec<u8>),
    Link(String),
}

/// Files and links by their path.
pub(super) type Tree = BTreeMap<String, Node>;

/// One line of a table.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) operation: String,
    pub(super) input: String,
    pub(super) expected: String,
}

impl Row {
    pub(super) fn new(operation: &str, input: &str, expected: &str) -> Self {
        Self { operation: operation.into(), input: input.into(), expected: expected.into() }
    }
}

/// An image of its own folder or file, named for its form or fault.
#[derive(Clone, Debug)]
pub(super) struct Case {
    /// `layouts/<name>` or `archives/<name>`.
    pub(super) place: String,
    /// The files, by paths that start with the place.
    pub(super) tree: Tree,
    pub(super) rows: Vec<Row>,
    /// Why the expectation is what it is, where the name does not say it.
    pub(super) why: Option<&'static str>,
}

impl Case {
    /// Verifying the whole of it as an OCI layout finds `expected`.
    pub(super) fn verify(self, expected: &str) -> Self {
        self.row("verify", "", expected)
    }

    /// Verifying what `suffix` selects in the layout finds `expected`.
    pub(super) fn select(self, suffix: &str, expected: &str) -> Self {
        self.row("verify", suffix, expected)
    }

    /// An operation on the layout, and what it finds.
    pub(super) fn row(self, operation: &str, suffix: &str, expected: &str) -> Self {
        self.through("oci", operation, suffix, expected)
    }

    /// Verifying it through another transport finds `expected`.
    pub(super) fn read_as(self, transport: &str, suffix: &str, expected: &str) -> Self {
        self.through(transport, "verify", suffix, expected)
    }

    pub(super) fn because(self, why: &'static str) -> Self {
        Self { why: Some(why), ..self }
    }

    /// An operation on it through another transport.
    pub(super) fn through(mut self, transport: &str, operation: &str, suffix: &str, expected: &str) -> Self {
        self.rows.push(Row::new(operation, &format!("{transport}:{}{suffix}", self.place), expected));
        self
    }
}

/// Cases of one subject.
#[derive(Clone, Debug)]
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) cases: Vec<Case>,
}

/// The cases of all sections as one tree.
///
/// # Panics
///
/// If two cases have one name: one would hide the other.
pub(super) fn merged(sections: &[Section]) -> Tree {
    let mut tree = Tree::new();
    let mut places = BTreeSet::new();
    for case in sections.iter().flat_map(|section| &section.cases) {
        assert!(places.insert(&case.place), "two cases at {}", case.place);
        tree.extend(case.tree.clone());
    }
    tree
}

/// Writes a tree below `folder`.
pub(super) fn write(tree: &Tree, folder: &Path) -> io::Result<()> {
    for (path, node) in tree {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        match node {
            Node::File(bytes) => fs::write(path, bytes)?,
            Node::Link(target) => symlink(target, path)?,
        }
    }
    Ok(())
}

/// Removes a folder and what is in it; it need not be there.
pub(super) fn clear(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
