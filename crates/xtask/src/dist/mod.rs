//! `cargo xtask dist`: what is given to users, built as it is published, into `target/dist`.

mod floor;

use std::{
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use crate::{
    bindings::{
        self,
        python::{Environment, emptied, text},
    },
    checks::execute,
    say, target,
};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What all of it is built for. That of the others is in the README: nobody has built it.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// What links against an old glibc: wheels, so that nothing else need be there.
const TOOLS: &[&str] = &["ziglang==0.15.2", "cargo-zigbuild==0.24.1"];

struct Dist<'a> {
    root: &'a Path,
    tools: Environment<'a>,
    /// Where everything ends up.
    into: PathBuf,
    /// What archives are made of, and where they are looked into.
    work: PathBuf,
}

type Part = fn(&Dist<'_>) -> io::Result<()>;

/// Builds all of it, and checks it from the outside.
///
/// # Errors
///
/// When a step fails, or cannot be started, or something needs a newer glibc than is promised.
pub fn run(root: &Path) -> io::Result<()> {
    let tools = Environment::tools(root)?;
    tools.pip(&[&["install", "--quiet"], TOOLS].concat(), &[])?;
    let into = emptied(&root.join("target/dist"))?;
    let dist = Dist { root, tools, into, work: emptied(&root.join("target/dist-work"))? };
    let parts: &[(&str, Part)] = &[
        ("Python", python),
        ("command", command),
        ("Node", node),
        ("C", c),
        ("checks", check),
        ("use", use_all),
    ];
    for (name, part) in parts {
        say(&format!("\n== dist: {name}"));
        part(&dist)?;
    }
    sums(&dist.into)
}

/// The wheel and what it is built from.
fn python(dist: &Dist<'_>) -> io::Result<()> {
    let out = ["--manifest-path", "bindings/python/Cargo.toml", "--out", text(&dist.into)?];
    dist.tools.maturin(&[&["sdist"], &out[..]].concat())?;
    // With `--zig` it links against what the tag promises.
    let wheel =
        ["build", "--quiet", "--release", "--zig", "--compatibility", "manylinux2014", "--target", TARGET];
    dist.tools.maturin(&[&wheel[..], &out].concat())
}

/// The program.
fn command(dist: &Dist<'_>) -> io::Result<()> {
    dist.cargo(&["-p", "castline-cli"])?;
    let folder = dist.folder(&format!("castline-{VERSION}-{TARGET}"))?;
    fs::copy(dist.built("castline"), folder.join("castline"))?;
    for text in ["LICENSE", "README.md", "CHANGELOG.md"] {
        fs::copy(dist.root.join(text), folder.join(text))?;
    }
    dist.archive(&folder)
}

/// The npm package.
fn node(dist: &Dist<'_>) -> io::Result<()> {
    dist.cargo(&["-p", "castline-node"])?;
    bindings::node::pack_library(dist.root, &dist.into, &dist.built("libcastline_node.so")).map(drop)
}

/// The C library, as the prefix that it is installed into.
fn c(dist: &Dist<'_>) -> io::Result<()> {
    dist.cargo(&["-p", "castline-c"])?;
    let folder = dist.folder(&format!("castline-c-{VERSION}-{TARGET}"))?;
    let built = dist.built("libcastline.so");
    bindings::install_built(dist.root, &folder, built.parent().unwrap_or(&built))?;
    fs::copy(dist.root.join("LICENSE"), folder.join("LICENSE"))?;
    dist.archive(&folder)
}

/// Everything from the outside: unpacked, and its symbols looked at.
fn check(dist: &Dist<'_>) -> io::Result<()> {
    for path in listed(&dist.into)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let folder = dist.folder(&format!("unpacked/{name}"))?;
        if path.extension().is_some_and(|extension| extension == "whl") {
            let unpack =
                [text(&dist.tools.python)?, "-m", "zipfile", "--extract", text(&path)?, text(&folder)?];
            execute(dist.root, &unpack, &[])?;
        } else {
            execute(dist.root, &["tar", "-xzf", text(&path)?, "-C", text(&folder)?], &[])?;
        }
        let programs = floor::check(&folder)?;
        say(&format!(
            "{name}: {programs} compiled files, none of which needs more than glibc {}",
            floor::PROMISED
        ));
    }
    Ok(())
}

