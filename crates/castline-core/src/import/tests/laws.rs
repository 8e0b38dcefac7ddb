use proptest::prelude::*;
use serde_json::Value;

use super::json;
use crate::{
    Document,
    import::{
        DockerOptions, Import, KubernetesOptions, PackerOptions, Services, aws, docker, kubernetes, packer,
    },
};

const KUBERNETES: &[u8] = include_bytes!("../testdata/kubernetes.json");
const DOCKER: &[u8] = include_bytes!("../testdata/docker.json");
const INSTANCES: &[u8] = include_bytes!("../testdata/aws-instances.json");
const GROUPS: &[u8] = include_bytes!("../testdata/aws-groups.json");
const PACKER: &[u8] = include_bytes!("../testdata/packer.json");

/// Reads the bytes as all that they could be. What is taken over can be written down and read again.
fn import(bytes: &[u8]) {
    let services =
        [Services::Workload, Services::Qualified, Services::Label("app".into()), Services::One("x".into())];
    for services in services {
        let found = [
            kubernetes(&[bytes], &KubernetesOptions::default().with_services(services.clone())),
            docker(&[bytes], &DockerOptions::default().with_services(services.clone())),
            aws(&[bytes], &services),
        ];
        for service in found.into_iter().flatten().flat_map(|import| import.services.into_values()) {
            assert_eq!(
                crate::Fleet::from_json(&service.fleet.to_canonical()).expect("its own form"),
                service.fleet
            );
            assert!(service.policy.is_none_or(|policy| policy.validate().is_ok()));
        }
    }
    let _ = packer(bytes, &PackerOptions::default());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-zA-Z0-9%:/@., =-]{0,12}|.{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Places of the value, in the order of a walk.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(members) => members.values().map(count).sum(),
        _ => 0,
    }
}

/// Puts something else at one place.
fn replace(value: &mut Value, place: &mut usize, by: &Value) {
    if *place == 0 {
        *value = by.clone();
        *place = usize::MAX;
        return;
    }
    *place -= 1;
    let inside: Vec<&mut Value> = match value {
        Value::Array(items) => items.iter_mut().collect(),
        Value::Object(members) => members.values_mut().collect(),
        _ => Vec::new(),
    };
    for value in inside {
        if *place != usize::MAX {
            replace(value, place, by);
        }
    }
}

fn shuffled(bytes: &[u8], at: &str, keys: &[u32]) -> Vec<u8> {
    let mut document: Value = serde_json::from_slice(bytes).expect("JSON");
    let list = if at.is_empty() { Some(&mut document) } else { document.pointer_mut(at) };
    let items = list.and_then(Value::as_array_mut).expect("a list");
    let mut keyed: Vec<_> = items.drain(..).zip(keys.iter().cycle()).collect();
    keyed.sort_by_key(|(_, key)| **key);
    items.extend(keyed.into_iter().map(|(item, _)| item));
    json(&document)
}

proptest! {
    #[test]
    fn any_bytes_are_an_import_or_an_error(bytes in any::<Vec<u8>>()) {
        import(&bytes);
    }

    #[test]
    fn any_json_is_an_import_or_an_error(value in any_json()) {
        import(&json(&value));
    }

    #[test]
    fn a_document_with_anything_in_any_place_is_an_import_or_an_error(
        which in 0..5usize,
        place in any::<prop::sample::Index>(),
        by in any_json(),
    ) {
        let mut document: Value =
            serde_json::from_slice([KUBERNETES, DOCKER, INSTANCES, GROUPS, PACKER][which]).expect("JSON");
        let mut place = place.index(count(&document));
        replace(&mut document, &mut place, &by);
        import(&json(&document));
    }

    #[test]
    fn the_order_of_items_does_not_matter(keys in prop::collection::vec(any::<u32>(), 40)) {
        let same = |one: Import, other: Import| {
            for (name, service) in &one.services {
                assert_eq!(service.fleet.digest(), other.services[name].fleet.digest());
            }
            assert_eq!(one, other);
        };
        let options = KubernetesOptions::default();
        let of = |bytes: &[u8]| kubernetes(&[bytes], &options).expect("a list");
        same(of(KUBERNETES), of(&shuffled(KUBERNETES, "/items", &keys)));
        let of = |bytes: &[u8]| docker(&[bytes], &DockerOptions::default()).expect("a list");
        same(of(DOCKER), of(&shuffled(DOCKER, "", &keys)));
        let of = |one: &[u8], other: &[u8]| aws(&[one, other], &Services::Workload).expect("both");
        let groups = shuffled(GROUPS, "/AutoScalingGroups/0/Instances", &keys);
        same(of(INSTANCES, GROUPS), of(&groups, &shuffled(INSTANCES, "/Reservations", &keys)));
        let of = |bytes: &[u8]| packer(bytes, &PackerOptions::default()).expect("a manifest");
        assert_eq!(of(PACKER), of(&shuffled(PACKER, "/builds", &keys)));
    }
}
