//! Values of secrets: read for a launch, and gone with it. Neither errors nor `Debug` show one.

use std::{
    collections::BTreeMap,
    env, fmt, fs,
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use castline_core::{
    Release,
    drift::{InstanceSpec, SecretSource},
    shown,
};

use super::blocking;
use crate::DriverError;

/// How many bytes a variable may have, with its name, `=` and the NUL after it: Linux starts no program with a longer one
/// (`MAX_ARG_STRLEN`).
const MOST: u64 = 128 << 10;

/// What stands in a message instead of a value.
const HIDDEN: &str = "(a secret)";

/// Values by the names of their variables.
#[derive(Clone, Default)]
pub(super) struct Secrets(BTreeMap<String, String>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Secrets {
    /// Reads those that an instance is to have. Blocks.
    pub(super) fn of(spec: &InstanceSpec) -> Result<Self, DriverError> {
        let (mut values, mut missing, mut for_good) = (BTreeMap::new(), Vec::new(), false);
        for (name, source) in spec.secrets.iter().flatten() {
            match read(name, source) {
                Ok(value) => drop(values.insert(name.clone(), value)),
                Err(Missing { why, may_come }) => {
                    let (name, source) = (shown(name), shown(&source.to_string()));
                    missing.push(format!("the secret {name} from `{source}`: {why}"));
                    for_good |= !may_come;
                }
            }
        }
        match missing.join("; ") {
            _ if missing.is_empty() => Ok(Self(values)),
            missing if for_good => Err(DriverError::permanent(missing)),
            missing => Err(DriverError::temporary(missing)),
        }
    }

    /// Variables with their values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &String)> {
        self.0.iter()
    }

    /// The same error without the values, should a platform have said one.
    pub(super) fn hidden(&self, error: DriverError) -> DriverError {
        let said = error.to_string();
        // The longest first: one may be part of another.
        let mut values: Vec<&String> = self.0.values().filter(|value| !value.is_empty()).collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        if !values.iter().any(|value| said.contains(value.as_str())) {
            return error;
        }
        let said = values.into_iter().fold(said, |said, value| said.replace(value.as_str(), HIDDEN));
        if error.is_temporary() { DriverError::temporary(said) } else { DriverError::permanent(said) }
    }
}

/// Whether the secrets of a release can be read from here.
pub(super) async fn are_there(release: &Release) -> Result<(), DriverError> {
    let spec = release.spec().clone();
    blocking(move || Secrets::of(&spec)).await.map(|_| ())
}

impl FromIterator<(String, String)> for Secrets {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// Why a value is not there, in words that have nothing of it.
struct Missing {
    why: String,
    /// Whether it may be there a moment later: a file that somebody replaces, or is about to write.
    may_come: bool,
}

impl From<String> for Missing {
    fn from(why: String) -> Self {
        Self { why, may_come: false }
    }
}

impl From<&str> for Missing {
    fn from(why: &str) -> Self {
        why.to_owned().into()
    }
}

fn read(name: &str, source: &SecretSource) -> Result<String, Missing> {
    let value = match source {
        SecretSource::Env(name) => match env::var_os(name) {
            None => return Err("castline was started without this variable".into()),
            Some(value) => value.into_encoded_bytes(),
        },
        SecretSource::File(path) => {
            let absent = |error: io::Error| Missing { why: error.to_string(), may_come: true };
            let mut bytes = file(Path::new(path)).map_err(absent)?;
            if bytes.last() == Some(&b'\n') {
                bytes.pop();
            }
            bytes
        }
        _ => return Err("this castline does not know where that is".into()),
    };
    let most = MOST.saturating_sub(name.len() as u64 + 2);
    if value.len() as u64 > most {
        return Err(format!("it has more than {most} bytes, and no variable can have that").into());
    }
    if value.contains(&0) {
        return Err("it has a NUL in it, which no variable can have".into());
    }
    String::from_utf8(value).map_err(|_| "it is not UTF-8".into())
}

/// What is in a file, and a little more than is allowed at most. Nothing is waited for: a pipe could make a launch wait for ever.
fn file(path: &Path) -> io::Result<Vec<u8>> {
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = fs::File::options().read(true).custom_flags(nonblocking).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(MOST + 2).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(name: &str, source: SecretSource) -> Result<Secrets, DriverError> {
        let secrets = BTreeMap::from([(name.to_owned(), source)]);
        Secrets::of(&InstanceSpec { secrets: Some(secrets), ..InstanceSpec::default() })
    }

    #[test]
    fn what_is_no_value_is_refused_for_good_and_not_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secret");
        let source = SecretSource::File(path.to_str().expect("text").into());
        let whole = "x".repeat((128 << 10) - "TOKEN=".len() - 1);
        let fine = [("", ""), ("\n", ""), ("hunter2", "hunter2"), ("a\r\n\n", "a\r\n")];
        for (content, value) in fine.into_iter().chain([(whole.as_str(), whole.as_str())]) {
            fs::write(&path, content).expect("writes");
            let read = from("TOKEN", source.clone()).expect("a value");
            assert!(read.0["TOKEN"] == value, "{} bytes", content.len());
            fs::write(&path, format!("{value}\n")).expect("writes");
            assert!(from("TOKEN", source.clone()).expect("a value").0["TOKEN"] == value);
        }
        let none: [(&[u8], &str); 4] = [
            (b"hunter2\0", "NUL"),
            (b"hunter2\xff", "not UTF-8"),
            (&format!("hunter2{whole}").into_bytes(), "131065 bytes"),
            (&"hunter2".repeat(150_000).into_bytes(), "131065 bytes"),
        ];
        for (content, why) in none {
            fs::write(&path, content).expect("writes");
            let error = from("TOKEN", source.clone()).expect_err(why);
            let said = error.to_string();
            assert!(said.contains(why) && said.contains("TOKEN") && said.contains("file:/"), "{said}");
            assert!(!error.is_temporary() && !said.contains("hunter2"), "{said}");
        }
        fs::remove_file(&path).expect("removes");
        for source in [
            source,
            SecretSource::File(folder.path().to_str().expect("text").into()),
            SecretSource::Env("CASTLINE_TEST_NOBODY_HAS_SET_THIS".into()),
        ] {
            let error = from("TOKEN", source.clone()).expect_err("there is none");
            let shown = source.to_string();
            let named = error.to_string().contains(&shown[..20]) && error.to_string().contains("TOKEN");
            assert!(named, "{error}");
            assert_eq!(
                error.is_temporary(),
                matches!(source, SecretSource::File(_)),
                "a file may come: {error}"
            );
        }
    }

    #[test]
    fn a_pipe_is_not_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pipe");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &path, rustix::fs::FileType::Fifo, mode, 0).expect("a pipe");
        let error = from("A", SecretSource::File(path.to_str().expect("text").into())).expect_err("no file");
        assert!(error.to_string().contains("no regular file"), "{error}");
    }

    #[test]
    fn what_a_platform_says_and_debug_shows_has_no_value_in_it() {
        let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let secrets: Secrets = [("A", "hunter"), ("B", "hunter2"), ("C", "")].map(pair).into_iter().collect();
        assert!(!format!("{secrets:?}").contains("hunter"));
        let error = secrets.hidden(DriverError::temporary("bad variable B=hunter2, A=hunter"));
        assert!(error.is_temporary());
        assert_eq!(error.to_string(), "bad variable B=(a secret), A=(a secret)");
        assert!(!secrets.hidden(DriverError::permanent("no")).is_temporary());
    }
}
