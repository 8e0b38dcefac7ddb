//! Gives engines the images that they are to run.

use std::{
    fs,
    io::{self, Read},
};

use castline_core::{
    BlobName, BlobSource, Digest, Identities, Limits, Release, ReleaseImage, decode::Decompress,
    drift::identify,
};
use castline_sources::{Reference, Source, Transport};
use hyper::{Method, StatusCode, body::Bytes};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc::{Sender, channel};

use super::{
    super::{
        blocking, failed,
        images::{Images, Known, digest},
    },
    api::{Api, Pieces, escaped},
    kept::{give_mark, mark},
};
use crate::DriverError;
use std::sync::Arc;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    id: String,
}

/// The name by which an engine knows the release's image, once it has it. What was loaded or pulled is that image only if the
/// engine says so by one of the image's digests.
pub(super) async fn provide(
    api: &Api,
    images: &Arc<Images>,
    registries: &[Reference],
    release: &Release,
) -> Result<String, DriverError> {
    let digest = digest(release)?.clone();
    let ReleaseImage::Verified { identities, .. } = release.image() else {
        return Err(DriverError::permanent("the release's image is only with its provider"));
    };
    if let Some(id) = find(api, identities).await? {
        return Ok(id);
    }
    let verified = {
        let (images, release) = (Arc::clone(images), release.clone());
        blocking(move || images.of(&release)).await
    };
    let mut refused = match verified {
        Ok(known) => {
            // An archive that goes as it is brings the names that it has.
            let is_named = known.reference.transport() != Transport::DockerArchive;
            load(api, known).await?;
            if let Some(id) = find(api, identities).await? {
                return if is_named { Ok(id) } else { brought(api, id, &digest).await };
            }
            return Err(DriverError::permanent(format!(
                "the engine was given the image {digest}, and has none of its digests afterwards"
            )));
        }
        Err(error) => error.to_string(),
    };
    for registry in registries {
        match pull(api, registry, &digest).await {
            Ok(()) => match find(api, identities).await? {
                Some(id) => return brought(api, id, &digest).await,
                None => {
                    refused =
                        format!("{refused}; {registry}: what was pulled has none of the image's digests");
                }
            },
            Err(error) if error.is_temporary() => return Err(error),
            Err(error) => refused = format!("{refused}; {registry}: {error}"),
        }
    }
    Err(DriverError::permanent(refused))
}

/// Whether an engine has the release's image, or could be given it, as far as that is known without giving it: registries are not
/// asked, and an engine that does not answer may have it.
///
/// # Errors
///
/// [`DriverError::Permanent`] where none has it, and nobody could give it.
pub(super) async fn is_provided(
    apis: impl Iterator<Item = &Api>,
    images: &Arc<Images>,
    registries: &[Reference],
    release: &Release,
) -> Result<(), DriverError> {
    digest(release)?;
    let ReleaseImage::Verified { identities, .. } = release.image() else { return Ok(()) };
    if !registries.is_empty() {
        return Ok(());
    }
    for api in apis {
        if !matches!(find(api, identities).await, Ok(None)) {
            return Ok(());
        }
    }
    let (images, release) = (Arc::clone(images), release.clone());
    blocking(move || images.of(&release).map(|_| ())).await
}

/// Has the engine remember that an image was brought, so that it can be removed again.
async fn brought(api: &Api, id: String, digest: &Digest) -> Result<String, DriverError> {
    if let Err(error) = give_mark(api, &id, digest).await {
        tracing::warn!(%id, %error, "the engine does not remember who has brought it the image: nobody will remove it");
    }
    Ok(id)
}

/// The image, if the engine has it under one of its digests.
async fn find(api: &Api, identities: &Identities) -> Result<Option<String>, DriverError> {
    let digests = identities.config.iter().chain(&identities.manifest).chain(&identities.indexes);
    for digest in digests {
        match api.json::<Found>(Method::GET, &format!("/images/{digest}/json"), None).await? {
            Ok(found) if identify(&found.id, identities).is_same() => {
                let plain = found.id.contains(':');
                return Ok(Some(if plain { found.id } else { format!("sha256:{}", found.id) }));
            }
            Ok(_) => {}
            Err(refusal) if refusal.status == StatusCode::NOT_FOUND => {}
            // Podman takes only some digests for a name.
            Err(refusal) if refusal.status.is_client_error() => {}
            Err(refusal) => return Err(refusal.into()),
        }
    }
    Ok(None)
}

