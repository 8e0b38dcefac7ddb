//! The wheel: built, installed into a virtual environment of its own, and used from there.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{checks::execute, say, target};

/// Where the environments, the wheels and the type checker are.
const PLACE: &str = "target/bindings/python";

/// The type checker that asks whether a package says the types of all that it has. That of the same name for pip is this one, fetched when it is run.
const PYRIGHT: &str = "pyright@1.1.414";

const MANIFEST: &str = "bindings/python/Cargo.toml";

/// What maturin compiles for the tests: the profile has most of it built already, and the library says its signatures.
const TESTED: &[&str] = &["--profile", "dev", "--features", "stubs", "--manifest-path", MANIFEST];

pub(super) fn run(root: &Path) -> io::Result<()> {
    say("\n== Python");
    let environment = Environment::tools(root)?;
    let wheels = emptied(&root.join(PLACE).join("wheels"))?;
    let built = [&["build", "--quiet"], TESTED, &["--out", text(&wheels)?]].concat();
    environment.maturin(&built)?;
    environment.install(&only(&wheels)?)?;
    stubs_are_current(&environment)?;
    let quiet = [("PYTHONDONTWRITEBYTECODE", "1")];
    let python = text(&environment.python)?;
    // From a folder in which there is no package of that name but the installed one.
    let folder = root.join("bindings/python/tests");
    execute(&folder, &[python, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", "."], &quiet)?;
    execute(&folder, &[python, "-m", "mypy.stubtest", "castline", "--ignore-disjoint-bases"], &quiet)?;
    let cache = ["--cache-dir", "/dev/null"];
    let strict =
        [&[python, "-m", "mypy", "--strict"], &cache[..], &[".", "../../../examples/python"]].concat();
    execute(&folder, &strict, &quiet)?;
    types_are_complete(&environment)?;
    let examples = root.join("examples/python");
    let image = root.join("tests/vectors/layouts/plain");
    let image = format!("oci:{}", text(&image)?);
    for example in [&["plan.py"][..], &["drive.py"], &["verify.py", &image]] {
        execute(&examples, &[&[python], example].concat(), &quiet)?;
    }
    from_source(&environment)
}

/// Writes `_castline.pyi` anew, of what the compiled library says of itself.
///
/// # Errors
///
/// When a step fails, or cannot be started.
pub fn write_stubs(root: &Path) -> io::Result<()> {
    let environment = Environment::tools(root)?;
    fs::write(root.join(STUBS), stubs(&environment)?)
}

const STUBS: &str = "bindings/python/python/castline/_castline.pyi";

fn stubs_are_current(environment: &Environment<'_>) -> io::Result<()> {
    if stubs(environment)? == fs::read(environment.root.join(STUBS))? {
        return Ok(());
    }
    Err(io::Error::other(format!("{STUBS} is not current: run `cargo xtask stubs`")))
}

fn stubs(environment: &Environment<'_>) -> io::Result<Vec<u8>> {
    let folder = emptied(&environment.root.join(PLACE).join("stubs"))?;
    let generate = [&["generate-stubs", "--quiet"], TESTED, &["--out", text(&folder)?]].concat();
    environment.maturin(&generate)?;
    let generated = folder.join("castline/_castline.pyi");
    let refined = Command::new(&environment.python)
        .args(["bindings/python/stubs.py", text(&generated)?])
        .current_dir(environment.root)
        .output()?;
    if refined.status.success() {
        return Ok(refined.stdout);
    }
    Err(io::Error::other(String::from_utf8_lossy(&refined.stderr).into_owned()))
}

/// Whether the installed package says the types of everything that it has.
fn types_are_complete(environment: &Environment<'_>) -> io::Result<()> {
    let place = environment.root.join(PLACE).join("pyright");
    let program = place.join("node_modules/.bin/pyright");
    fs::create_dir_all(&place)?;
    let install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts"];
    execute(environment.root, &[&install[..], &["--prefix", text(&place)?, PYRIGHT]].concat(), &[])?;
    // It asks the `python` that is found first where packages are: for this it takes no option.
    let verify = [text(&program)?, "--verifytypes", "castline", "--ignoreexternal"];
    execute(environment.root, &verify, &[("PATH", &environment.path()?)])
}

/// Builds what a source distribution has, apart from this folder, and uses it.
fn from_source(environment: &Environment<'_>) -> io::Result<()> {
    let root = environment.root;
    let source = emptied(&root.join(PLACE).join("source"))?;
    environment.maturin(&["sdist", "--manifest-path", MANIFEST, "--out", text(&source)?])?;
    let archive = only(&source)?;
    let wheels = emptied(&root.join(PLACE).join("wheels"))?;
    let other = Environment::fresh(root, "from-source")?;
    // With what is built here already of its dependencies, and without what pip would install to build with.
    let build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation"];
    let profile =
        ["--config-settings", "build-args=--profile dev", "--wheel-dir", text(&wheels)?, text(&archive)?];
    environment.pip(&[&build[..], &profile].concat(), &[("CARGO_TARGET_DIR", text(&target(root))?)])?;
    other.install(&only(&wheels)?)?;
    let python = text(&other.python)?;
    execute(&root.join("examples/python"), &[python, "plan.py"], &[("PYTHONDONTWRITEBYTECODE", "1")])
}

/// A virtual environment.
pub(crate) struct Environment<'a> {
    root: &'a Path,
    folder: PathBuf,
    pub(crate) python: PathBuf,
}

impl<'a> Environment<'a> {
    /// The one with all that builds and tests the wheel.
    pub(crate) fn tools(root: &'a Path) -> io::Result<Self> {
        let tools = Self::named(root, "environment")?;
        tools.pip(&["install", "--quiet", "--requirement", "bindings/python/requirements.txt"], &[])?;
        Ok(tools)
    }

    /// One that has nothing.
    pub(crate) fn fresh(root: &'a Path, name: &str) -> io::Result<Self> {
        let folder = root.join(PLACE).join(name);
        if folder.exists() {
            fs::remove_dir_all(folder)?;
        }
        Self::named(root, name)
    }

    fn named(root: &'a Path, name: &str) -> io::Result<Self> {
        let folder = root.join(PLACE).join(name);
        let python = folder.join("bin/python");
        if !python.is_file() {
            fs::create_dir_all(root.join(PLACE))?;
            // Without pip: Debian has that of an environment in a package of its own. The one that is there does it, too.
            execute(root, &["python3", "-m", "venv", "--without-pip", text(&folder)?], &[])?;
        }
        Ok(Self { root, folder, python })
    }

    /// Runs pip as the one of this environment.
    pub(crate) fn pip(&self, arguments: &[&str], environment: &[(&str, &str)]) -> io::Result<()> {
        let python = text(&self.python)?;
        let pip = ["python3", "-m", "pip", "--python", python, "--disable-pip-version-check"];
        // The pip that is there, and maturin from here.
        let path =
            format!("{}:{}", std::env::var("PATH").unwrap_or_default(), text(&self.folder.join("bin"))?);
        let environment = [environment, &[("PATH", path.as_str())]].concat();
        execute(self.root, &[&pip[..], arguments].concat(), &environment)
    }

    pub(crate) fn install(&self, wheel: &Path) -> io::Result<()> {
        self.pip(&["install", "--quiet", "--force-reinstall", "--no-deps", text(wheel)?], &[])
    }

    pub(crate) fn maturin(&self, arguments: &[&str]) -> io::Result<()> {
        let python = text(&self.python)?;
        let path = self.path()?;
        execute(self.root, &[&[python, "-m", "maturin"], arguments].concat(), &[("PATH", &path)])
    }

    /// Where programs are looked for: here first.
    pub(crate) fn path(&self) -> io::Result<String> {
        let others = std::env::var("PATH").unwrap_or_default();
        Ok(format!("{}:{others}", text(&self.folder.join("bin"))?))
    }
}

/// A folder with nothing in it.
pub(crate) fn emptied(folder: &Path) -> io::Result<PathBuf> {
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    Ok(folder.into())
}

/// The one thing in a folder.
pub(crate) fn only(folder: &Path) -> io::Result<PathBuf> {
    let mut all = fs::read_dir(folder)?;
    match (all.next(), all.next()) {
        (Some(one), None) => Ok(one?.path()),
        _ => Err(io::Error::other(format!("{} has not one thing in it", folder.display()))),
    }
}

pub(crate) fn text(path: &Path) -> io::Result<&str> {
    path.to_str().ok_or_else(|| io::Error::other(format!("{} is not UTF-8", path.display())))
}
