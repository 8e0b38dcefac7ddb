//! The images that castline has brought to engines, and their removal.
//!
//! An image that an engine was given or has pulled for castline gets a name there that nobody else gives, with the digest of the release
//! in it. One that was there before has none, and is not castline's to remove; nor is one that somebody has given a name of their own since.

use std::collections::BTreeSet;

use castline_core::{Algorithm, Digest};
use hyper::{Method, StatusCode};
use serde::Deserialize;

use super::{
    Host, Inner,
    api::{Api, Refusal, escaped},
};
use crate::{
    DriverError,
    kept::{KeptImage, Removal},
};

/// Repository and tag by which an engine remembers who has brought it this image.
pub(super) fn mark(digest: &Digest) -> (String, String) {
    (format!("castline/{}", digest.algorithm().name()), digest.encoded().clone())
}

/// The digest in such a name. Podman puts `localhost/` before it, or `docker.io/`.
fn marked(name: &str) -> Option<Digest> {
    let name = ["localhost/", "docker.io/"].iter().find_map(|own| name.strip_prefix(own)).unwrap_or(name);
    let digest: Digest = name.strip_prefix("castline/")?.parse().ok()?;
    (!matches!(digest.algorithm(), Algorithm::Other(_))).then_some(digest)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    id: String,
    #[serde(default)]
    parent_id: String,
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
    #[serde(default)]
    repo_digests: Option<Vec<String>>,
    #[serde(default)]
    size: u64,
}

#[derive(Deserialize)]
struct Using {
    #[serde(default, rename = "ImageID")]
    image: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
}

/// An image in an engine, all of whose names castline has given it.
struct Brought {
    digest: Digest,
    id: String,
    tags: Vec<String>,
    /// All digests that name it there.
    names: Vec<Digest>,
    bytes: u64,
    in_use: bool,
}

/// An ID, as some engines write it and others do not.
fn plain(id: &str) -> &str {
    id.strip_prefix("sha256:").unwrap_or(id)
}

impl Brought {
    fn of(listed: &Listed, used: &BTreeSet<String>) -> Option<Self> {
        let tags: Vec<String> =
            listed.repo_tags.iter().flatten().filter(|tag| *tag != "<none>:<none>").cloned().collect();
        let digests: Option<Vec<Digest>> = tags.iter().map(|tag| marked(tag)).collect();
        let mut names = digests?;
        let digest = names.first()?.clone();
        names.extend(format!("sha256:{}", plain(&listed.id)).parse().ok());
        let pulled =
            listed.repo_digests.iter().flatten().filter_map(|name| name.rsplit_once('@')?.1.parse().ok());
        names.extend(pulled);
        let in_use = used.contains(plain(&listed.id));
        Some(Self { digest, id: listed.id.clone(), tags, names, bytes: listed.size, in_use })
    }
}

impl Host {
    /// Where it is, for people: the engine and its zones.
    fn place(&self) -> String {
        format!("{} ({})", self.api.url(), self.zones.join(", "))
    }

    /// The images that castline has brought, sorted by their digests. In use are those of any container, whoever's it is and whether or not it
    /// runs, and those that other images were made from.
    async fn brought(&self) -> Result<Vec<Brought>, DriverError> {
        let containers = self.list::<Using>("/containers/json?all=1").await?;
        let images = self.list::<Listed>("/images/json?all=1").await?;
        let used = containers.iter().map(|one| &one.image).chain(images.iter().map(|one| &one.parent_id));
        let used: BTreeSet<String> = used.map(|id| plain(id).to_owned()).collect();
        let mut brought: Vec<Brought> = images.iter().filter_map(|one| Brought::of(one, &used)).collect();
        brought.sort_by(|one, other| one.digest.cmp(&other.digest));
        // Podman lists an image once for each of its names.
        brought.dedup_by(|one, other| one.id == other.id);
        Ok(brought)
    }
}

impl Inner {
    pub(super) async fn kept(&self) -> Result<Vec<KeptImage>, DriverError> {
        let mut kept = Vec::new();
        for host in &self.hosts {
            for Brought { digest, names, bytes, in_use, .. } in host.brought().await? {
                kept.push(KeptImage {
                    place: Some(host.place().into()),
                    image: digest,
                    names,
                    bytes,
                    in_use,
                });
            }
        }
        Ok(kept)
    }

