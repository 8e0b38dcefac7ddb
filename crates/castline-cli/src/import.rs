use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use castline::{
    Document as _, Health, ProviderImage, Release,
    import::{self, DockerOptions, Import, KubernetesOptions, PackerOptions, Service},
    shown_whole,
};

use crate::{
    Failure, Verdict,
    arguments::{self, Origin, Part},
    documents, output,
};

/// `castline import`: what others print, as documents for `castline plan`.
pub(crate) fn run(arguments: &arguments::Import) -> Result<Verdict, Failure> {
    let documents: Vec<Vec<u8>> =
        arguments.files.iter().map(|path| documents::bytes(path)).collect::<Result<_, _>>()?;
    let documents: Vec<&[u8]> = documents.iter().map(Vec::as_slice).collect();
    if arguments.files.iter().filter(|path| path.as_path() == Path::new("-")).count() > 1 {
        return Err("only one document can be read from standard input".into());
    }
    let services = arguments.services.clone();
    let import = match arguments.origin {
        Origin::Packer => return packer(&documents, arguments),
        Origin::Kubernetes => {
            let options = KubernetesOptions::default().with_services(services);
            let options = match &arguments.namespace {
                Some(namespace) => options.with_namespace(namespace),
                None => options,
            };
            import::kubernetes(&documents, &options)
        }
        Origin::Docker => import::docker(&documents, &DockerOptions::default().with_services(services)),
        Origin::Aws => import::aws(&documents, &services),
    }?;
    told(&import.notes)?;
    show(import, arguments)?;
    Ok(Verdict::Clean)
}

fn told(notes: &[String]) -> Result<(), Failure> {
    notes.iter().try_for_each(|note| output::note(note)).map_err(Into::into)
}

fn show(mut import: Import, arguments: &arguments::Import) -> Result<(), Failure> {
    if let Some(name) = &arguments.service {
        import.fleet(name)?;
        import.services.retain(|service, _| service == name);
    }
    if !arguments.specs {
        import.services.values_mut().for_each(|service| service.specs = BTreeMap::new());
    }
    let only = arguments.service.as_ref().and_then(|name| import.services.get(name));
    match (arguments.get, only) {
        (Some(Part::Fleet), Some(service)) => output::print(&(service.fleet.to_json() + "\n"))?,
        (Some(Part::Policy), Some(service)) => {
            let policy =
                service.policy.as_ref().ok_or("nothing there says how its instances are to be replaced")?;
            output::print(&(policy.to_json() + "\n"))?;
        }
        _ if arguments.json => output::print_json(&import)?,
        _ => output::print(
            &import.services.iter().map(|(name, service)| text(name, service)).collect::<String>(),
        )?,
    }
    Ok(())
}

fn text(name: &str, service: &Service) -> String {
    let instances = service.fleet.instances();
    let ready = instances.iter().filter(|instance| instance.health == Health::Ready).count();
    let count = output::counted(instances.len() as u64, "instance");
    let mut text = format!("{}: {count}, {ready} ready", shown_whole(name));
    if let Some(desired) = service.desired {
        let _ = write!(text, ", {desired} wanted");
    }
    if let Some(bounds) = service.bounds {
        let _ = write!(text, " (scaled from {} to {})", bounds.min, bounds.max);
    }
    let mut images = BTreeMap::<&str, usize>::new();
    for instance in instances {
        *images.entry(&instance.image).or_default() += 1;
    }
    text.push('\n');
    for (image, count) in images {
        let image = if image.is_empty() { "an image that is not known" } else { image };
        let _ = writeln!(text, "  {count} of {}", shown_whole(image));
    }
    for budget in service.policy.iter().flat_map(|policy| &policy.budgets) {
        let budget = serde_json::to_string(budget).unwrap_or_default();
        let _ = writeln!(text, "  budget {}", shown_whole(&budget));
    }
    text
}

/// What Packer built: the images, or the release of one.
fn packer(documents: &[&[u8]], arguments: &arguments::Import) -> Result<Verdict, Failure> {
    let [manifest] = documents else { return Err("Packer writes one manifest for all that it built".into()) };
    let mut options = PackerOptions::default();
    if let Some(region) = &arguments.region {
        options = options.with_region(region);
    }
    if let Some(build) = &arguments.build {
        options = options.with_build(build);
    }
    let images = import::packer(manifest, &options)?;
    told(&images.notes)?;
    match (&arguments.service, arguments.replicas) {
        (Some(service), Some(replicas)) => {
            let image = images.only().map_err(|error| format!("{error}; see --region and --build"))?;
            let release = Release::of_provider_image(service.as_str(), image, replicas)?;
            output::print(&(release.to_json() + "\n"))?;
        }
        (Some(_), None) => return Err("add --replicas: how many instances should run".into()),
        _ if arguments.json => output::print_json(&images)?,
        _ => output::print(&images.images.iter().map(image).collect::<String>())?,
    }
    Ok(Verdict::Clean)
}

fn image(image: &ProviderImage) -> String {
    let of: Vec<String> = image.provenance.iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!("{} {}: {}\n", shown_whole(&image.provider), shown_whole(&image.id), shown_whole(&of.join(" ")))
}
