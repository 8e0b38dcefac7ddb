mod aws;
mod docker;
mod kubernetes;
mod laws;
mod packer;

use super::*;

/// One line for each instance: service, name, phase, health, zone, start of the image.
fn lines(import: &Import) -> Vec<String> {
    let line = |(service, found): (&String, &Service)| -> Vec<String> {
        let of = |instance: &crate::Instance| {
            let name = instance.label(NAME).unwrap_or(&instance.id);
            let image = instance.image.rsplit(['@', '/']).next().unwrap_or_default();
            let image: String = image.chars().take(10).collect();
            let zone = if instance.zone.is_empty() { "-" } else { &instance.zone };
            format!("{service} {name} {:?} {:?} {zone} {image}", instance.phase, instance.health)
                .trim_end()
                .to_owned()
        };
        found.fleet.instances().iter().map(of).collect()
    };
    let mut lines: Vec<String> = import.services.iter().flat_map(line).collect();
    lines.sort();
    lines
}

/// What is said of bytes that are refused.
fn refusal<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.expect_err("it should be refused").to_string()
}

fn json(value: &serde_json::Value) -> Vec<u8> {
    serde_json::to_vec(value).expect("JSON")
}
