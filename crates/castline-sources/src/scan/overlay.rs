use std::{
    fs,
    path::{Path, PathBuf},
};

use super::OverlayXattrs;
use crate::{Error, Result};

/// An overlayfs that a process has as its root.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Overlay {
    /// Where it writes (`upperdir=`), as the process that mounted it calls it.
    pub upper: PathBuf,
    /// Where it keeps its marks.
    pub xattrs: OverlayXattrs,
}

impl Overlay {
    /// The overlay that is the root of the process `pid`, read from `/proc/PID/mountinfo` (proc(5)).
    ///
    /// # Errors
    ///
    /// [`Error::Io`] when that cannot be read, [`Error::Unsupported`] when its root is no overlay that can be written to.
    pub fn of_process(pid: u32) -> Result<Self> {
        let table = format!("/proc/{pid}/mountinfo");
        let text = fs::read_to_string(&table).map_err(Error::io(&table))?;
        Self::of_mountinfo(&text).ok_or_else(|| Error::Unsupported {
            what: format!("the root of process {pid} is no overlay with an upper directory").into(),
            advice: "scan the whole root instead",
        })
    }

    /// The same for `root`, if it is a `/proc/PID/root`; `None` if it is another path.
    ///
    /// # Errors
    ///
    /// As [`Self::of_process`].
    pub fn of_root(root: &Path) -> Result<Option<Self>> {
        let pid = root
            .strip_prefix("/proc")
            .ok()
            .and_then(|rest| rest.to_str()?.strip_suffix("/root")?.parse().ok());
        pid.map(Self::of_process).transpose()
    }

    fn of_mountinfo(text: &str) -> Option<Self> {
        // The last mount on a path is the one that is seen.
        let root = text.lines().rfind(|line| line.split(' ').nth(4) == Some("/"))?;
        let (_, of_filesystem) = root.split_once(" - ")?;
        let mut fields = of_filesystem.split(' ');
        let (kind, _, options) = (fields.next()?, fields.next()?, fields.next()?);
        let mut options = options.split(',');
        let upper = options.clone().find_map(|option| option.strip_prefix("upperdir="))?;
        let xattrs = if options.any(|option| option == "userxattr") {
            OverlayXattrs::User
        } else {
            OverlayXattrs::Trusted
        };
        (kind == "overlay").then(|| Self { upper: unescaped(upper).into(), xattrs })
    }
}

/// As the kernel writes what would break its tables: a backslash and three octal digits.
fn unescaped(text: &str) -> String {
    let mut parts = text.split('\\');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.get(..3).and_then(|code| u8::from_str_radix(code, 8).ok()) {
            Some(byte) => {
                plain.push(char::from(byte));
                plain.push_str(&part[3..]);
            }
            None => {
                plain.push('\\');
                plain.push_str(part);
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_overlay_of_a_root_is_found_in_mountinfo() {
        let of =
            |line: &str| Overlay::of_mountinfo(&format!("21 20 0:5 / /proc rw - proc proc rw\n{line}\n"));
        let overlay = |upper: &str, xattrs| Some(Overlay { upper: upper.into(), xattrs });
        for (line, expected) in [
            (
                "20 1 0:31 / / rw - overlay overlay rw,lowerdir=/l/1:/l/2,upperdir=/u/diff,workdir=/u/work",
                overlay("/u/diff", OverlayXattrs::Trusted),
            ),
            (
                r"20 1 0:31 / / rw master:1 - overlay none rw,lowerdir=/l,upperdir=/u\040x,workdir=/w,userxattr",
                overlay("/u x", OverlayXattrs::User),
            ),
            ("20 1 0:31 / / rw - overlay overlay ro,lowerdir=/l/1:/l/2", None),
            ("20 1 8:1 / / rw - ext4 /dev/sda1 rw,upperdir=/u", None),
            ("20 1 0:31 / /merged rw - overlay overlay rw,lowerdir=/l,upperdir=/u,workdir=/w", None),
            ("", None),
        ] {
            assert_eq!(of(line), expected, "{line}");
        }
    }

    #[test]
    fn only_the_root_of_a_process_has_an_overlay_to_look_up() {
        for path in ["/mnt/root", "/proc/1/root/etc", "/proc/self/root", "/proc/root"] {
            assert_eq!(Overlay::of_root(Path::new(path)).expect(path), None, "{path}");
        }
        assert!(Overlay::of_root(Path::new("/proc/4294967295/root")).is_err());
    }
}