    /// Removes an image by its names, and then as a whole where an engine keeps it without any. Never by force: who uses it keeps it.
    pub(super) async fn remove_kept(&self, image: &KeptImage) -> Result<Removal, DriverError> {
        let host = self.hosts.iter().find(|host| Some(&*host.place()) == image.place.as_deref());
        let host = host.ok_or_else(|| DriverError::permanent("the image is in no engine of this driver"))?;
        let Some(one) = host.brought().await?.into_iter().find(|one| one.digest == image.image) else {
            return Ok(Removal::Removed);
        };
        if one.in_use {
            return Ok(Removal::refused("something uses it by now"));
        }
        let api = &host.api;
        for tag in &one.tags {
            if let Some(refusal) = removed(api, tag).await? {
                return Ok(refusal);
            }
        }
        let path = format!("/images/{}/json", one.id);
        match api.json::<Inspected>(Method::GET, &path, None).await? {
            Err(refusal) if refusal.status == StatusCode::NOT_FOUND => return Ok(Removal::Removed),
            Err(refusal) => return Err(refusal.into()),
            Ok(seen) if seen.repo_tags.iter().flatten().any(|tag| tag != "<none>:<none>") => {
                return Ok(Removal::refused("somebody has given it another name"));
            }
            // What was pulled by its digest still has that.
            Ok(_) => {}
        }
        let Some(refusal) = removed(api, &one.id).await? else { return Ok(Removal::Removed) };
        // So that it is known the next time.
        give_mark(api, &one.id, &one.digest).await?;
        Ok(refusal)
    }
}

/// Removes a name, or an image by its ID; why not, where the engine refuses.
async fn removed(api: &Api, name: &str) -> Result<Option<Removal>, DriverError> {
    let done = api.done(Method::DELETE, &format!("/images/{name}"), std::time::Duration::ZERO).await?;
    match done {
        Ok(()) => Ok(None),
        Err(refusal) if refusal.status == StatusCode::NOT_FOUND => Ok(None),
        Err(refusal) if refusal.status == StatusCode::CONFLICT => {
            Ok(Some(Removal::refused(DriverError::from(refusal))))
        }
        Err(refusal) => Err(refusal.into()),
    }
}

/// Has the engine remember that castline has brought it this image.
pub(super) async fn give_mark(api: &Api, id: &str, digest: &Digest) -> Result<(), DriverError> {
    let (repository, tag) = mark(digest);
    let path = format!("/images/{id}/tag?repo={}&tag={tag}", escaped(&repository));
    api.done(Method::POST, &path, std::time::Duration::ZERO).await?.map_err(Refusal::into)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_castline_gives_are_known_again_and_no_others() {
        let digest = Digest::of(b"image");
        let (repository, tag) = mark(&digest);
        for name in ["", "localhost/", "docker.io/"] {
            assert_eq!(marked(&format!("{name}{repository}:{tag}")), Some(digest.clone()));
        }
        let hex = digest.encoded();
        for name in [
            format!("registry.example/castline/sha256:{hex}"),
            format!("library/castline:{hex}"),
            format!("castline/app:{hex}"),
            "castline/sha256:latest".into(),
            "castline/sha256".into(),
            "alpine:3".into(),
        ] {
            assert_eq!(marked(&name), None, "{name}");
        }
    }

    #[test]
    fn an_image_with_another_name_or_none_is_somebody_elses() {
        let digest = Digest::of(b"image");
        let (repository, tag) = mark(&digest);
        let own = format!("{repository}:{tag}");
        let listed = |tags: &[&str]| Listed {
            id: Digest::of(b"config").to_string(),
            parent_id: String::new(),
            repo_tags: Some(tags.iter().map(|&tag| tag.to_owned()).collect()),
            repo_digests: Some(vec![format!("registry.example/app@{}", Digest::of(b"manifest"))]),
            size: 7,
        };
        let used = BTreeSet::from([Digest::of(b"config").encoded().clone()]);
        assert!(Brought::of(&listed(&[&own, "app:1"]), &used).is_none());
        assert!(Brought::of(&listed(&["<none>:<none>"]), &used).is_none());
        let one = Brought::of(&listed(&[&own]), &used).expect("castline's");
        assert!(one.in_use && one.digest == digest && one.bytes == 7);
        assert_eq!(one.names, [digest, Digest::of(b"config"), Digest::of(b"manifest")]);
    }
}
