//! A description of an image in TOML. What is not known is refused, with its line.

use std::{
    collections::{BTreeMap, BTreeSet},
    num::NonZeroUsize,
    path::{Path, PathBuf},
    str::FromStr,
};

use castline_core::{Compression, Descriptor, Platform, Time, Watch, drift::Glob, shown_whole};
use serde::{Deserialize, Deserializer, Serialize, de};

use super::{
    BuiltImage, BuiltIndex, ImageBuilder, LayerSource, Modes, Owner, Times, Xattrs, archive_at, build_index,
    layer::From,
};
use crate::{Error, LayoutWriter, Reference, Result, Transport};

/// A description of an image, out of a file such as `castline.toml`:
///
/// ```toml
/// base = "oci:images/base:v1"            # left out: from nothing
/// platforms = ["linux/amd64"]            # several: an index, whose images have the layers that are for them
/// created = "2026-11-23T22:50:00Z"       # left out: 1970-01-01T00:00:00Z
/// compression = "gzip"                   # or "zstd", "none"
///
/// [[layers]]
/// directory = "rootfs"                   # or file = "…", or tar = "…"
/// to = "/srv"                            # left out: "/"
/// exclude = ["**/*.pyc"]
/// owner = "0:0"                          # or "keep"
/// modes = "keep"                         # or "normal" (0755 and 0644), or "0755" for all
/// times = "created"                      # or "clamp" (none later than that), "keep"
/// xattrs = "capabilities"                # or "none", "all"
/// platforms = ["linux/amd64"]            # left out: for every one
///
/// [config]
/// entrypoint = ["/bin/httpd"]
/// cmd = ["-f", "-p", "8080"]
/// env = { LANG = "C.UTF-8" }
/// user = "1000:1000"
/// working-dir = "/srv"
/// labels = { team = "web" }
/// exposed-ports = ["8080"]
/// volumes = ["/data"]
/// stop-signal = "SIGTERM"
///
/// [annotations]
/// "org.opencontainers.image.revision" = "4f2c…"
/// ```
///
/// Files and folders, those of the base too, are relative to the folder of the description.
#[derive(Clone, Debug)]
pub struct BuildFile {
    images: Vec<ImageBuilder>,
    annotations: BTreeMap<String, String>,
}

/// What a description gave.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(untagged)]
#[non_exhaustive]
pub enum Built {
    /// The image for its only platform.
    Image(BuiltImage),
    /// An index of images, one for each of its platforms.
    Index(BuiltIndex),
}

impl Built {
    /// What it is, its digest and its size.
    pub const fn descriptor(&self) -> &Descriptor {
        match self {
            Self::Image(image) => &image.descriptor,
            Self::Index(index) => &index.descriptor,
        }
    }

    /// The images.
    pub fn images(&self) -> &[BuiltImage] {
        match self {
            Self::Image(image) => std::slice::from_ref(image),
            Self::Index(index) => &index.images,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Description {
    base: Option<Text<Reference>>,
    platforms: Vec<Text<Platform>>,
    created: Option<Text<Time>>,
    compression: Option<Text<Form>>,
    #[serde(default)]
    layers: Vec<LayerDescription>,
    #[serde(default)]
    config: ConfigDescription,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct LayerDescription {
    directory: Option<PathBuf>,
    file: Option<PathBuf>,
    tar: Option<PathBuf>,
    to: Option<String>,
    owner: Option<Text<Owner>>,
    modes: Option<Text<Modes>>,
    times: Option<Text<Times>>,
    xattrs: Option<Text<Xattrs>>,
    #[serde(default)]
    exclude: Vec<Text<Glob>>,
    platforms: Option<Vec<Text<Platform>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ConfigDescription {
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    user: Option<String>,
    working_dir: Option<String>,
    #[serde(default)]
    labels: BTreeMap<String, String>,
    #[serde(default)]
    exposed_ports: BTreeSet<String>,
    #[serde(default)]
    volumes: BTreeSet<String>,
    stop_signal: Option<String>,
}

/// A value that is written as text.
struct Text<T>(T);

impl<'de, T: FromStr<Err: std::fmt::Display>> Deserialize<'de> for Text<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(de::Error::custom)
    }
}

struct Form(Compression);

impl FromStr for Form {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "gzip" => Ok(Self(Compression::Gzip)),
            "zstd" => Ok(Self(Compression::Zstd)),
            "none" => Ok(Self(Compression::None)),
            _ => Err("write `gzip`, `zstd` or `none`"),
        }
    }
}

impl FromStr for Owner {
    type Err = &'static str;

