//! Images in registries: `pull`, `push`, `pin`, `list`, and `docker://` wherever an image is given. Here the environment and the files
//! of Docker and containers are read; the library takes values.

use std::{
    env,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use castline::{
    Descriptor, Digest, Image, ImageKind, Options, Platforms, Report, Verification, Verified, Watch,
    sources::{
        LayoutWriter, Reference, Source, Transport,
        registry::{Credentials, Extent, Proxies, Pulled, Registry, RegistryOptions, Shipment},
    },
};
use serde::Serialize;

use crate::{
    Failure, Verdict,
    arguments::{Common, List, Network, Pin, Pull, Push},
    engine::Gate,
    output::{self, counted},
    progress::Bar,
    size,
};

/// `castline pull`: into a layout; named there once it was verified.
pub(crate) fn pull(arguments: &Pull) -> Result<Verdict, Failure> {
    let (from, to) = (&arguments.from, &arguments.to);
    if to.transport() != Transport::Oci || to.digest().is_some() || to.position().is_some() {
        return Err(format!("`{to}` is no layout to pull into; write `oci:DIR` or `oci:DIR:TAG`").into());
    }
    let options = arguments.options();
    let layout = LayoutWriter::create_or_open(to.path())?;
    let (pulled, verification) = verified(&arguments.network, from, &options, &layout)?;
    let report = verification.report;
    if report.is_intact() {
        layout.name(to.tag(), &pulled.descriptor)?;
    }
    if arguments.json {
        output::print_json(&PulledDocument {
            reference: pinned(from, &pulled.descriptor),
            digest: pulled.descriptor.digest.clone(),
            media_type: &pulled.descriptor.media_type,
            blobs: pulled.blobs,
            bytes: pulled.bytes,
            fetched_blobs: pulled.fetched_blobs,
            fetched_bytes: pulled.fetched_bytes,
            report: &report,
        })?;
    } else {
        let mut text = String::new();
        for finding in &report.findings {
            let _ = writeln!(text, "{}", output::finding(finding));
        }
        let _ = writeln!(text, "{}", pinned(from, &pulled.descriptor));
        let fetched = format!("{} of them fetched", size::shown(pulled.fetched_bytes));
        let _ = writeln!(
            text,
            "{}: {}, {}, {fetched}",
            verdict(&report),
            counted(pulled.blobs, "blob"),
            size::shown(pulled.bytes)
        );
        if !report.is_intact() {
            let _ = writeln!(text, "It was given no name in {}.", to.path().display());
        }
        output::print(&text)?;
    }
    Ok(if report.is_complete() { Verdict::Clean } else { Verdict::Findings })
}

/// `castline push`: what was verified, and nothing else.
pub(crate) fn push(arguments: &Push) -> Result<Verdict, Failure> {
    let to = &arguments.to;
    if to.transport() != Transport::Docker {
        return Err(format!("`{to}` is no place in a registry; write `docker://HOST/NAME:TAG`").into());
    }
    let common = &arguments.common;
    let options = common.options();
    let source = common.open(&options)?;
    let bar = Bar::new("verifying");
    let show = |progress| bar.show(progress);
    let verification = castline::verify(&source, &options, &Watch::none().with_progress(&show))?;
    drop(bar);
    if !verification.report.is_complete() {
        output::explain(&verification.report.findings)?;
        output::note("what is not intact, or could not be checked as a whole, is not pushed")?;
        return Ok(Verdict::Findings);
    }
    if let Some(site) = arguments.site()
        && !are_tested(site, &verification.images, &common.image)?
    {
        return Ok(Verdict::Findings);
    }
    let shipment = shipment(&verification.images, &options, &source)?;
    let registry = registry(&common.network, to)?;
    let bar = Bar::new("pushing");
    let show = |progress| bar.show(progress);
    let watch = Watch::none().with_progress(&show);
    let source = Arc::new(source);
    let pushed = runtime()?.block_on(registry.push(&shipment, &source, to, &arguments.mount, &watch))?;
    drop(bar);
    let place = pinned(to, &pushed.descriptor);
    if common.json {
        output::print_json(&PushedDocument {
            reference: place,
            digest: pushed.descriptor.digest.clone(),
            media_type: &pushed.descriptor.media_type,
            blobs: pushed.blobs,
            sent_blobs: pushed.sent_blobs,
            sent_bytes: pushed.sent_bytes,
            mounted_blobs: pushed.mounted_blobs,
        })?;
    } else {
        let sent = format!("{} sent ({})", pushed.sent_blobs, size::shown(pushed.sent_bytes));
        let blobs = counted(pushed.blobs, "blob");
        output::print(&format!("{place}\n{blobs}: {sent}, {} mounted\n", pushed.mounted_blobs))?;
    }
    Ok(Verdict::Clean)
}

/// Whether each image has passed the site's test, where there is one. What has not is said. What nobody can launch, such as a
/// signature, needs no test.
fn are_tested(site: &Path, images: &[Verified<Image>], from: &Reference) -> Result<bool, Failure> {
    let Some(gate) = Gate::of_site(site)? else { return Ok(true) };
    let mut release = None;
    for image in images.iter().filter(|image| image.kind() == ImageKind::Image) {
        let Some(refusal) = gate.refusal(&image.identities()) else { continue };
        let platform = image.platform().filter(|_| images.len() > 1);
        let of = platform.map_or(String::new(), |platform| format!(" for {platform}"));
        output::note(&format!("nothing was pushed: the image {}{of} {refusal}", image.digest()))?;
        let platform = platform.map_or(String::new(), |platform| format!(" --platform {platform}"));
        release
            .get_or_insert_with(|| format!("castline release {from}{platform} --service NAME --replicas 1"));
    }
    let Some(release) = release else { return Ok(true) };
    output::note(&format!(
        "test it, as {} asks: {release} > release.json && castline test --release release.json; or push it all the same by --untested",
        site.display()
    ))?;
    Ok(false)
}

/// One platform was asked for: its image alone. Else all, as the index holds them.
fn shipment(images: &[Verified<Image>], options: &Options, source: &Source) -> Result<Shipment, Failure> {
    Ok(match (&options.platforms, images) {
        (Platforms::One(_), [image]) => Shipment::of_image(image)?,
        _ => Shipment::of_images(images, source)?,
    })
}

/// `castline pin`: what a tag is now, as a digest.
pub(crate) fn pin(arguments: &Pin) -> Result<Verdict, Failure> {
    let registry = registry(&arguments.network, &arguments.image)?;
    let descriptor = runtime()?.block_on(registry.resolve(&arguments.image))?;
    if arguments.json {
        output::print_json(&PinDocument {
            reference: pinned(&arguments.image, &descriptor),
            digest: descriptor.digest.clone(),
            media_type: &descriptor.media_type,
            size: descriptor.size,
        })?;
    } else {
        output::print(&format!("{}\n", pinned(&arguments.image, &descriptor)))?;
    }
    Ok(Verdict::Clean)
}

/// `castline list`: tags, or what refers to an image.
pub(crate) fn list(arguments: &List) -> Result<Verdict, Failure> {
    let registry = registry(&arguments.network, &arguments.image)?;
    let runtime = runtime()?;
    if !arguments.referrers {
        let tags = runtime.block_on(registry.tags(&arguments.image))?;
        if arguments.json {
            output::print_json(&ListDocument::Tags(&tags))?;
        } else {
            let lines: Vec<String> = tags.iter().map(|tag| castline::shown_whole(tag) + "\n").collect();
            output::print(&lines.concat())?;
        }
        return Ok(Verdict::Clean);
    }
    let wanted = arguments.artifact_type.as_deref();
    let referrers = runtime.block_on(registry.referrers(&arguments.image, wanted))?;
    if arguments.json {
        output::print_json(&ListDocument::Referrers(&referrers))?;
    } else {
        let line = |referrer: &Descriptor| {
            let kind = referrer.artifact_type.as_deref().unwrap_or(&referrer.media_type);
            format!("{} {}\n", referrer.digest, castline::shown_whole(kind))
        };
        output::print(&referrers.iter().map(line).collect::<String>())?;
    }
    Ok(Verdict::Clean)
}

/// Pulls `common`'s image into the cache, and opens it there.
pub(crate) fn open(common: &Common, options: &Options) -> Result<Source, Failure> {
    let network = &common.network;
    let layout = cached(network)?;
    let extent = if common.documents_only { Extent::Documents } else { Extent::Everything };
    let pulled = brought(network, &common.image, &options.platforms, extent, &layout)?;
    Ok(Source::Pulled(pulled.image(&layout, &common.image)?))
}

/// Pulls `common`'s image into the cache, and verifies it on the way.
pub(crate) fn verify(common: &Common, options: &Options) -> Result<Verification, Failure> {
    Ok(verified(&common.network, &common.image, options, &cached(&common.network)?)?.1)
}

fn verified(
    network: &Network,
    from: &Reference,
    options: &Options,
    layout: &LayoutWriter,
) -> Result<(Pulled, Verification), Failure> {
    let registry = registry(network, from)?;
    let bar = Bar::new("pulling and verifying");
    let show = |progress| bar.show(progress);
    let watch = Watch::none().with_progress(&show);
    Ok(runtime()?.block_on(registry.pull_verified(from, options, layout, &watch))?)
}

fn brought(
    network: &Network,
    from: &Reference,
    platforms: &Platforms,
    extent: Extent,
    layout: &LayoutWriter,
) -> Result<Pulled, Failure> {
    let registry = registry(network, from)?;
    let bar = Bar::new("pulling");
    let show = |progress| bar.show(progress);
    let watch = Watch::none().with_progress(&show);
    Ok(runtime()?.block_on(registry.pull(from, platforms, extent, layout, &watch))?)
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()
}

/// `docker://HOST/NAME@DIGEST`: without a tag, which may be moved.
fn pinned(reference: &Reference, descriptor: &Descriptor) -> String {
    format!("docker://{}@{}", reference.path().display(), descriptor.digest)
}

fn verdict(report: &Report) -> &'static str {
    match (report.is_intact(), report.is_complete()) {
        (false, _) => "NOT INTACT",
        (true, false) => "INCOMPLETE",
        (true, true) => "intact",
    }
}