/// Each as whoever gets it uses it first.
fn use_all(dist: &Dist<'_>) -> io::Result<()> {
    let wheel = listed(&dist.into)?.into_iter().find(|path| path.extension().is_some_and(|one| one == "whl"));
    let fresh = Environment::fresh(dist.root, "dist")?;
    fresh.install(&wheel.ok_or_else(|| io::Error::other("no wheel was built"))?)?;
    let examples = dist.root.join("examples");
    execute(
        &examples.join("python"),
        &[text(&fresh.python)?, "plan.py"],
        &[("PYTHONDONTWRITEBYTECODE", "1")],
    )?;

    let name = format!("castline-{VERSION}-{TARGET}");
    let program = dist.work.join(format!("unpacked/{name}.tar.gz/{name}/castline"));
    execute(dist.root, &[text(&program)?, "--version"], &[])?;

    let folder = dist.folder("node")?;
    fs::write(folder.join("package.json"), r#"{"private": true}"#)?;
    let package = dist.into.join(format!("castline-{VERSION}.tgz"));
    execute(&folder, &["npm", "install", "--silent", "--offline", "--no-audit", text(&package)?], &[])?;
    fs::copy(examples.join("node/plan.mjs"), folder.join("plan.mjs"))?;
    execute(&folder, &["node", "plan.mjs"], &[])?;

    let name = format!("castline-c-{VERSION}-{TARGET}");
    let prefix = dist.work.join(format!("unpacked/{name}.tar.gz/{name}"));
    let (lib, example) = (prefix.join("lib"), examples.join("c/drive.c"));
    let build = format!("cc '{}' -o drive $(pkg-config --cflags --libs castline)", text(&example)?);
    execute(&dist.work, &["sh", "-c", &build], &[("PKG_CONFIG_PATH", text(&lib.join("pkgconfig"))?)])?;
    execute(&dist.work, &["./drive"], &[("LD_LIBRARY_PATH", text(&lib)?)])
}

impl Dist<'_> {
    /// Builds for the oldest glibc that is promised.
    fn cargo(&self, packages: &[&str]) -> io::Result<()> {
        let target = format!("{TARGET}.{}", floor::PROMISED);
        let path = self.tools.path()?;
        let build = ["cargo", "zigbuild", "--release", "--locked", "--target", &target];
        execute(self.root, &[&build[..], packages].concat(), &[("PATH", &path)])
    }

    /// What cargo has built.
    fn built(&self, name: &str) -> PathBuf {
        target(self.root).join(TARGET).join("release").join(name)
    }

    fn folder(&self, name: &str) -> io::Result<PathBuf> {
        emptied(&self.work.join(name))
    }

    /// A folder of the work as an archive, of the same bytes for the same files.
    fn archive(&self, folder: &Path) -> io::Result<()> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let archive = self.into.join(format!("{name}.tar.gz"));
        let same = ["--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--mtime=@0"];
        let what =
            ["--use-compress-program=gzip -n -9", "-cf", text(&archive)?, "-C", text(&self.work)?, &name];
        execute(self.root, &[&["tar"], &same[..], &what].concat(), &[])
    }
}

fn listed(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = fs::read_dir(folder)?.map(|one| Ok(one?.path())).collect::<io::Result<Vec<_>>>()?;
    all.sort();
    Ok(all)
}

/// Writes the digests of all files, as `sha256sum --check` reads them.
fn sums(folder: &Path) -> io::Result<()> {
    let mut lines = String::new();
    for path in listed(folder)? {
        for byte in Sha256::digest(fs::read(&path)?) {
            write!(lines, "{byte:02x}").map_err(io::Error::other)?;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        writeln!(lines, "  {name}").map_err(io::Error::other)?;
    }
    fs::write(folder.join("SHA256SUMS"), &lines)?;
    say(&lines);
    Ok(())
}
