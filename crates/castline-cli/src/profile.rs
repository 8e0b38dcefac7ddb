use castline::drift;

use crate::{Failure, Verdict, arguments::Profile, output};

/// `castline profile`: what runtimes write into their instances.
pub(crate) fn run(arguments: &Profile) -> Result<Verdict, Failure> {
    let all = || drift::Profile::NAMES.iter().filter_map(|name| drift::Profile::named(name));
    let profiles: Vec<_> = arguments.name.clone().map_or_else(|| all().collect(), |one| vec![one]);
    if arguments.json {
        output::print_json(&profiles)?;
    } else {
        let texts: Vec<String> = profiles.iter().map(ToString::to_string).collect();
        output::print(&texts.join("\n"))?;
    }
    Ok(Verdict::Clean)
}
