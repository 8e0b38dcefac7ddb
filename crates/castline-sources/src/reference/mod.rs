mod names;

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use castline_core::{Digest, Selection, shown};

use self::names::{is_component, is_docker_name, is_host, is_tag};
use crate::{Error, Result};

/// Where an image is, as people write it: `transport:place[:tag][@digest]` (containers-transports(5)).
///
/// | form | meaning |
/// |---|---|
/// | `oci:DIR[:TAG][@DIGEST]` | an OCI layout folder |
/// | `oci-archive:FILE[:TAG][@DIGEST]` | a tar of one |
/// | `docker-archive:FILE[:NAME[:TAG]]` | what `docker save` writes |
/// | `docker://HOST/NAME[:TAG][@DIGEST]` | an image in a registry |
///
/// `:@N` in place of the tag names the image at position N. A folder or file ends at the first colon. An `@` begins a
/// digest where `sha256:`, `sha384:`, `sha512:` or `blake3:` follows, and elsewhere belongs to the folder, file or tag:
/// `oci:job@2/layout:v1` is the image `v1` in the folder `job@2/layout`.
///
/// ```
/// use castline_sources::{Reference, Transport};
///
/// let reference: Reference = "oci:images/app:v1".parse()?;
/// assert_eq!(reference.transport(), Transport::Oci);
/// assert_eq!(reference.tag(), Some("v1"));
/// assert_eq!(reference.to_string(), "oci:images/app:v1");
/// # Ok::<(), castline_sources::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    transport: Transport,
    place: String,
    tag: Option<String>,
    digest: Option<Digest>,
    position: Option<usize>,
}

/// How an image is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Transport {
    /// An OCI layout folder.
    Oci,
    /// A tar of an OCI layout, perhaps compressed.
    OciArchive,
    /// A tar as `docker save` writes it, perhaps compressed.
    DockerArchive,
    /// A registry.
    Docker,
}

impl Transport {
    /// Its name: `oci`, `oci-archive`, `docker-archive` or `docker`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Oci => "oci",
            Self::OciArchive => "oci-archive",
            Self::DockerArchive => "docker-archive",
            Self::Docker => "docker",
        }
    }
}

impl Reference {
    /// All that is at a path: a folder is taken for an OCI layout, a file for an archive of one (`docker-archive:FILE` is to
    /// be written). Takes the path as it is: a colon in it is part of its name.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidReference`] when the path is no text in UTF-8.
    pub fn at(path: &Path) -> Result<Self> {
        let place = path.to_str().ok_or_else(|| Error::InvalidReference {
            input: shown(&path.to_string_lossy()),
            reason: "the path is not UTF-8".into(),
        })?;
        let transport = if path.is_dir() { Transport::Oci } else { Transport::OciArchive };
        Ok(Self { transport, place: place.into(), tag: None, digest: None, position: None })
    }

    /// How the image is reached.
    pub const fn transport(&self) -> Transport {
        self.transport
    }

    /// The folder or file; for a registry, `HOST/NAME`.
    pub fn path(&self) -> &Path {
        Path::new(&self.place)
    }

    /// The tag, where one is given.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, where one is given.
    pub const fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The position, where one is given.
    pub const fn position(&self) -> Option<usize> {
        self.position
    }

    /// The same reference with a relative folder or file taken as relative to `base`.
    #[must_use]
    pub fn relative_to(mut self, base: &Path) -> Self {
        if self.transport != Transport::Docker {
            let joined: PathBuf = base.join(&self.place);
            self.place = joined.to_string_lossy().into_owned();
        }
        self
    }

    /// Which of the images in the source it means.
    pub fn selection(&self) -> Selection {
        let mut selection = Selection::everything();
        if let Some(tag) = &self.tag {
            selection = selection.with_tag(tag);
        }
        if let Some(digest) = &self.digest {
            selection = selection.with_digest(digest.clone());
        }
        if let Some(position) = self.position {
            selection = selection.with_position(position);
        }
        selection
    }
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(input: &str) -> Result<Self> {
        let reject =
            |reason: &str| Error::InvalidReference { input: shown(input), reason: reason.to_owned().into() };
        if input.chars().any(char::is_control) {
            return Err(reject("it has a control character"));
        }
        let Some((transport, rest)) = input.split_once(':') else {
            return Err(reject(NO_TRANSPORT));
        };
        match transport {
            "oci" => local(Transport::Oci, rest).map_err(|reason| reject(&reason)),
            "oci-archive" => local(Transport::OciArchive, rest).map_err(|reason| reject(&reason)),
            "docker-archive" => {
                let reference = local(Transport::DockerArchive, rest).map_err(|reason| reject(&reason))?;
                if reference.digest.is_some() {
                    return Err(reject(
                        "an image in a docker archive is named by tag or position, not by digest",
                    ));
                }
                match &reference.tag {
                    Some(tag) if !is_docker_name(tag) => {
                        Err(reject("what follows the file is no `name[:tag]`"))
                    }
                    _ => Ok(reference),
                }
            }
            "docker" => registry(rest).map_err(|reason| reject(&reason)),
            _ => Err(reject(NO_TRANSPORT)),
        }
    }
}

const NO_TRANSPORT: &str = "it does not start with a transport; write `oci:DIR`, `oci-archive:FILE`, \
    `docker-archive:FILE` or `docker://HOST/NAME`, each with `:TAG` where needed";