/// What an engine tells line by line while it works.
#[derive(Deserialize)]
struct Line {
    error: Option<String>,
}

/// Pulls by digest. An engine that fails in the middle says so in what it answers, under a status that is good.
async fn pull(api: &Api, registry: &Reference, digest: &Digest) -> Result<(), DriverError> {
    let name = registry.path().to_string_lossy();
    let path = format!("/images/create?fromImage={}&tag={}", escaped(&name), escaped(&digest.to_string()));
    listen(api, &path, None).await
}

/// Does what is told of line by line, up to its end.
async fn listen(api: &Api, path: &str, pieces: Option<Pieces>) -> Result<(), DriverError> {
    let mut body = api.send(path, pieces).await??;
    let mut line = Vec::new();
    while let Some(piece) = api.piece(&mut body, api.patience().saturating_mul(10)).await? {
        for byte in piece {
            // A line that is longer than any error is progress that nobody reads.
            if byte != b'\n' {
                if line.len() < 64 << 10 {
                    line.push(byte);
                }
                continue;
            }
            told(&line)?;
            line.clear();
        }
    }
    told(&line)
}

fn told(line: &[u8]) -> Result<(), DriverError> {
    match serde_json::from_slice(line) {
        Ok(Line { error: Some(error) }) => {
            Err(DriverError::permanent(error.chars().take(2000).collect::<String>()))
        }
        _ => Ok(()),
    }
}

/// Gives an engine an image, as `docker save` would have written it.
async fn load(api: &Api, known: Arc<Known>) -> Result<(), DriverError> {
    let (sender, receiver) = channel(4);
    let writing = tokio::task::spawn_blocking(move || {
        let written = if known.reference.transport() == Transport::DockerArchive {
            as_it_is(&known.reference, &sender)
        } else {
            known.open().and_then(|source| archive(&known, &source, &sender))
        };
        if let Err(error) = &written {
            // So that the engine does not take what it has for all.
            let _ = sender.blocking_send(Err(io::Error::other(error.to_string())));
        }
        written
    });
    let loaded = listen(api, "/images/load?quiet=1", Some(Pieces(receiver))).await;
    // If the engine did not take all of it, what it says is the reason.
    match writing.await {
        Ok(Err(error)) if loaded.is_ok() || !matches!(error, DriverError::Temporary { .. }) => Err(error),
        _ => loaded,
    }
}

/// What goes to the engine.
type Out = Sender<io::Result<Bytes>>;

fn put(out: &Out, bytes: impl Into<Bytes>) -> Result<(), DriverError> {
    out.blocking_send(Ok(bytes.into())).map_err(|_| DriverError::temporary("the engine has hung up"))
}

fn as_it_is(reference: &Reference, out: &Out) -> Result<(), DriverError> {
    let path = reference.path();
    let mut file = fs::File::open(path).map_err(failed(path.display()))?;
    copy(&mut file, u64::MAX, out, &path.display().to_string()).map(drop)
}

/// Sends up to so many bytes; how many there were.
fn copy(reader: &mut dyn Read, most: u64, out: &Out, what: &str) -> Result<u64, DriverError> {
    let mut sent = 0;
    loop {
        let mut buffer = vec![0; 128 << 10];
        let room = usize::try_from(most - sent).map_or(buffer.len(), |room| room.min(buffer.len()));
        let count = reader.read(&mut buffer[..room]).map_err(failed(what))?;
        if count == 0 {
            return Ok(sent);
        }
        buffer.truncate(count);
        sent += count as u64;
        put(out, buffer)?;
    }
}

