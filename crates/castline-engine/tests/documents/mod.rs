//! Releases and stores that several tests begin with.

use std::path::Path;

use castline_core::{
    Digest, Document as _, Fleet, Instance, Release,
    policy::{Amount, Budget, Policy},
};
use castline_engine::Wanted;
use serde_json::json;

/// The release of four copies of an image.
pub(crate) fn release(image: &str) -> Release {
    let digest = Digest::of(image.as_bytes()).to_string();
    let json = json!({"service": "web", "replicas": 4,
        "image": {"verified": {"identities": {"manifest": digest, "indexes": []}}}});
    Release::from_json(json.to_string().as_bytes()).expect("a release")
}

pub(crate) fn wanted(image: &str) -> Wanted {
    let budget = Budget::fleet(Amount::ZERO, Amount::Count(2));
    Wanted { release: release(image), policy: Policy::default().with_budget(budget) }
}

/// Instances of the first version, as the example driver keeps them.
pub(crate) fn write_old(folder: &Path) {
    std::fs::create_dir_all(folder).expect("a folder");
    for number in 1..=4 {
        let id = format!("old-{number}");
        let instance = Instance::new(&*id)
            .with_image(Digest::of(b"v1").to_string())
            .with_revision(release("v1").revision())
            .with_zone(["a", "b"][number % 2]);
        let document = json!({"service": "web", "instance": instance});
        std::fs::write(folder.join(format!("{id}.json")), document.to_string()).expect("written");
    }
}

/// All that runs is one of this image, and as many as there are to be.
pub(crate) fn assert_runs(fleet: &Fleet, image: &str) {
    let revision = release(image).revision();
    assert_eq!(fleet.instances().len(), 4, "{fleet:#?}");
    for instance in fleet.instances() {
        assert_eq!(instance.revision.as_ref(), Some(&revision), "{instance:?}");
        assert!(instance.is_available(), "{instance:?}");
    }
}
