//! What nothing needs any more goes, from this machine, layouts and engines.

use std::{fs, path::Path};

use serde_json::{Value, json};

#[cfg(feature = "docker")]
use super::engines;
use super::{APPLY, Site};

#[test]
fn trees_that_were_set_aside_and_what_was_cut_off_are_pruned() {
    let site = Site::local();
    site.ok(&format!("apply --release v1.json {APPLY}"));
    let store = site.path("state/store");
    let image = fs::read_dir(&store).expect("a folder").flatten().map(|entry| entry.file_name());
    let image = image.map(|name| name.into_string().expect("UTF-8")).find(|name| name.starts_with("sha256-"));
    let image = image.expect("an unpacked image");
    site.write(&format!("state/store/{image}/root/bin/backdoor"), "x");
    let mut more: Value =
        serde_json::from_slice(&fs::read(site.path("v1.json")).expect("a file")).expect("JSON");
    more["replicas"] = 3.into();
    site.write("more.json", &more.to_string());
    site.ok(&format!("apply --release more.json {APPLY}"));
    let changed = format!("changed-1-{image}");
    assert!(store.join(&changed).exists());
    for name in [".new", ".gone"] {
        fs::create_dir_all(store.join(name).join("root/bin")).expect("folders");
    }
    site.write("state/store/changed-2-of-nobody", "left alone");

    let report = site.json("prune.json", "prune");
    let names: Vec<_> =
        report["leftovers"].as_array().expect("leftovers").iter().map(|one| &one["name"]).collect();
    assert_eq!(names, [".gone", ".new", &*changed]);
    assert!(report["leftovers"][2]["bytes"].as_u64().expect("a number") > 0, "{report}");
    assert!(store.join(&changed).exists(), "nothing is removed unless it is asked for");
    let text = site.ok("prune --delete");
    assert!(text.contains("a tree that somebody had changed: removed"), "{text}");
    assert!(!store.join(&changed).exists() && !store.join(".new").exists() && !store.join(".gone").exists());
    assert!(store.join("changed-2-of-nobody").exists() && store.join(&image).exists());
    assert_eq!(site.json("prune.json", "prune")["leftovers"], json!([]));
    // The instances are what they were.
    assert!(site.ok("remediate --yes").contains("3 instances looked into: none was changed"));
}

#[test]
fn a_layout_is_pruned_of_what_neither_its_names_nor_the_ledger_need() {
    let site = Site::local();
    for version in ["v1", "v2", "v3"] {
        site.ok(&format!("apply --release {version}.json {APPLY}"));
    }
    // None of them has a name any more: what keeps them is the ledger, or nothing.
    let named = fs::read_to_string(site.path("images/index.json")).expect("an index");
    site.write("images/index.json", &json!({"schemaVersion": 2, "manifests": []}).to_string());
    let blobs = || fs::read_dir(site.path("images/blobs/sha256")).expect("a folder").count();
    let all = blobs();
    let dry = "prune --keep 1 --layout oci:images";
    let report = site.json("prune.json", dry);
    let layout = &report["layouts"][0];
    // The manifest, the configuration and the layer of the first.
    assert_eq!((layout["blobs"].as_array().map(Vec::len), blobs()), (Some(3), all), "{report}");
    assert!(layout["bytes"].as_u64().expect("a number") > 0);
    assert!(site.ok(dry).contains("nothing was done; --delete does it"));
    assert_eq!(
        site.json("prune.json", "prune --layout oci:images")["layouts"][0]["blobs"],
        json!([]),
        "three are kept"
    );

    let text = site.ok(&format!("{dry} --delete"));
    assert!(text.contains("3 blobs removed"), "{text}");
    assert_eq!(blobs(), all - 3);
    assert!(site.ok("history").contains("images removed"));
    // Both that are left are whole, and what runs is what was shipped.
    site.write("images/index.json", &named);
    site.ok("rollback --yes");
    assert!(site.ok("remediate --yes").contains("2 instances looked into: none was changed"));
    let v1 = site.json("history.json", "history web")["rollouts"][0]["release"]
        .as_str()
        .expect("a digest")
        .to_owned();
    let (status, text, errors) = site.run(&format!("rollback --to {v1} --yes"));
    assert_ne!(status, 0, "its image is gone: {text}{errors}");
    site.ok("resume --abort");

    for (layout, said) in [
        ("images", "not an image reference"),
        ("oci:images:v1", "the whole layout"),
        ("oci:nowhere", "nowhere"),
    ] {
        let (status, _, errors) = site.run(&format!("prune --layout {layout}"));
        assert!(status == 2 && errors.contains(said), "{layout}: {errors}");
    }
}

