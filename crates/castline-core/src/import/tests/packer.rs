use serde_json::{Value, json};

use super::{json, refusal};
use crate::{
    Release,
    import::{PackerOptions, packer},
};

const MANIFEST: &[u8] = include_bytes!("../testdata/packer.json");

#[test]
fn the_images_of_the_last_run_are_taken_with_where_they_came_from() {
    let found = packer(MANIFEST, &PackerOptions::default()).expect("a manifest");
    let ids: Vec<_> = found.images.iter().map(|image| format!("{} {}", image.provider, image.id)).collect();
    assert_eq!(ids, ["aws ami-0abcdef1234567890", "aws ami-0fedcba9876543210", "gce web-1763938200"]);
    assert_eq!(found.notes, ["builds by `docker` are no provider's images, and are left out: `box`"]);
    let of = &found.images[0].provenance;
    let told: Vec<_> = of.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(
        told,
        [
            "build=web",
            "builder=amazon-ebs",
            "builtAt=2025-11-23T22:50:00Z",
            "custom.commit=9fceb02",
            "region=eu-west-1",
            "run=6d5d3185-fa95-44e1-8775-9e64fe2e2d8f",
            "tool=packer",
        ]
    );
    let image = found.images[0].clone();
    assert!(Release::of_provider_image("web", image, 3).is_ok());
}

#[test]
fn options_narrow_the_choice_to_one() {
    let only = |options: PackerOptions| packer(MANIFEST, &options).expect("a manifest").only();
    let default = PackerOptions::default;
    assert_eq!(only(default().with_region("us-east-1")).expect("one").id, "ami-0fedcba9876543210");
    let old = default().with_run("0f5d3185-fa95-44e1-8775-9e64fe2e2d80");
    assert_eq!(only(old).expect("one").id, "ami-0000000000000000a");
    let said = refusal(only(default()));
    assert!(said.contains("it has 3: `ami-0abcdef1234567890` (build `web`, region `eu-west-1`)"), "{said}");
    assert!(refusal(only(default().with_build("box"))).contains("nothing of what was built"));
    assert!(refusal(only(default().with_region("mars-1"))).contains("nothing of what was built"));
}

#[test]
fn faults_name_their_place() {
    let build = |member: &str, value: Value| {
        let mut build = json!({"name": "web", "builder_type": "amazon-ebs", "packer_run_uuid": "1",
            "artifact_id": "eu-west-1:ami-0a"});
        build[member] = value;
        json(&json!({"builds": [build], "last_run_uuid": "1"}))
    };
    for (bytes, said) in [
        (b"[]".to_vec(), "an array, not an object"),
        (b"{}".to_vec(), "there is no `last_run_uuid`"),
        (b"{\"last_run_uuid\": \"1\"}".to_vec(), "there is no `builds`"),
        (b"{\"last_run_uuid\": \"1\", \"builds\": []}".to_vec(), "`builds` has none of the run `1`"),
        (build("builder_type", Value::Null), "builds[0]: there is no `builder_type`"),
        (build("artifact_id", json!(7)), "builds[0].artifact_id: a number, not a string"),
        (build("artifact_id", json!("ami-0a")), "builds[0]: `artifact_id` has `ami-0a`, which is not"),
        (build("artifact_id", json!("eu-west-1:snap-0a")), "which is not `REGION:ami-…`"),
        (build("artifact_id", json!("a:ami-1,a:ami-2")), "builds[0]: `artifact_id` has two images in `a`"),
        (build("custom_data", json!({"a": 1})), "builds[0].custom_data.a: a number, not a string"),
        (build("build_time", json!("now")), "builds[0].build_time: a string, not a number"),
        (
            build("build_time", json!(253_402_300_800_u64)),
            "builds[0].build_time: `253402300800000 milliseconds since 1970` is not a moment",
        ),
    ] {
        let message = refusal(packer(&bytes, &PackerOptions::default()));
        assert!(message.contains(said), "{message}");
    }
}
