//! A rootfs as text: one JSON object a line, in the order of the paths.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Write},
    sync::Arc,
};

use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use serde::{Deserialize, Serialize};

use super::{Node, NodeKind, Rootfs};
use crate::{Digest, tar::Mtime};

/// Bytes of one line that are read: a path, a target and attributes at their longest fit many times.
const MAX_LINE: u64 = 16 << 20;

/// One entry. Names that are not UTF-8 stand in the members that end in `Bytes`, as base64.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
    #[serde(rename = "type")]
    kind: String,
    mode: String,
    uid: u64,
    gid: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_bytes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<(u64, u64)>,
    /// The first name of the file, of which this is a further one.
    #[serde(skip_serializing_if = "Option::is_none")]
    same_as: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    same_as_bytes: Option<String>,
    mtime: i64,
    #[serde(skip_serializing_if = "is_zero")]
    mtime_nanos: u32,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    xattrs: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    implicit: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    verity: Option<Box<Digest>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A line that is no entry.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {reason}")]
#[non_exhaustive]
pub struct BadLine {
    /// Its number, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

impl From<BadLine> for io::Error {
    fn from(bad: BadLine) -> Self {
        Self::new(io::ErrorKind::InvalidData, bad)
    }
}

impl Rootfs {
    /// Writes one JSON object a line: `path`, `type`, `mode` (octal), `uid`, `gid`, `mtime`; `size` and `digest` of a file,
    /// `target` of a link, `device` of a device, `sameAs` of a further name of a file, `xattrs` (base64 by name); `verity`, the fs-verity digest, where it was computed.
    ///
    /// # Errors
    ///
    /// When writing fails.
    pub fn write_json_lines(&self, out: &mut dyn Write) -> io::Result<()> {
        for (path, node, first) in self.with_first_names() {
            serde_json::to_writer(&mut *out, &Line::of(path, node, first))?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }

    /// Reads what [`Self::write_json_lines`] wrote.
    ///
    /// # Errors
    ///
    /// When reading fails; with a [`BadLine`] inside when a line is no entry, or its path stands twice.
    pub fn read_json_lines(input: &mut dyn BufRead) -> io::Result<Self> {
        let mut tree = Self::default();
        let mut text = Vec::new();
        for line in 1.. {
            text.clear();
            let bad = |reason: String| BadLine { line, reason };
            let mut limited = io::Read::take(&mut *input, MAX_LINE);
            if limited.read_until(b'\n', &mut text)? == 0 {
                break;
            }
            if text.len() as u64 == MAX_LINE {
                return Err(bad(format!("it is longer than {MAX_LINE} bytes")).into());
            }
            if text.trim_ascii().is_empty() {
                continue;
            }
            let parsed: Line = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
            let (path, node) = tree.entry(parsed).map_err(bad)?;
            if tree.entries.insert(path.clone().into(), node).is_some() {
                return Err(bad(format!("{} stands twice", path.escape_ascii())).into());
            }
        }
        Ok(tree)
    }

    fn entry(&self, line: Line) -> Result<(Vec<u8>, Arc<Node>), String> {
        let path = bytes(line.path, line.path_bytes, "path")?.ok_or("it has no path")?;
        if let Some(first) = bytes(line.same_as, line.same_as_bytes, "sameAs")? {
            let node = self.entries.get(&first[..]).ok_or("`sameAs` names no line before")?;
            return Ok((path, Arc::clone(node)));
        }
        let device = || line.device.ok_or("it has no `device`");
        let kind = match &*line.kind {
            "directory" => NodeKind::Directory,
            "file" => NodeKind::File {
                size: line.size.ok_or("it has no `size`")?,
                digest: line.digest.ok_or("it has no `digest`")?,
            },
            "symlink" => NodeKind::Symlink {
                target: bytes(line.target, line.target_bytes, "target")?.ok_or("it has no `target`")?,
            },
            "charDevice" => device().map(|(major, minor)| NodeKind::CharDevice { major, minor })?,
            "blockDevice" => device().map(|(major, minor)| NodeKind::BlockDevice { major, minor })?,
            "fifo" => NodeKind::Fifo,
            "socket" => NodeKind::Socket,
            other => return Err(format!("it has the unknown type `{}`", crate::shown(other))),
        };
        let mode = u32::from_str_radix(&line.mode, 8).ok().filter(|mode| *mode <= 0o7777);
        let xattr = |(name, value): (String, String)| Some((name.into_bytes(), BASE64.decode(value).ok()?));
        let node = Node {
            kind,
            mode: mode.ok_or("its mode is not octal, at most 7777")?,
            uid: line.uid,
            gid: line.gid,
            mtime: Mtime { secs: line.mtime, nanos: line.mtime_nanos },
            xattrs: line
                .xattrs
                .into_iter()
                .map(xattr)
                .collect::<Option<_>>()
                .ok_or("an attribute is not base64")?,
            implicit: line.implicit,
            verity: line.verity,
        };
        Ok((path, Arc::new(node)))
    }
}

impl Line {
    fn of(path: &[u8], node: &Node, first: Option<&[u8]>) -> Self {
        let (path, path_bytes) = text(Some(path));
        let (same_as, same_as_bytes) = text(first);
        let mut line = Self {
            path,
            path_bytes,
            kind: node.kind.name().into(),
            mode: format!("{:04o}", node.mode),
            uid: node.uid,
            gid: node.gid,
            same_as,
            same_as_bytes,
            mtime: node.mtime.secs,
            mtime_nanos: node.mtime.nanos,
            implicit: node.implicit,
            verity: node.verity.clone(),
            ..Self::default()
        };
        let xattr = |(name, value): (&Vec<u8>, &Vec<u8>)| {
            (String::from_utf8_lossy(name).into_owned(), BASE64.encode(value))
        };
        line.xattrs = node.xattrs.iter().map(xattr).collect();
        match &node.kind {
            NodeKind::Directory | NodeKind::Fifo | NodeKind::Socket => {}
            NodeKind::File { size, digest } => (line.size, line.digest) = (Some(*size), Some(digest.clone())),
            NodeKind::Symlink { target } => (line.target, line.target_bytes) = text(Some(target)),
            NodeKind::CharDevice { major, minor } | NodeKind::BlockDevice { major, minor } => {
                line.device = Some((*major, *minor));
            }
        }
        line
    }
}

/// As text, or else as base64.
fn text(bytes: Option<&[u8]>) -> (Option<String>, Option<String>) {
    match bytes.map(|bytes| (bytes, str::from_utf8(bytes))) {
        None => (None, None),
        Some((_, Ok(text))) => (Some(text.to_owned()), None),
        Some((bytes, Err(_))) => (None, Some(BASE64.encode(bytes))),
    }
}

fn bytes(text: Option<String>, encoded: Option<String>, what: &str) -> Result<Option<Vec<u8>>, String> {
    match (text, encoded) {
        (Some(text), None) => Ok(Some(text.into_bytes())),
        (None, Some(encoded)) => match BASE64.decode(encoded) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(_) => Err(format!("`{what}Bytes` is not base64")),
        },
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(format!("it has `{what}` and `{what}Bytes`")),
    }
}
