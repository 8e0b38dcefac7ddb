//! The real images that `CASTLINE_TEST_IMAGES` names a folder of, with what each should give.
//!
//! The folder has an `INDEX.json`: of each image its name (that of its file or folder), format, and expected verdict.
//! It is not part of the project; tests that need it say so and pass without it.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use serde_json::Value;

/// A real image.
#[derive(Clone, Debug)]
pub struct RealImage {
    /// What it is called.
    pub name: String,
    /// How it is read: `oci`, `oci-archive`, `docker-archive`.
    pub transport: &'static str,
    /// Whether only some of the platforms that its index lists are there.
    pub partial: bool,
    /// The errors that it has.
    pub errors: Vec<Expected>,
    /// The digests of the images that are in it.
    pub digests: Vec<String>,
    path: PathBuf,
}

/// An error that an image has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expected {
    /// The finding's code.
    pub code: String,
    /// What refers to the blob, where something does.
    pub place: Option<String>,
}

/// The images; `None`, said on standard error, when no folder of them is named.
///
/// # Panics
///
/// When the folder's index cannot be read.
pub fn real() -> Option<Vec<RealImage>> {
    let Some(folder) = env::var_os("CASTLINE_TEST_IMAGES").map(PathBuf::from) else {
        super::say("SKIPPED: real images. Name a folder of them in CASTLINE_TEST_IMAGES to check them.");
        return None;
    };
    let text =
        fs::read(folder.join("INDEX.json")).expect("CASTLINE_TEST_IMAGES names a folder with INDEX.json");
    let index: Value = serde_json::from_slice(&text).expect("INDEX.json is JSON");
    let entries = index.as_array().or_else(|| index["images"].as_array()).expect("INDEX.json lists images");
    Some(entries.iter().map(|entry| RealImage::read(entry, &folder)).collect())
}

impl RealImage {
    fn read(entry: &Value, folder: &Path) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let name = text(&entry["name"]).expect("an image has a name");
        let expected = &entry["expected"];
        let partial = expected["verdict"] == "partial";
        let transport = match entry["format"].as_str() {
            Some("oci-layout") => "oci",
            Some("oci-archive") => "oci-archive",
            // Both formats in one file. Only as a layout is it partial.
            Some("docker-archive+oci-layout") if partial => "oci-archive",
            Some("docker-archive" | "docker-archive+oci-layout") => "docker-archive",
            other => panic!("{name}: unknown format {other:?}"),
        };
        let errors = list(&expected["errors"]).into_iter().map(|error| Expected {
            code: text(&error["code"]).expect("an error has a code"),
            place: text(&error["where"]),
        });
        let digests = list(&expected["images"]).iter().filter_map(|image| text(&image["digest"])).collect();
        let path = folder.join(&name);
        Self { transport, partial, errors: errors.collect(), digests, path, name }
    }

    /// The file that holds the tree of the image of that digest, if there is one.
    pub fn tree(&self, encoded: &str) -> Option<PathBuf> {
        let folder = self.path.parent()?.join("merged");
        let path = folder.join(format!("{}@{}.jsonl", self.name, encoded.get(..12)?));
        path.is_file().then_some(path)
    }

    /// The reference of the image, of a copy in `scratch` where it must be repaired first: a copy of a folder may have
    /// lost its symbolic links, each being a short file now that holds the target.
    ///
    /// # Errors
    ///
    /// When the copy cannot be made.
    pub fn reference(&self, scratch: &Path) -> io::Result<String> {
        let mut links = Vec::new();
        let files = if self.transport == "oci" { files(&self.path)? } else { Vec::new() };
        for file in &files {
            if let Some(target) = lost_target(file)? {
                links.push((file, target));
            }
        }
        if links.is_empty() {
            return Ok(format!("{}:{}", self.transport, self.path.display()));
        }
        let copy = scratch.join(&self.name);
        let place = |file: &Path| copy.join(file.strip_prefix(&self.path).unwrap_or(file));
        for file in &files {
            let place = place(file);
            fs::create_dir_all(place.parent().unwrap_or(&copy))?;
            match links.iter().find(|(link, _)| *link == file) {
                Some((_, target)) => std::os::unix::fs::symlink(target, place)?,
                None => drop(fs::copy(file, place)?),
            }
        }
        Ok(format!("{}:{}", self.transport, copy.display()))
    }
}

/// Where the link led that `file` was.
fn lost_target(file: &Path) -> io::Result<Option<String>> {
    if !file.components().any(|part| part.as_os_str() == "blobs") || fs::metadata(file)?.len() > 255 {
        return Ok(None);
    }
    let target = fs::read_to_string(file).unwrap_or_default();
    let leads = |target: &String| {
        target.starts_with("../") && file.parent().is_some_and(|folder| folder.join(target).is_file())
    };
    Ok(Some(target).filter(leads))
}

/// Every file below `folder`, links to folders not followed.
pub(crate) fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}
