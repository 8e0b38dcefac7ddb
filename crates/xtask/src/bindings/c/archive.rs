//! The static library, of which programs see what the header declares and nothing else.
//!
//! As cargo makes it, it has the global symbols of all that is in it, such as zstd's, and a program that links those from elsewhere, too,
//! has them twice. So its objects are linked into one, whose other symbols are local to it.

use std::{collections::BTreeSet, fs, io, path::Path};

use super::{header, text};
use crate::{bindings::python::emptied, checks::execute, target};

/// What is in a library that was built for tests, besides.
pub(super) const FOR_TESTS: &str = "castline_panic_for_tests";

/// The functions that a library has for programs.
pub(super) fn functions(root: &Path) -> io::Result<BTreeSet<String>> {
    header::names(&fs::read_to_string(root.join("include/castline.h"))?)
}

/// Makes the static library `to` of what cargo has built at `from`.
pub(super) fn closed(root: &Path, from: &Path, to: &Path) -> io::Result<()> {
    let folder = emptied(&target(root).join("castline-static"))?;
    let (object, names) = (folder.join("castline.o"), folder.join("names"));
    let seen = functions(root)?;
    let kept: Vec<&str> = seen.iter().map(String::as_str).chain([FOR_TESTS]).collect();
    fs::write(&names, kept.join("\n"))?;
    // Groups, of which a linker keeps one of each name, are dissolved: no name is seen any more.
    let one = ["ld", "-r", "--force-group-allocation", "--whole-archive", text(from)?, "-o", text(&object)?];
    execute(root, &one, &[])?;
    let local = format!("--keep-global-symbols={}", text(&names)?);
    // LLVM's bitcode, which Rust's standard library has beside its code, is of no use to other compilers, and their tools may stop at it.
    let code = ["--remove-section=.llvmbc", "--remove-section=.llvmcmd"];
    execute(root, &[&["objcopy", &local], &code[..], &[text(&object)?]].concat(), &[])?;
    if to.exists() {
        fs::remove_file(to)?;
    }
    execute(root, &["ar", "crsD", text(to)?, text(&object)?], &[])?;
    fs::remove_dir_all(folder)
}
