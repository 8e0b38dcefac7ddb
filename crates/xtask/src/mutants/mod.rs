//! `cargo xtask mutants`: whether the tests notice faults that are put into the planner and the rollout.

mod planner;
mod rollout;

use std::{
    fs, io,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::say;

/// A fault, as a replacement of text.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// From the workspace's folder.
    pub file: &'static str,
    /// What stands there, once.
    pub old: &'static str,
    /// What is to stand there instead.
    pub new: &'static str,
    /// What becomes wrong.
    pub fault: &'static str,
    /// Why nobody could notice, where nobody could: it is not tried.
    pub equal: Option<&'static str>,
}

const fn mutant(file: &'static str, old: &'static str, new: &'static str, fault: &'static str) -> Mutant {
    Mutant { file, old, new, fault, equal: None }
}

impl Mutant {
    /// The same, which nobody could notice.
    #[must_use]
    pub const fn equal(self, why: &'static str) -> Self {
        Self { equal: Some(why), ..self }
    }

    /// The file of a workspace with the fault in it.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read, or does not have the text exactly once.
    pub fn of(&self, root: &Path) -> io::Result<String> {
        let text = fs::read_to_string(root.join(self.file))?;
        match text.matches(self.old).count() {
            1 => Ok(text.replacen(self.old, self.new, 1)),
            count => Err(io::Error::other(format!(
                "{} has `{}` {count} times: bring the table of mutants up to date",
                self.file, self.old
            ))),
        }
    }
}

/// Every mutant.
pub fn all() -> impl Iterator<Item = Mutant> {
    planner::MUTANTS.iter().chain(rollout::MUTANTS).copied()
}

/// What runs for each mutant, until one fails: first what needs the least to be built. An optimized build would take longer
/// than it saves.
const TESTS: &[&[&str]] = &[
    &["--package", "castline", "--test", "conformance", "--", "every_committed_vector_holds"],
    &["--package", "castline", "--test", "plans", "--test", "rollouts", "--test", "waves"],
    &["--package", "castline-core", "--lib", "--", "plan::", "policy::", "rollout::"],
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// A test failed.
    Killed,
    /// It was still running when its time was over.
    Late,
    Survived,
    DoesNotCompile,
}

impl Outcome {
    const fn text(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Late => "killed (by time)",
            Self::Survived => "SURVIVED",
            Self::DoesNotCompile => "DOES NOT COMPILE",
        }
    }
}

/// Tries the mutants in a copy of the workspace, `only` those whose file or fault has this text if given, each for at
/// most `seconds`.
///
/// # Errors
///
/// When the table is not up to date, the tests fail without a mutant, a mutant survives or does not compile, or something
/// cannot be started.
pub fn run(root: &Path, only: Option<&str>, seconds: u64) -> io::Result<()> {
    let chosen =
        |mutant: &Mutant| only.is_none_or(|only| mutant.file.contains(only) || mutant.fault.contains(only));
    let mutants: Vec<Mutant> = all().filter(chosen).collect();
    for mutant in &mutants {
        mutant.of(root)?;
    }
    let bench = Bench { copy: copy(root)?, limit: Duration::from_secs(seconds) };
    say("without a mutant");
    if bench.try_out(true)? != Outcome::Survived {
        return Err(io::Error::other("the tests fail, or do not end in time, without a mutant"));
    }
    let (mut tried, mut killed, mut wrong) = (0, 0, Vec::new());
    for mutant in mutants {
        let name = format!("{}: {}", mutant.file, mutant.fault);
        if let Some(why) = mutant.equal {
            say(&format!("equal             {name}: {why}"));
            continue;
        }
        let path = bench.copy.join(mutant.file);
        let right = fs::read_to_string(&path)?;
        fs::write(&path, mutant.of(&bench.copy)?)?;
        let began = Instant::now();
        let outcome = bench.try_out(false);
        fs::write(&path, right)?;
        let outcome = outcome?;
        say(&format!("{:17} {name} ({} s)", outcome.text(), began.elapsed().as_secs()));
        tried += 1;
        match outcome {
            Outcome::Killed | Outcome::Late => killed += 1,
            Outcome::Survived | Outcome::DoesNotCompile => wrong.push(name),
        }
    }
    say(&format!("{killed} of {tried} mutants were killed"));
    if wrong.is_empty() {
        return Ok(());
    }
    Err(io::Error::other(format!("a test is missing, or a row is wrong:\n{}", wrong.join("\n"))))
}

/// Copies what git tracks to where mutants are built.
fn copy(root: &Path) -> io::Result<PathBuf> {
    let to = root.join("target/mutants/workspace");
    if to.exists() {
        fs::remove_dir_all(&to)?;
    }
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root).output()?;
    if !listed.status.success() {
        return Err(io::Error::other("git does not list the files of the workspace"));
    }
    let listed = String::from_utf8(listed.stdout).map_err(io::Error::other)?;
    for name in listed.split_terminator('\0') {
        let (from, to) = (root.join(name), to.join(name));
        let Ok(kind) = from.symlink_metadata() else { continue };
        fs::create_dir_all(to.parent().unwrap_or(&to))?;
        if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&from)?, &to)?;
        } else {
            fs::copy(&from, &to)?;
        }
    }
    Ok(to)
}

/// Where mutants are tried.
struct Bench {
    copy: PathBuf,
    limit: Duration,
}

impl Bench {
    /// What the tests make of the copy as it is; whether they speak of it.
    fn try_out(&self, speaking: bool) -> io::Result<Outcome> {
        for tests in TESTS {
            let split = tests.iter().position(|argument| *argument == "--").unwrap_or(tests.len());
            let build = [&tests[..split], &["--no-run"]].concat();
            if self.cargo(&build, Duration::MAX, speaking)? != Some(true) {
                return Ok(Outcome::DoesNotCompile);
            }
            match self.cargo(tests, self.limit, speaking)? {
                Some(true) => {}
                Some(false) => return Ok(Outcome::Killed),
                None => return Ok(Outcome::Late),
            }
        }
        Ok(Outcome::Survived)
    }

    /// Whether `cargo test` succeeds; none where it takes too long.
    fn cargo(&self, arguments: &[&str], limit: Duration, speaking: bool) -> io::Result<Option<bool>> {
        // A mutant may take memory without end, too.
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -v 8000000; exec cargo test --quiet \"$@\"", "cargo"]);
        command.args(["--config", "profile.dev.package.castline-core.opt-level=1"]);
        command.args(["--config", "profile.dev.debug=false"]).args(arguments);
        let output = || if speaking { Stdio::inherit() } else { Stdio::null() };
        let child = command
            .current_dir(&self.copy)
            .env("CARGO_TARGET_DIR", self.copy.with_file_name("build"))
            // The same chances for each mutant, and nothing learnt from one that helps with another.
            .env("PROPTEST_RNG_SEED", "7")
            .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "true")
            .env("PROPTEST_MAX_SHRINK_TIME", "1")
            .stdout(output())
            .stderr(output())
            // Of its own, to be ended with all that it has started.
            .process_group(0)
            .spawn()?;
        wait(child, limit)
    }
}

fn wait(mut child: Child, limit: Duration) -> io::Result<Option<bool>> {
    let began = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        if began.elapsed() > limit {
            let group = format!("-{}", child.id());
            Command::new("kill").args(["-KILL", "--", &group]).status()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}