/// Speaks to the registry of `reference` as this machine's files and environment say.
fn registry(network: &Network, reference: &Reference) -> Result<Registry, Failure> {
    let host = reference.path().to_string_lossy();
    let host = host.split('/').next().unwrap_or_default();
    let variable = |name: &str| env::var(name).or_else(|_| env::var(name.to_lowercase())).ok();
    let except = variable("NO_PROXY").unwrap_or_default();
    let proxies =
        Proxies::new(variable("HTTPS_PROXY").as_deref(), variable("HTTP_PROXY").as_deref(), &except);
    let mut options = RegistryOptions::default()
        .with_credentials(credentials(network)?)
        .with_plain_http(network.plain_http)
        .with_proxies(proxies);
    let mut authorities = network.authority.clone();
    let own = env::var_os("HOME").map(|home| Path::new(&home).join(".config/containers/certs.d"));
    for folder in own.into_iter().chain(["/etc/containers/certs.d", "/etc/docker/certs.d"].map(PathBuf::from))
    {
        authorities.extend(authorities_of(&folder, host));
    }
    for path in authorities {
        options = options.with_authorities(fs::read(&path).map_err(|error| at(&path, &error))?);
    }
    Ok(Registry::new(options)?)
}

/// Certificates that Docker and containers-certs.d(5) trust for a host: all that end in `.crt`. Those that they show of
/// themselves (`.cert` and `.key`) are not used.
fn authorities_of(folder: &Path, host: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder.join(host)) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|ending| ending == "crt")).collect();
    paths.sort();
    paths
}

