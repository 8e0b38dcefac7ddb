//! What instances and their health checks say, kept within limits; and that of those that have failed for longer than these are there.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::{
    super::failed,
    record::Folder,
    store::{private_folder, remove},
};
use crate::DriverError;

/// What an instance says, and what the check that was run last has said.
const NAMES: [&str; 3] = ["stdout.log", "stderr.log", "check.log"];

/// How much of an instance's last words is told, in bytes.
const LAST_WORDS: u64 = 2048;

/// Of how many instances that have failed the logs are kept.
const KEPT: usize = 32;

/// How much of the end of each, in bytes.
const KEPT_END: u64 = 256 << 10;

/// The two logs of an instance, to be added to.
pub(super) fn open(folder: &Folder) -> Result<[File; 2], DriverError> {
    let open = |name: &str| {
        let path = folder.join(name);
        let mut options = File::options();
        options.append(true).create(true).mode(0o600);
        options.open(&path).map_err(failed(path.display()))
    };
    Ok([open("stdout.log")?, open("stderr.log")?])
}

/// Where a health check says something: nothing of the one before is left. None where the instance is gone.
pub(super) fn of_check(folder: &Folder) -> Option<File> {
    let file = File::options().append(true).create(true).mode(0o600).open(folder.join("check.log")).ok()?;
    file.set_len(0).ok()?;
    Some(file)
}

/// Cuts logs that have become too long: the newer half of what is allowed stays, in a file beside it.
pub(super) fn cut(folder: &Folder, longest: u64) -> io::Result<()> {
    for name in NAMES {
        let path = folder.join(name);
        let mut log = match File::options().read(true).write(true).open(&path) {
            Ok(log) => log,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        let length = log.metadata()?.len();
        if length <= longest {
            continue;
        }
        log.seek(SeekFrom::Start(length.saturating_sub(longest / 2)))?;
        let mut kept = File::create(folder.join(&format!("{name}.1")))?;
        io::copy(&mut (&mut log).take(longest / 2), &mut kept)?;
        kept.flush()?;
        // Who writes to it appends, and so goes on at the start.
        log.set_len(0)?;
    }
    Ok(())
}

/// The end of what an instance has said on its standard error.
pub(super) fn last_words(folder: &Folder) -> String {
    let said = end_of(&folder.join("stderr.log"), LAST_WORDS).unwrap_or_default();
    String::from_utf8_lossy(&said).trim().to_owned()
}

/// So many bytes of the end of a file, at most; none where it is not there.
fn end_of(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut end = Vec::new();
    let mut file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(end),
        file => file?,
    };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(most)))?;
    file.take(most).read_to_end(&mut end)?;
    Ok(end)
}

/// Keeps the end of what an instance that has failed has said, in the folder `logs` of the state, and gives its place there. None where it
/// has said nothing. Those of earlier ones are removed, but for the newest.
pub(super) fn keep(state: &Path, folder: &Folder) -> io::Result<Option<PathBuf>> {
    let all = state.join("logs");
    let place = all.join(&*folder.id());
    let mut any = false;
    for name in NAMES {
        let mut said = end_of(&folder.join(name), KEPT_END)?;
        let missing = KEPT_END - said.len() as u64;
        // What was cut off just before.
        let mut before = end_of(&folder.join(&format!("{name}.1")), missing)?;
        before.append(&mut said);
        if before.is_empty() {
            continue;
        }
        private_folder(&place).map_err(io::Error::other)?;
        let mut kept = File::options();
        kept.write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(place.join(name))?
            .write_all(&before)?;
        any = true;
    }
    if !any {
        return Ok(None);
    }
    let mut others: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in fs::read_dir(&all)? {
        let entry = entry?;
        // Somebody else may tidy up, too.
        let Ok(changed) = entry.metadata().and_then(|metadata| metadata.modified()) else { continue };
        others.push((changed, entry.path()));
    }
    others.sort();
    others.retain(|(_, path)| *path != place);
    for (_, path) in others.iter().take((others.len() + 1).saturating_sub(KEPT)) {
        remove(path).map_err(io::Error::other)?;
    }
    Ok(Some(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logs_of_what_has_failed_are_kept_and_not_for_ever() {
        let state = tempfile::tempdir().expect("a folder");
        let folder = |id: &str| {
            let path = state.path().join("instances").join(id);
            fs::create_dir_all(&path).expect("a folder");
            Folder::new(path)
        };
        let silent = folder("web-0");
        drop(open(&silent).expect("logs"));
        assert_eq!(keep(state.path(), &silent).expect("kept"), None);
        assert!(!state.path().join("logs").exists());

        let mut places = Vec::new();
        for number in 1..=KEPT + 2 {
            let failed = folder(&format!("web-{number}"));
            let [_, mut errors] = open(&failed).expect("logs");
            write!(errors, "{number} fell over").expect("writes");
            of_check(&failed).expect("a log").write_all(b"no").expect("writes");
            let place = keep(state.path(), &failed).expect("kept").expect("something was said");
            assert_eq!(
                keep(state.path(), &failed).expect("kept").as_ref(),
                Some(&place),
                "as often as it is seen"
            );
            let said = |name: &str| fs::read_to_string(place.join(name)).expect("a log");
            assert_eq!((said("stderr.log"), said("check.log")), (format!("{number} fell over"), "no".into()));
            assert!(!place.join("stdout.log").exists());
            let newer = SystemTime::now() + std::time::Duration::from_secs(number as u64);
            File::open(&place).and_then(|file| file.set_modified(newer)).expect("a time");
            places.push(place);
        }
        let there: Vec<bool> = places.iter().map(|place| place.exists()).collect();
        assert_eq!(there.iter().filter(|is| **is).count(), KEPT);
        assert_eq!(there[..3], [false, false, true]);
    }
}
