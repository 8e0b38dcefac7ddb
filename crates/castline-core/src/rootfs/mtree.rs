//! A rootfs as mtree(5) text, as NetBSD's `mtree`, FreeBSD's (`fmtree`), gomtree and bsdtar all read it. That is less than a
//! rootfs has: not all of them know a word for extended attributes, devices and hard links, and gomtree wants a time of every
//! entry or of none, though folders that no layer has have none. JSON lines have everything.

use std::{
    cmp::Ordering,
    fmt::Write as _,
    io::{self, Write},
};

use super::{Node, NodeKind, Rootfs};

impl Rootfs {
    /// Writes mtree(5): names, not paths, each folder's content between its line and `..`; that form is understood by all. Type,
    /// mode, owner, group; size and SHA-256 of a file; target of a link.
    ///
    /// # Errors
    ///
    /// When writing fails.
    pub fn write_mtree(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"#mtree\n")?;
        let mut entries: Vec<(&[u8], &Node)> = self.iter().collect();
        entries.sort_by(|(one, _), (other, _)| by_folder(one, other));
        let mut open: Vec<&[u8]> = Vec::new();
        for (path, node) in entries {
            while open.last().is_some_and(|folder| !is_in(path, folder)) {
                open.pop();
                writeln!(out, "{:1$}..", "", 4 * open.len())?;
            }
            writeln!(out, "{:1$}{2}", "", 4 * open.len(), line(path, node))?;
            if node.is_directory() {
                open.push(path);
            }
        }
        while open.pop().is_some() {
            writeln!(out, "{:1$}..", "", 4 * open.len())?;
        }
        Ok(())
    }
}

/// The order in which the content of a folder follows it: name by name. As bytes, `a-b` comes between `a` and `a/x`.
fn by_folder(one: &[u8], other: &[u8]) -> Ordering {
    one.split(|&byte| byte == b'/').cmp(other.split(|&byte| byte == b'/'))
}

fn is_in(path: &[u8], folder: &[u8]) -> bool {
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with(b"/"))
}

fn line(path: &[u8], node: &Node) -> String {
    let kind = match &node.kind {
        NodeKind::Directory => "dir",
        NodeKind::File { .. } => "file",
        NodeKind::Symlink { .. } => "link",
        NodeKind::CharDevice { .. } => "char",
        NodeKind::BlockDevice { .. } => "block",
        NodeKind::Fifo => "fifo",
        NodeKind::Socket => "socket",
    };
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    let mut line = if path.is_empty() { ".".to_owned() } else { escaped(name) };
    // gomtree compares modes as texts, and writes them as Go does: with one zero in front.
    let mode = if node.mode == 0 { "0".to_owned() } else { format!("0{:o}", node.mode) };
    // Writing to a string does not fail.
    let _ = write!(line, " type={kind} mode={mode} uid={} gid={}", node.uid, node.gid);
    match &node.kind {
        NodeKind::File { size, digest } => {
            let _ = write!(line, " size={size} sha256digest={}", digest.encoded());
        }
        NodeKind::Symlink { target } => {
            let _ = write!(line, " link={}", escaped(target));
        }
        _ => {}
    }
    line
}

/// As vis(3) does it: what is not a plain character is its code in octal.
fn escaped(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len());
    for &byte in path {
        // Globbing characters, too, since fmtree takes names for patterns.
        if byte.is_ascii_graphic() && !br"\#*?[]=".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "\\{byte:03o}");
        }
    }
    text
}