/// What containers-auth.json(5) and Docker keep, in this order; one that was asked for has to be there.
fn credentials(network: &Network) -> Result<Credentials, Failure> {
    let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = network.authfile.clone().or_else(|| folder("REGISTRY_AUTH_FILE")) {
        return read_credentials(&path)?
            .ok_or_else(|| format!("{}: there is no such file", path.display()).into());
    }
    let containers = folder("XDG_RUNTIME_DIR").map(|folder| folder.join("containers/auth.json"));
    let docker = folder("DOCKER_CONFIG").or_else(|| Some(folder("HOME")?.join(".docker")));
    let docker = docker.map(|folder| folder.join("config.json"));
    let mut credentials = Credentials::none();
    for path in [containers, docker].into_iter().flatten() {
        if let Some(more) = read_credentials(&path)? {
            credentials = credentials.or(more);
        }
    }
    Ok(credentials)
}

fn read_credentials(path: &Path) -> Result<Option<Credentials>, Failure> {
    match fs::read(path) {
        Ok(bytes) => {
            let credentials = Credentials::from_json(&bytes);
            Ok(Some(credentials.map_err(|error| format!("{}: {error}", path.display()))?))
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(at(path, &error).into()),
    }
}

fn at(path: &Path, error: &io::Error) -> String {
    format!("{}: {error}", path.display())
}

fn cached(network: &Network) -> Result<LayoutWriter, Failure> {
    Ok(LayoutWriter::create_or_open(cache(network)?)?)
}

/// Where images are kept that were pulled to be looked at.
fn cache(network: &Network) -> Result<PathBuf, Failure> {
    let folder = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = network.image_cache.clone().or_else(|| folder("CASTLINE_IMAGE_CACHE")) {
        return Ok(path);
    }
    let caches = folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache")));
    let caches = caches.ok_or("there is no folder for what is pulled: give --image-cache DIR")?;
    Ok(caches.join("castline/images"))
}

/// What `castline pull --json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Pull"))]
#[serde(rename_all = "camelCase")]
struct PulledDocument<'a> {
    /// The image by its digest, `docker://HOST/NAME@DIGEST`.
    reference: String,
    /// The digest of its manifest or index.
    digest: Digest,
    /// What that is.
    media_type: &'a str,
    /// How many blobs it has, documents among them.
    blobs: u64,
    /// How many bytes these have.
    bytes: u64,
    /// How many of them were not in the layout.
    fetched_blobs: u64,
    /// How many bytes came.
    fetched_bytes: u64,
    /// What its verification found. Only what is intact was given a name in the layout.
    report: &'a Report,
}

