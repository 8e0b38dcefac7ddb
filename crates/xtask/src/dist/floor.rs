//! The oldest glibc that compiled files run with, by the versions of the symbols that they need.

use std::{
    fmt, fs,
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::Command,
};

/// What is promised: manylinux2014, that is, of every distribution since 2012.
pub(super) const PROMISED: Version = Version(2, 17);

/// A version of glibc.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(u32, u32);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// Looks at every compiled file below a folder; how many there are.
///
/// # Errors
///
/// Where one needs more than is promised, or its symbols cannot be read.
pub(super) fn check(folder: &Path) -> io::Result<usize> {
    let compiled = compiled(folder)?;
    for path in &compiled {
        let output = Command::new("objdump").arg("-T").arg(path).output()?;
        if !output.status.success() {
            return Err(io::Error::other(format!("objdump cannot read {}", path.display())));
        }
        let symbols = String::from_utf8_lossy(&output.stdout);
        let newer: Vec<&str> =
            symbols.lines().filter(|line| needs(line).is_some_and(|version| version > PROMISED)).collect();
        if !newer.is_empty() {
            let newer = newer.join("\n");
            return Err(io::Error::other(format!(
                "{} needs more than glibc {PROMISED}:\n{newer}",
                path.display()
            )));
        }
    }
    Ok(compiled.len())
}

/// What a line of `objdump -T` says that a symbol needs: `… *UND* … (GLIBC_2.2.5) write`.
fn needs(line: &str) -> Option<Version> {
    let (_, version) = line.split_once("GLIBC_")?;
    if !line.contains("*UND*") {
        return None;
    }
    let version = version.split(|c: char| c != '.' && !c.is_ascii_digit()).next()?;
    let mut numbers = version.split('.').map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Some(Version(major, minor)),
        // `GLIBC_PRIVATE` is no promise at all: whoever needs it needs this very machine's.
        _ => Some(Version(u32::MAX, 0)),
    }
}

fn compiled(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            found.extend(compiled(&path)?);
        } else if kind.is_file() && is_linked(&path)? {
            found.push(path);
        }
    }
    Ok(found)
}

/// Whether it is a program or a shared library.
fn is_linked(path: &Path) -> io::Result<bool> {
    let mut start = [0; 18];
    let read = fs::File::open(path)?.read(&mut start)?;
    // Its type: 2 a program, 3 a shared library or a program that is put anywhere; 1 is what a linker takes.
    Ok(read == start.len() && start.starts_with(b"\x7fELF") && matches!(start[16], 2 | 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_a_symbol_is_read_where_it_is_needed() {
        let cases = [
            ("0000000000000000      DF *UND*\t0000000000000000 (GLIBC_2.2.5) write", Some(Version(2, 2))),
            (
                "0000000000000000      DF *UND*\t0000000000000000  GLIBC_2.34  pthread_create",
                Some(Version(2, 34)),
            ),
            (
                "0000000000000000  w   DF *UND*\t0000000000000000 (GLIBC_2.17) clock_gettime",
                Some(Version(2, 17)),
            ),
            (
                "0000000000000000      DF *UND*\t0000000000000000 (GLIBC_PRIVATE) __x",
                Some(Version(u32::MAX, 0)),
            ),
            ("0000000000000000      DF *UND*\t0000000000000000 (GCC_3.0) _Unwind_Resume", None),
            ("0000000000012340 g    DF .text\t0000000000000010  GLIBC_2.34  main", None),
            ("0000000000000000  w   D  *UND*\t0000000000000000  Base        __gmon_start__", None),
        ];
        for (line, version) in cases {
            assert_eq!(needs(line), version, "{line}");
        }
    }

    #[test]
    fn what_is_built_for_this_machine_is_noticed_where_the_machine_is_newer() -> io::Result<()> {
        // The test itself: it needs what it was linked with, here and now.
        let this = std::env::current_exe()?;
        assert!(is_linked(&this)?);
        let folder = tempfile::tempdir()?;
        fs::copy(&this, folder.path().join("this"))?;
        fs::write(folder.path().join("text"), "text")?;
        let symbols = Command::new("objdump").arg("-T").arg(&this).output()?;
        let newest = String::from_utf8_lossy(&symbols.stdout).lines().filter_map(needs).max();
        assert_eq!(check(folder.path()).is_err(), newest > Some(PROMISED));
        Ok(())
    }
}