    /// `UID:GID` or `keep`.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        let fixed = || {
            let (uid, gid) = text.split_once(':')?;
            Some(Self::Fixed { uid: uid.parse().ok()?, gid: gid.parse().ok()? })
        };
        if text == "keep" { Ok(Self::Kept) } else { fixed().ok_or("write `UID:GID` in numbers, or `keep`") }
    }
}

impl FromStr for Modes {
    type Err = &'static str;

    /// `keep`, `normal` or octal digits.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "keep" => Ok(Self::Kept),
            "normal" => Ok(Self::Normal),
            _ => match u32::from_str_radix(text, 8) {
                Ok(mode) if mode <= 0o7777 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                    Ok(Self::Fixed(mode))
                }
                _ => Err("write `keep`, `normal` or an octal mode such as `0755`"),
            },
        }
    }
}

impl FromStr for Times {
    type Err = &'static str;

    /// `created`, `clamp` or `keep`.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "created" => Ok(Self::Created),
            "clamp" => Ok(Self::Clamped),
            "keep" => Ok(Self::Kept),
            _ => Err("write `created`, `clamp` or `keep`"),
        }
    }
}

impl FromStr for Xattrs {
    type Err = &'static str;

    /// `none`, `capabilities` or `all`.
    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text {
            "none" => Ok(Self::None),
            "capabilities" => Ok(Self::Capabilities),
            "all" => Ok(Self::All),
            _ => Err("write `none`, `capabilities` or `all`"),
        }
    }
}

impl BuildFile {
    /// Reads a description; `folder` is what its paths are relative to.
    ///
    /// # Errors
    ///
    /// What is wrong with it, and where, as text.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, String> {
        let read = toml::Deserializer::parse(text).and_then(castline_core::strictly);
        let description: Description = read.map_err(|error| {
            let place =
                error.span().and_then(|span| text.get(..span.start)).map_or(String::new(), |before| {
                    let line = before.matches('\n').count() + 1;
                    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
                    format!("line {line}, column {column}: ")
                });
            format!("{place}{}", shown_whole(error.message()))
        })?;
        description.into_file(folder)
    }

    /// Reads a description in JSON, whose members have the same names; `folder` is what its paths are relative to.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidFile`] with the place of what is wrong.
    pub fn from_json(json: &[u8], folder: &Path) -> Result<Self> {
        let description: Result<Description, String> =
            castline_core::from_json(json).map_err(|error| shown_whole(&error));
        let file = description.and_then(|description| description.into_file(folder));
        file.map_err(|reason| Error::InvalidFile { path: "the description".into(), reason: reason.into() })
    }

    /// Reads the description in a file.
    ///
    /// # Errors
    ///
    /// [`Error::Io`]; [`Error::InvalidFile`] with the line of what is wrong.
    pub fn read(path: &Path) -> Result<Self> {
        use std::io::Read as _;
        const MOST: u64 = 1 << 20;
        let invalid = |reason: String| Error::InvalidFile { path: path.to_owned(), reason: reason.into() };
        let mut bytes = Vec::new();
        let file = std::fs::File::open(path).map_err(Error::io(path))?;
        file.take(MOST + 1).read_to_end(&mut bytes).map_err(Error::io(path))?;
        if bytes.len() as u64 > MOST {
            return Err(invalid("it is larger than 1 MiB".into()));
        }
        let text = String::from_utf8(bytes).map_err(|_| invalid("it is not UTF-8".into()))?;
        Self::parse(&text, path.parent().unwrap_or(Path::new(""))).map_err(invalid)
    }

    /// The same, created at this moment instead of the one that it says.
    #[must_use]
    pub fn with_created(self, created: Time) -> Self {
        self.each(|image| image.with_created(created))
    }

    /// The same with layers compressed in this way.
    #[must_use]
    pub fn with_compression(self, compression: Compression) -> Self {
        self.each(|image| image.with_compression(compression))
    }

    /// The names of the variables that images of it have, those of their base aside.
    pub fn variables(&self) -> BTreeSet<&str> {
        self.images.iter().flat_map(ImageBuilder::variables).collect()
    }

    /// The same on this many cores.
    #[must_use]
    pub fn with_jobs(self, jobs: NonZeroUsize) -> Self {
        self.each(|image| image.with_jobs(jobs))
    }

    fn each(self, change: impl FnMut(ImageBuilder) -> ImageBuilder) -> Self {
        Self { images: self.images.into_iter().map(change).collect(), ..self }
    }

    /// Builds what it describes.
    ///
    /// # Errors
    ///
    /// As [`ImageBuilder::build`].
    pub fn build(&self, layout: &LayoutWriter, watch: &Watch<'_>) -> Result<Built> {
        let mut images = Vec::with_capacity(self.images.len());
        for image in &self.images {
            images.push(image.build(layout, watch)?);
        }
        match <[BuiltImage; 1]>::try_from(images) {
            Ok([image]) => Ok(Built::Image(image)),
            Err(images) => build_index(layout, images, &self.annotations).map(Built::Index),
        }
    }
}