/// What `castline push --json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Push"))]
#[serde(rename_all = "camelCase")]
struct PushedDocument<'a> {
    /// The image by its digest, `docker://HOST/NAME@DIGEST`.
    reference: String,
    /// The digest of its manifest or index.
    digest: Digest,
    /// What that is.
    media_type: &'a str,
    /// How many blobs it has.
    blobs: u64,
    /// How many of them the registry did not have.
    sent_blobs: u64,
    /// How many bytes went.
    sent_bytes: u64,
    /// How many the registry took from another of its repositories.
    mounted_blobs: u64,
}

/// What `castline pin --json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Pin"))]
#[serde(rename_all = "camelCase")]
struct PinDocument<'a> {
    /// The image by its digest, `docker://HOST/NAME@DIGEST`.
    reference: String,
    /// The digest of its manifest or index.
    digest: Digest,
    /// What that is.
    media_type: &'a str,
    /// How many bytes it has.
    size: u64,
}

/// What `castline list --json` prints.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "List"))]
#[serde(untagged)]
enum ListDocument<'a> {
    /// The tags of a repository.
    Tags(&'a [String]),
    /// What refers to an image.
    Referrers(&'a [Descriptor]),
}

/// The schemas of what these commands print as JSON, by the names of their files.
#[cfg(test)]
pub(crate) fn schemas() -> [(&'static str, schemars::Schema); 4] {
    use schemars::schema_for;
    [
        ("list.json", schema_for!(ListDocument<'_>)),
        ("pin.json", schema_for!(PinDocument<'_>)),
        ("pull.json", schema_for!(PulledDocument<'_>)),
        ("push.json", schema_for!(PushedDocument<'_>)),
    ]
}
