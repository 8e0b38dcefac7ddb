use super::*;

#[test]
fn images_are_kept_as_long_as_something_may_need_them() {
    let ran =
        |image: char| [format!("record {image}"), format!("start {image} {image}"), format!("ok {image}")];
    let well: Vec<String> = ['a', 'b', 'c', 'd'].into_iter().flat_map(ran).collect();
    let well: Vec<&str> = well.iter().map(String::as_str).collect();
    for (name, more, keep, kept) in [
        ("at least one to go back to", &[][..], 0, "cd"),
        ("one to go back to", &[], 1, "cd"),
        ("two to go back to", &[], 2, "bcd"),
        ("more than there are", &[], usize::MAX, "abcd"),
        ("what was recorded since", &["record e"], 1, "cde"),
        ("what was approved of since", &["record e", "approve e"], 1, "cde"),
        ("what is under way", &["record e", "start e e"], 1, "cde"),
        ("what failed may still run", &["record e", "start e e", "failed e"], 1, "cde"),
        ("what is paused", &["record e", "start e e", "paused e"], 1, "cde"),
        ("what failed is gone", &["record e", "start e e", "failed e", "start f d", "ok f"], 1, "cd"),
        (
            "what has no end, however long ago",
            &["record e", "start e e", "record f", "start f f", "ok f"],
            1,
            "def",
        ),
        (
            "what was stopped, and ended",
            &["record e", "start e e", "aborted e", "start f d", "ok f"],
            1,
            "cd",
        ),
        ("what was gone back from does not count", &["start e c of d"], 1, "bcd"),
    ] {
        let needed = told(&[&well[..], more].concat()).images_needed(keep);
        let images = ["a", "b", "c", "d", "e", "f"];
        let found: String = images.into_iter().filter(|image| needed.has(&digest(image))).collect();
        assert_eq!(found, kept, "{name}");
        assert!(found.chars().all(|image| needed.has(&digest(&format!("index of {image}")))), "{name}");
        assert_eq!(needed.unknown.len(), 0, "{name}");
    }
}

#[test]
fn where_a_needed_release_is_unknown_every_image_is_needed() {
    let needed = told(&["record a", "start 1 a", "ok 1", "start 2 b"]).images_needed(1);
    assert_eq!(needed.unknown.len(), 1);
    assert!(needed.has(&digest("anything")));
}

#[test]
fn images_of_providers_are_kept_by_their_names() {
    let image = |id: &str| crate::ProviderImage {
        provider: "aws".into(),
        id: id.into(),
        provenance: BTreeMap::from([("builder".into(), "packer".into())]),
    };
    let release = Release::of_provider_image("web", image("ami-1"), 3).expect("a release").into();
    let ledger = Ledger::default().append(Time::default(), "ann", Record::Release { release });
    let needed = ledger.expect("it can be read again").images_needed(1);
    assert!(needed.has_of_provider(&image("ami-1")) && !needed.has_of_provider(&image("ami-2")));
}