/// An archive with the image: its configuration as it is, so that its digest stays, and its layers as they are stored. What was
/// changed since it was verified, the engine refuses: it checks layers against the configuration, and its digest is looked at after.
fn archive(known: &Known, source: &Source, out: &Out) -> Result<(), DriverError> {
    let image = &known.image;
    let unread = |what: &Digest| {
        let what = what.clone();
        move |fault: castline_core::OpenFault| DriverError::permanent(format!("{what}: {fault:?}"))
    };
    let config =
        image.config_descriptor().ok_or_else(|| DriverError::permanent("the image has no configuration"))?;
    let mut bytes = Vec::new();
    let blob = source.open(&BlobName::Digest(config.digest.clone())).map_err(unread(&config.digest))?;
    blob.reader
        .take(Limits::default().document_bytes)
        .read_to_end(&mut bytes)
        .map_err(failed(&config.digest))?;
    let name = format!("{}.json", config.digest.encoded());
    entry(out, &name, bytes.len() as u64)?;
    let length = bytes.len() as u64;
    put(out, bytes)?;
    pad(out, length)?;
    let mut layers = Vec::new();
    for (number, layer) in image.layers().iter().enumerate() {
        let name = format!("{number}/layer.tar");
        let opened = || {
            let blob = source.open(&BlobName::Digest(layer.digest.clone())).map_err(unread(&layer.digest))?;
            plain(blob.reader).map_err(failed(&layer.digest))
        };
        // Old engines do not read zstd; what it becomes has to be counted before it is sent.
        let length = match opened()? {
            (_, false) => layer.size,
            (mut reader, true) => {
                let most = Limits::default().layer_bytes;
                io::copy(&mut (&mut reader).take(most), &mut io::sink()).map_err(failed(&layer.digest))?
            }
        };
        entry(out, &name, length)?;
        let (mut reader, _) = opened()?;
        let sent = copy(&mut reader, length, out, &layer.digest.to_string())?;
        if sent < length {
            return Err(DriverError::permanent(format!("{} is shorter than it was", layer.digest)));
        }
        pad(out, length)?;
        layers.push(name);
    }
    let (repository, tag) = mark(image.digest());
    let manifest =
        json!([{"Config": name, "RepoTags": [format!("{repository}:{tag}")], "Layers": layers}]).to_string();
    let length = manifest.len() as u64;
    entry(out, "manifest.json", length)?;
    put(out, manifest)?;
    pad(out, length)?;
    put(out, vec![0; 1024])
}

/// A layer without zstd around it, and whether there was such.
fn plain<'r>(mut reader: Box<dyn Read + Send + 'r>) -> io::Result<(Box<dyn Read + Send + 'r>, bool)> {
    let mut head = Vec::with_capacity(4);
    reader.by_ref().take(4).read_to_end(&mut head)?;
    let compression = Decompress::<io::Empty>::sniff(&head);
    let whole = io::Cursor::new(head).chain(reader);
    Ok(match compression {
        castline_core::Compression::Zstd => {
            (Box::new(Decompress::new(whole, compression, &Limits::default())), true)
        }
        _ => (Box::new(whole), false),
    })
}

/// The header of a file (ustar; sizes past eight gigabytes as GNU has them).
fn entry(out: &Out, name: &str, size: u64) -> Result<(), DriverError> {
    put(out, header(name, size).to_vec())
}

fn header(name: &str, size: u64) -> [u8; 512] {
    let mut header = [0; 512];
    let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    if size < 1 << 33 {
        put(124, format!("{size:011o}\0").as_bytes());
    } else {
        put(124, &[0x80, 0, 0, 0]);
        put(128, &size.to_be_bytes());
    }
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

fn pad(out: &Out, length: u64) -> Result<(), DriverError> {
    let rest = usize::try_from(length.wrapping_neg() % 512).unwrap_or_default();
    if rest == 0 { Ok(()) } else { put(out, vec![0; rest]) }
}

#[cfg(test)]
mod tests {
    use castline_core::tar::{Entry, Limits, Parser, Visitor};

    use super::*;

    #[test]
    fn headers_are_read_as_they_are_meant() {
        #[derive(Default)]
        struct Entries(Vec<(Vec<u8>, u64)>);
        impl Visitor for Entries {
            fn entry(&mut self, entry: Entry) {
                self.0.push((entry.path, entry.size));
            }
        }
        for size in [0, 1, (1 << 33) - 1, 1 << 33, 1 << 40] {
            let mut entries = Entries::default();
            let mut parser = Parser::new(Limits::default());
            parser.feed(&header("1/layer.tar", size), &mut entries).expect("a header");
            parser.feed(&[0; 512], &mut entries).ok();
            assert_eq!(entries.0, [(b"1/layer.tar".to_vec(), size)]);
        }
    }

    #[test]
    fn an_error_in_the_middle_of_progress_is_one() {
        assert!(told(br#"{"status":"Loading layer"}"#).is_ok());
        assert!(told(b"").is_ok() && told(b"Loaded image").is_ok());
        let error = told(br#"{"errorDetail":{"message":"no"},"error":"invalid diffID"}"#).expect_err("one");
        assert_eq!((error.to_string(), error.is_temporary()), ("invalid diffID".into(), false));
    }
}
