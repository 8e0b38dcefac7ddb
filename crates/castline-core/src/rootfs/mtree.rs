//! A rootfs as mtree(5) text, which `fmtree`, bsdtar and gomtree read. It has no word for extended attributes that all of
//! them know, so those are left out; JSON lines have everything.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use super::{Node, NodeKind, Rootfs};

impl Rootfs {
    /// Writes mtree(5), with the whole path on each line.
    ///
    /// # Errors
    ///
    /// When writing fails.
    pub fn write_mtree(&self, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"#mtree\n")?;
        for (path, node) in self.iter() {
            out.write_all(line(path, node).as_bytes())?;
        }
        Ok(())
    }
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
    let mut line = if path.is_empty() { ".".to_owned() } else { format!("./{}", escaped(path)) };
    // Writing to a string does not fail.
    let _ = write!(line, " type={kind} mode={:04o} uid={} gid={}", node.mode, node.uid, node.gid);
    if !node.implicit {
        let _ = write!(line, " time={}.{:09}", node.mtime.secs, node.mtime.nanos);
    }
    match &node.kind {
        NodeKind::File { size, digest } => {
            let _ = write!(line, " size={size} sha256digest={}", digest.encoded());
        }
        NodeKind::Symlink { target } => {
            let _ = write!(line, " link={}", escaped(target));
        }
        NodeKind::CharDevice { major, minor } | NodeKind::BlockDevice { major, minor } => {
            let _ = write!(line, " device=linux,{major},{minor}");
        }
        NodeKind::Directory | NodeKind::Fifo | NodeKind::Socket => {}
    }
    line.push('\n');
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