impl BuildFile {
    /// Builds what it describes into an OCI layout, where it gets the name that `to` has, if any, or as an OCI archive, which is
    /// there as a whole or not at all.
    ///
    /// # Errors
    ///
    /// As [`Self::build`]; [`Error::Unsupported`] for whatever else a reference may name.
    pub fn build_to(&self, to: &Reference, watch: &Watch<'_>) -> Result<Built> {
        let filled = |layout: &LayoutWriter| {
            let built = self.build(layout, watch)?;
            layout.name(to.tag(), built.descriptor())?;
            Ok(built)
        };
        let is_named = to.digest().is_none() && to.position().is_none();
        match to.transport() {
            Transport::Oci if is_named => filled(&LayoutWriter::create_or_open(to.path())?),
            Transport::OciArchive if is_named => archive_at(to.path(), watch, filled),
            _ => Err(Error::Unsupported {
                what: format!("building into `{}`", shown_whole(&to.to_string())).into(),
                advice: "build into `oci:DIR:TAG` or `oci-archive:FILE`; a registry gets what is pushed from there",
            }),
        }
    }
}

impl Description {
    fn into_file(self, folder: &Path) -> Result<BuildFile, String> {
        if self.platforms.is_empty() {
            return Err("`platforms` is empty; name at least one, such as `linux/amd64`".into());
        }
        let mut images = Vec::with_capacity(self.platforms.len());
        for (position, Text(platform)) in self.platforms.iter().enumerate() {
            if self.platforms[..position].iter().any(|Text(other)| other == platform) {
                return Err(format!("`platforms` has {platform} twice"));
            }
            let mut image = ImageBuilder::new(platform.clone());
            if let Some(Text(base)) = &self.base {
                image = image.with_base(base.clone().relative_to(folder));
            }
            if let Some(Text(created)) = self.created {
                image = image.with_created(created);
            }
            if let Some(Text(Form(compression))) = self.compression {
                image = image.with_compression(compression);
            }
            for (at, layer) in self.layers.iter().enumerate() {
                let layer_at = |reason: String| format!("layers[{at}]: {reason}");
                let source = layer.source(folder).map_err(layer_at)?;
                if layer.is_for(platform, &self.platforms).map_err(layer_at)? {
                    image = image.with_layer(source);
                }
            }
            images.push(self.config.applied(
                self.annotations.iter().fold(image, |image, (key, value)| image.with_annotation(key, value)),
            ));
        }
        Ok(BuildFile { images, annotations: self.annotations })
    }
}

impl LayerDescription {
    fn source(&self, folder: &Path) -> Result<LayerSource, String> {
        let mut source = match (&self.directory, &self.file, &self.tar) {
            (Some(path), None, None) => LayerSource::directory(folder.join(path)),
            (None, Some(path), None) => LayerSource::file(folder.join(path)),
            (None, None, Some(path)) => LayerSource::tar(folder.join(path)),
            _ => return Err("say exactly one of `directory`, `file` and `tar`".into()),
        };
        let changes = [
            ("to", self.to.is_some()),
            ("owner", self.owner.is_some()),
            ("modes", self.modes.is_some()),
            ("times", self.times.is_some()),
            ("xattrs", self.xattrs.is_some()),
            ("exclude", !self.exclude.is_empty()),
        ];
        if matches!(source.from, From::Tar(_))
            && let Some((name, _)) = changes.iter().find(|(_, given)| *given)
        {
            return Err(format!("a tar is taken as it is, so it has no `{name}`"));
        }
        if matches!(source.from, From::File(_)) && !self.exclude.is_empty() {
            return Err("a file has nothing to `exclude`".into());
        }
        source.to.clone_from(&self.to);
        source.place().map_err(|error| error.to_string())?;
        if let Some(Text(owner)) = self.owner {
            source = source.with_owner(owner);
        }
        if let Some(Text(modes)) = self.modes {
            source = source.with_modes(modes);
        }
        if let Some(Text(times)) = self.times {
            source = source.with_times(times);
        }
        if let Some(Text(xattrs)) = self.xattrs {
            source = source.with_xattrs(xattrs);
        }
        Ok(self.exclude.iter().fold(source, |source, Text(glob)| source.with_excluded(glob.clone())))
    }

