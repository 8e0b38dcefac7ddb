//! Processes that outlive the one that started them, known again by more than their number.

use std::{collections::BTreeSet, fs, io, path::Path};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use serde::{Deserialize, Serialize};

use super::super::secrets::Secrets;

/// A process: its number, and since when it has had it. Numbers come again, and so do start times after a reboot; all three
/// together do not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Process {
    pid: i32,
    /// In clock ticks since the machine was started (proc(5), field 22 of `stat`).
    started: u64,
    /// The boot that this was in.
    boot: String,
}

/// What proc(5) says of a process.
struct Stat {
    state: u8,
    session: i32,
    started: u64,
}

impl Stat {
    fn of(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        // The name, in parentheses, may have anything in it.
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        Some(Self {
            state: *fields.first()?.as_bytes().first()?,
            session: fields.get(3)?.parse().ok()?,
            started: fields.get(19)?.parse().ok()?,
        })
    }

    const fn is_alive(&self) -> bool {
        !matches!(self.state, b'Z' | b'X' | b'x')
    }
}

fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

impl Process {
    /// The process that has the number now, if one does.
    pub(super) fn of(pid: i32) -> Option<Self> {
        Some(Self { pid, started: Stat::of(pid)?.started, boot: boot() })
    }

    /// One that had the number and has ended, so that it cannot be asked since when.
    pub(super) fn ended(pid: i32) -> Self {
        Self { pid, started: 0, boot: boot() }
    }

    /// What a process has written of itself before it became the program: its own line of `stat`, and the boot. `None` as
    /// long as that is not complete.
    pub(super) fn read(file: &Path) -> io::Result<Option<Self>> {
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut lines = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        let read = || {
            let (stat, boot) = (lines.next()?, lines.next()?);
            let pid = stat.split(' ').next()?.parse().ok()?;
            Some(Self { pid, started: Stat::parse(stat)?.started, boot: boot.to_owned() })
        };
        Ok({ read }())
    }

    /// What [`Self::read`] reads.
    pub(super) fn to_text(&self) -> String {
        let Self { pid, started, boot } = self;
        let unknown = "0 ".repeat(18);
        format!("{pid} () R {unknown}{started}\n{boot}\n")
    }

    /// Whether it is this one that has the number, be it dead and not yet buried.
    fn is_there(&self) -> bool {
        self.boot == boot() && Stat::of(self.pid).is_some_and(|stat| stat.started == self.started)
    }

    /// Whether it runs.
    pub(super) fn is_alive(&self) -> bool {
        self.boot == boot()
            && Stat::of(self.pid).is_some_and(|stat| stat.started == self.started && stat.is_alive())
    }

    /// Those of these variables that it was started with. A program can write over its environment; then there are none.
    pub(super) fn variables(&self, names: &BTreeSet<String>) -> Secrets {
        let environment = fs::read(format!("/proc/{}/environ", self.pid)).unwrap_or_default();
        // Looked at afterwards: meanwhile the number may have become another's.
        if !self.is_there() {
            return Secrets::default();
        }
        let pairs = environment.split(|&byte| byte == 0).filter_map(|pair| {
            let (name, value) = std::str::from_utf8(pair).ok()?.split_once('=')?;
            names.contains(name).then(|| (name.to_owned(), value.to_owned()))
        });
        pairs.collect()
    }

    /// Asks its group to end.
    pub(super) fn signal_group(&self, signal: Signal) {
        if self.is_there()
            && let Some(pid) = Pid::from_raw(self.pid)
        {
            let _ = kill_process_group(pid, signal);
        }
    }

    /// Kills it alone.
    pub(super) fn kill(&self) {
        if self.is_there()
            && let Some(pid) = Pid::from_raw(self.pid)
        {
            let _ = kill_process(pid, Signal::KILL);
        }
    }

    /// Those of its session that live, it among them. The number of a session is not given away as long as anyone is in it; so
    /// where another process has the number, nobody of this session is left.
    fn session(&self) -> Vec<i32> {
        // Numbers of 0 and 1 are the kernel's, and of whoever is outside of this namespace.
        if self.pid <= 1 || self.boot != boot() || (Stat::of(self.pid).is_some() && !self.is_there()) {
            return Vec::new();
        }
        let numbers = fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
        let ours = |pid: &i32| {
            Stat::of(*pid).is_some_and(|stat| {
                stat.session == self.pid && stat.started >= self.started && stat.is_alive()
            })
        };
        numbers.filter(ours).collect()
    }

    /// Kills its session; whether nobody was left to be killed.
    pub(super) fn kill_session(&self) -> bool {
        let members = self.session();
        for pid in members.iter().filter_map(|pid| Pid::from_raw(*pid)) {
            let _ = kill_process(pid, Signal::KILL);
        }
        members.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_not_taken_for_another_that_has_its_number() {
        let own = Process::of(i32::try_from(std::process::id()).expect("a number")).expect("it runs");
        assert!(own.is_alive());
        let earlier = Process { started: own.started - 1, ..own.clone() };
        assert!(!earlier.is_alive() && earlier.session().is_empty());
        let before_boot = Process { boot: "another".into(), ..own.clone() };
        assert!(!before_boot.is_alive() && before_boot.session().is_empty());
        // If it did what it must not, this test would be dead.
        earlier.signal_group(Signal::KILL);
        earlier.kill();
        before_boot.kill();
        assert!(earlier.kill_session() && before_boot.kill_session());
    }

    #[test]
    fn what_a_process_writes_of_itself_counts_once_it_is_complete() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("process");
        assert_eq!(Process::read(&file).expect("reads"), None);
        let own = Process::of(i32::try_from(std::process::id()).expect("a number")).expect("it runs");
        let stat = fs::read_to_string("/proc/self/stat").expect("a line");
        let text = format!("{}\n{}\n", stat.trim_end(), boot());
        for length in 0..text.len() {
            fs::write(&file, &text[..length]).expect("writes");
            assert_eq!(Process::read(&file).expect("reads"), None, "{length}");
        }
        fs::write(&file, &text).expect("writes");
        assert_eq!(Process::read(&file).expect("reads"), Some(own.clone()));
        fs::write(&file, own.to_text()).expect("writes");
        assert_eq!(Process::read(&file).expect("reads"), Some(own));
    }

    #[test]
    fn names_of_programs_do_not_confuse_it() {
        let stat =
            Stat::parse("7 (a) R (b)) S 1 7 3 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0").expect("parses");
        assert_eq!((stat.state, stat.session, stat.started), (b'S', 3, 4711));
    }
}