/// Splits `@DIGEST` off the end. Folders and tags may hold an `@`, so it begins a digest only where the name of an
/// algorithm and a colon follow; then the rest has to be one. What looks like a digest of another algorithm is
/// refused: whoever wrote it did not mean a folder and a tag.
fn split_digest(text: &str) -> Result<(&str, Option<Digest>), String> {
    for (at, _) in text.match_indices('@') {
        let (rest, digest) = (&text[..at], &text[at + 1..]);
        let Some((algorithm, encoded)) = digest.split_once(':') else { break };
        if ALGORITHMS.iter().any(|known| known.eq_ignore_ascii_case(algorithm)) {
            let digest = digest.parse().map_err(|error: castline_core::Error| error.to_string())?;
            return Ok((rest, Some(digest)));
        }
        if !algorithm.contains(['/', '@'])
            && encoded.len() >= 32
            && encoded.bytes().all(|b| b.is_ascii_hexdigit())
        {
            return Err(format!(
                "`{}` is no algorithm whose digests can be checked; there are: {}",
                shown(algorithm),
                ALGORITHMS.join(", ")
            ));
        }
    }
    Ok((text, None))
}

/// The algorithms that are computed.
const ALGORITHMS: [&str; 4] = ["sha256", "sha384", "sha512", "blake3"];

fn local(transport: Transport, rest: &str) -> Result<Reference, String> {
    let (rest, digest) = split_digest(rest)?;
    let (place, image) = match rest.split_once(':') {
        Some((place, image)) => (place, Some(image)),
        None => (rest, None),
    };
    if place.is_empty() {
        return Err("it names no folder or file".into());
    }
    let mut reference = Reference { transport, place: place.into(), tag: None, digest, position: None };
    match image {
        None => {}
        Some("") => return Err("nothing follows the colon after the folder or file".into()),
        Some(image) => match image.strip_prefix('@') {
            Some(position) => {
                let position = Some(position).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
                let position = position.and_then(|text| text.parse().ok());
                reference.position = Some(position.ok_or("what follows `:@` is not a position, 0 or more")?);
            }
            None if image.ends_with('@') => return Err("nothing follows the `@` after the tag".into()),
            None => reference.tag = Some(image.into()),
        },
    }
    Ok(reference)
}

fn registry(rest: &str) -> Result<Reference, String> {
    let rest = rest.strip_prefix("//").ok_or("write `docker://HOST/NAME`")?;
    let (rest, digest) = match rest.split_once('@') {
        Some((rest, digest)) => {
            (rest, Some(digest.parse().map_err(|error: castline_core::Error| error.to_string())?))
        }
        None => (rest, None),
    };
    let (host, name) =
        rest.split_once('/').ok_or("write `docker://HOST/NAME`: the registry's host is needed")?;
    if !is_host(host) {
        return Err("the registry is not `HOST` or `HOST:PORT`".into());
    }
    let (name, tag) = match name.split_once(':') {
        Some((name, tag)) => (name, Some(tag)),
        None => (name, None),
    };
    if !name.split('/').all(is_component) {
        return Err("the repository is not made of lower case names, digits and single separators".into());
    }
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err("the tag is not of the form `[A-Za-z0-9_][A-Za-z0-9._-]{0,127}`".into());
    }
    let place = format!("{host}/{name}");
    Ok(Reference { transport: Transport::Docker, place, tag: tag.map(str::to_owned), digest, position: None })
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slashes = if self.transport == Transport::Docker { "//" } else { "" };
        write!(f, "{}:{slashes}{}", self.transport.name(), self.place)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(position) = self.position {
            write!(f, ":@{position}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_long_tag_is_printed_whole() {
        let text = format!("docker://registry.example/app:{}", "t".repeat(128));
        assert_eq!(text.parse::<Reference>().expect("a reference").to_string(), text);
    }

    #[test]
    fn a_path_is_taken_as_it_is() {
        let reference = Reference::at(Path::new("images/app:v1@sha256:0")).expect("a reference");
        assert_eq!((reference.path(), reference.tag()), (Path::new("images/app:v1@sha256:0"), None));
        assert_eq!(reference.transport(), Transport::OciArchive);
        assert_eq!(Reference::at(Path::new("/")).expect("a reference").transport(), Transport::Oci);
    }

    #[test]
    fn what_is_wrong_with_a_digest_is_said() {
        for (text, part) in [
            ("oci:app@sha256:zz", "`sha256:zz` is not a digest"),
            ("oci:app@SHA256:zz", "`SHA256:zz` is not a digest"),
            ("oci:app:v1@sha256:", "`sha256:` is not a digest"),
            (
                "oci:app@md5:5d41402abc4b2a76b9719d911017c592",
                "`md5` is no algorithm whose digests can be checked",
            ),
            ("oci:app:v1@", "nothing follows the `@` after the tag"),
        ] {
            let error = text.parse::<Reference>().expect_err(text).to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn a_digest_of_every_algorithm_is_split_off() {
        for (name, length) in ALGORITHMS.into_iter().zip([64, 96, 128, 64]) {
            let digest = format!("{name}:{}", "0".repeat(length));
            let reference: Reference = format!("oci:job@2/app:v@1@{digest}").parse().expect("a reference");
            assert!(reference.digest().is_some_and(|split| split.algorithm().is_supported()), "{name}");
            assert_eq!((reference.path(), reference.tag()), (Path::new("job@2/app"), Some("v@1")));
        }
    }

    proptest! {
        #[test]
        fn what_parses_prints_and_parses_again(text in "(oci|oci-archive|docker-archive):[a-z@./]{1,12}(:[a-z0-9@./_]{1,12}|:@[0-9]{1,3})?") {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.to_string().parse::<Reference>().expect("own text"), reference);
            }
        }

        #[test]
        fn parsing_never_panics(text in ".*") {
            let _ = text.parse::<Reference>();
            let _ = format!("oci:{text}").parse::<Reference>();
            let _ = format!("docker://{text}").parse::<Reference>();
        }
    }
}
