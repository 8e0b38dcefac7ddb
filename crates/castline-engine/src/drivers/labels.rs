//! What an instance says of itself, so that a driver needs no other memory.

use std::collections::BTreeMap;

use castline_core::{Digest, Revision, rollout::Key};

/// The service.
pub(super) const SERVICE: &str = "castline.service";
/// The zone.
pub(super) const ZONE: &str = "castline.zone";
/// The slot, where it has one.
pub(super) const SLOT: &str = "castline.slot";
/// The revision that it was launched from.
pub(super) const REVISION: &str = "castline.revision";
/// The port that it was told to listen on.
#[cfg(feature = "docker")]
pub(super) const PORT: &str = "castline.port";
/// The digest by which its image was asked for.
#[cfg(feature = "docker")]
pub(super) const IMAGE: &str = "castline.image";

/// The labels of an instance that is launched by the action of this key. Those that limits count by come after the release's, and
/// nobody's come after these.
pub(super) fn of(
    key: &Key,
    (service, zone, slot): (&str, &str, Option<&str>),
    revision: &Revision,
    others: impl IntoIterator<Item = (String, String)>,
) -> BTreeMap<String, String> {
    let mut labels: BTreeMap<String, String> = others.into_iter().collect();
    let own = [(Key::LABEL, &*key.0), (SERVICE, service), (ZONE, zone)];
    labels.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
    labels.insert(REVISION.to_owned(), revision.to_string());
    match slot {
        Some(slot) => drop(labels.insert(SLOT.to_owned(), slot.to_owned())),
        None => drop(labels.remove(SLOT)),
    }
    labels
}

/// A name for what the action of this key launches: always the same, and good for a folder and a container. Keys of two services
/// differ, so that the service in it is for people only.
pub(super) fn name(service: &str, key: &Key) -> String {
    let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' };
    let service: String = service.chars().take(24).map(plain).collect();
    let service = service.trim_matches('-');
    let digits: String = Digest::of(key.0.as_bytes()).encoded().chars().take(16).collect();
    format!("{}-{digits}", if service.is_empty() { "castline" } else { service })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn names_are_good_for_folders_whatever_the_service_is_called() {
        let key = Key(Arc::from("abc-0-1-0"));
        let digits = &Digest::of(b"abc-0-1-0").encoded()[..16];
        for (service, start) in
            [("web", "web"), ("../../etc", "etc"), ("Ünï/x y", "n--x-y"), ("//", "castline")]
        {
            assert_eq!(name(service, &key), format!("{start}-{digits}"));
        }
        assert!(name(&"x".repeat(1000), &key).len() < 64);
    }

    #[test]
    fn nobody_can_say_that_an_instance_comes_from_another_launch() {
        let revision = format!("1@{}", Digest::of(b"")).parse().expect("a revision");
        let others = [(Key::LABEL, "other"), (SLOT, "7"), ("rack", "a")];
        let others = others.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let labels = of(&Key(Arc::from("k")), ("web", "z", None), &revision, others);
        assert_eq!(labels.get(Key::LABEL).map(String::as_str), Some("k"));
        assert_eq!(labels.get(SLOT), None);
        assert_eq!(labels.get("rack").map(String::as_str), Some("a"));
    }
}