/// The same of a Docker Engine: what is there before, and what a stranger uses, stays.
#[cfg(feature = "docker")]
#[test]
fn images_that_an_engine_does_not_need_any_more_are_pruned() {
    use engines::Engine;

    if !xtask::engines::available(&["busybox", "dockerd", "runc"], true) {
        return;
    }
    let (engine, site) = (Engine::docker(), Site::new());
    let url = engine.url();
    site.write(
        "castline-site.toml",
        &format!(
            "ledger = \"ledger\"\nactor = \"ann\"\n[docker]\nimages = [\"oci:images\"]\nnetwork = \"host\"\n\
             hosts = [{{ url = \"{url}\", zones = [\"a\", \"b\"] }}]\n"
        ),
    );
    site.write("policy.json", &json!({"zones": ["a", "b"], "drainSeconds": 0}).to_string());
    fs::create_dir_all(site.path("rootfs/bin")).expect("a folder");
    let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).is_file());
    fs::copy(busybox.expect("busybox"), site.path("rootfs/bin/sleep")).expect("copies");
    site.write(
        "castline.toml",
        "platforms = [\"linux/amd64\"]\n[[layers]]\ndirectory = \"rootfs\"\n[config]\nentrypoint = [\"/bin/sleep\", \"600\"]\n",
    );
    let mut ids = Vec::new();
    for version in ["v1", "v2", "v3", "v4"] {
        site.write("rootfs/version", version);
        site.ok(&format!("build -o oci:images:{version}"));
        let release = site.ok(&format!("release oci:images:{version} --service web --replicas 1"));
        site.write(&format!("{version}.json"), &release);
        let release: Value = serde_json::from_str(&release).expect("a release");
        let id = release["image"]["verified"]["identities"]["config"].as_str();
        ids.push(id.expect("a digest").to_owned());
        site.ok(&format!("apply --release {version}.json {APPLY}"));
    }
    let stranger = format!(r#"{{"Image": "{}", "HostConfig": {{"NetworkMode": "none"}}}}"#, ids[0]);
    engine.ask("POST", "/containers/create?name=stranger", &stranger);
    let there = || {
        let all = engine.ask("GET", "/images/json?all=1", "");
        ids.iter().map(|id| all.contains(id.as_str())).collect::<Vec<_>>()
    };

    assert_eq!(site.json("prune.json", "prune")["images"], json!([]), "all can be gone back to");
    let report = site.json("prune.json", "prune --keep 1");
    let one = &report["images"][0];
    assert_eq!((report["images"].as_array().map(Vec::len), &report["kept"]), (Some(1), &json!(3)));
    assert!(
        one["place"].as_str().expect("a place").contains(&url) && one["bytes"].as_u64() > Some(0),
        "{one}"
    );
    assert_eq!(there(), [true; 4], "nothing is removed unless it is asked for");
    let text = site.ok("prune --keep 1 --delete");
    assert!(text.contains("1 image removed") && text.contains("(a, b): removed"), "{text}");
    assert_eq!(there(), [true, false, true, true], "the first is used by somebody else");
    assert!(site.ok("history").contains("images removed"));

    engine.ask("DELETE", "/containers/stranger", "");
    let text = site.ok("prune --keep 1 --delete");
    assert!(text.contains("1 image removed"), "{text}");
    assert_eq!(there(), [false, false, true, true]);
    site.ok("rollback --yes");
    let none = fs::read_to_string(site.path("v3.json"))
        .expect("a release")
        .replace("\"replicas\": 1", "\"replicas\": 0");
    site.write("none.json", &none);
    site.ok(&format!("apply --release none.json {APPLY}"));
}