    fn is_for(&self, platform: &Platform, all: &[Text<Platform>]) -> Result<bool, String> {
        let Some(platforms) = &self.platforms else { return Ok(true) };
        if let Some(Text(stray)) =
            platforms.iter().find(|Text(one)| all.iter().all(|Text(other)| other != one))
        {
            return Err(format!("it is for {stray}, which the image is not"));
        }
        Ok(platforms.iter().any(|Text(one)| one == platform))
    }
}

impl ConfigDescription {
    fn applied(&self, mut image: ImageBuilder) -> ImageBuilder {
        if let Some(entrypoint) = &self.entrypoint {
            image = image.with_entrypoint(entrypoint);
        }
        if let Some(cmd) = &self.cmd {
            image = image.with_cmd(cmd);
        }
        if let Some(user) = &self.user {
            image = image.with_user(user);
        }
        if let Some(working_dir) = &self.working_dir {
            image = image.with_working_dir(working_dir);
        }
        if let Some(signal) = &self.stop_signal {
            image = image.with_stop_signal(signal);
        }
        image = self.env.iter().fold(image, |image, (name, value)| image.with_env(name, value));
        image = self.labels.iter().fold(image, |image, (key, value)| image.with_label(key, value));
        image = self.exposed_ports.iter().fold(image, ImageBuilder::with_exposed_port);
        self.volumes.iter().fold(image, ImageBuilder::with_volume)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        BuildFile::parse(text, Path::new("")).expect_err(text)
    }

    #[test]
    fn what_is_not_known_is_refused_with_its_line() {
        for (text, part) in [
            ("platforms = [\"linux/amd64\"]\nplatfroms = []", "line 2, column 1: unknown field `platfroms`"),
            ("platforms = [\"linux\"]", "line 1, column 13: `linux` is not a platform"),
            ("platforms = []", "`platforms` is empty"),
            ("layers = []", "missing field `platforms`"),
            ("platforms = [\"linux/amd64\", \"linux/x86_64\"]", "has linux/amd64 twice"),
            ("platforms = [\"linux/amd64\"]\n[[layers]]\nto = \"/a\"", "layers[0]: say exactly one of"),
            (
                "platforms = [\"linux/amd64\"]\n[[layers]]\ntar = \"a\"\nowner = \"keep\"",
                "a tar is taken as it is",
            ),
            (
                "platforms = [\"linux/amd64\"]\n[[layers]]\nfile = \"a\"\nmodes = \"9\"",
                "line 4, column 9: write `keep`",
            ),
            (
                "platforms = [\"linux/amd64\"]\n[[layers]]\nfile = \"a\"\nto = \"/a/../b\"",
                "is no place in an image",
            ),
            (
                "platforms = [\"linux/amd64\"]\n[[layers]]\nfile = \"a\"\nplatforms = [\"linux/arm64\"]",
                "it is for linux/arm64",
            ),
            ("platforms = [\"linux/amd64\"]\n[config]\nEnv = {}", "unknown field `Env`"),
            ("platforms = [\"linux/amd64\"]\ncompression = \"xz\"", "write `gzip`, `zstd` or `none`"),
        ] {
            let message = refused(text);
            assert!(message.contains(part), "{message:?} lacks {part:?}");
        }
    }

    #[test]
    fn what_is_wrong_in_json_has_a_place_and_no_array_stands_for_an_object() {
        let platforms = r#""platforms":["linux/amd64"]"#;
        for (json, part) in [
            ("[]".to_owned(), "invalid type: sequence, expected an object"),
            (
                format!(r#"{{{platforms},"config":[["/bin/sh"]]}}"#),
                "config: invalid type: sequence, expected an object",
            ),
            (
                format!(r#"{{{platforms},"layers":[["a"]]}}"#),
                "layers[0]: invalid type: sequence, expected an object",
            ),
            (format!(r#"{{{platforms},"config":{{"cmd":"a"}}}}"#), "config.cmd: invalid type: string"),
            (
                r#"{"platforms":["linux/amd64","linux"]}"#.to_owned(),
                "platforms[1]: `linux` is not a platform",
            ),
            (format!(r#"{{{platforms},"compression":"xz"}}"#), "compression: write `gzip`, `zstd` or `none`"),
        ] {
            let error = BuildFile::from_json(json.as_bytes(), Path::new("")).expect_err(&json).to_string();
            assert!(error.contains(part), "{error:?} lacks {part:?}");
        }
        assert!(BuildFile::from_json(format!("{{{platforms}}}").as_bytes(), Path::new("")).is_ok());
    }
}
