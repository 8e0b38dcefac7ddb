//! Authorities and certificates of a test's own, as PEM files that `openssl` makes.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::engines;

/// What a certificate proves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proves {
    /// That a server is 127.0.0.1, or `registry.invalid`.
    Server,
    /// That a client is a known one.
    Client,
}

/// An authority that is made for a test: in a folder, as `NAME.crt` and `NAME.key`.
#[derive(Debug)]
pub struct Authority {
    folder: PathBuf,
    name: String,
}

impl Authority {
    /// A new one, in a folder that is there.
    ///
    /// # Errors
    ///
    /// When `openssl` does not make it.
    pub fn new(folder: &Path, name: &str) -> io::Result<Self> {
        let authority = Self { folder: folder.to_owned(), name: name.to_owned() };
        openssl(
            request(&authority.file(name, "key"))
                .args(["-x509", "-days", "2", "-subj", &format!("/CN=castline test {name}"), "-out"])
                .arg(authority.certificate()),
        )?;
        Ok(authority)
    }

    /// Its own certificate: what is believed by whoever believes it.
    pub fn certificate(&self) -> PathBuf {
        self.file(&self.name, "crt")
    }

    /// Makes `NAME.crt` and `NAME.key` beside its own, and says where they are.
    ///
    /// # Errors
    ///
    /// When `openssl` does not make them.
    pub fn issue(&self, name: &str, proves: Proves) -> io::Result<(PathBuf, PathBuf)> {
        let (certificate, key) = (self.file(name, "crt"), self.file(name, "key"));
        let (asked, extensions) = (self.file(name, "csr"), self.file(name, "ext"));
        openssl(request(&key).args(["-subj", &format!("/CN={name}"), "-out"]).arg(&asked))?;
        let usage = match proves {
            Proves::Server => "subjectAltName=IP:127.0.0.1,DNS:registry.invalid\nextendedKeyUsage=serverAuth",
            Proves::Client => "extendedKeyUsage=clientAuth",
        };
        fs::write(&extensions, format!("basicConstraints=CA:FALSE\n{usage}\n"))?;
        let mut signed = engines::command("openssl");
        signed.args(["x509", "-req", "-days", "2", "-CAcreateserial"]);
        for (option, file) in [
            ("-in", &asked),
            ("-CA", &self.certificate()),
            ("-CAkey", &self.file(&self.name, "key")),
            ("-extfile", &extensions),
            ("-out", &certificate),
        ] {
            signed.arg(option).arg(file);
        }
        openssl(&mut signed)?;
        Ok((certificate, key))
    }

    fn file(&self, name: &str, ending: &str) -> PathBuf {
        self.folder.join(format!("{name}.{ending}"))
    }
}

/// Asks for a certificate of a new key.
fn request(key: &Path) -> Command {
    let mut request = engines::command("openssl");
    request.args(["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout"]);
    request.arg(key);
    request
}

fn openssl(command: &mut Command) -> io::Result<()> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr))))
}
