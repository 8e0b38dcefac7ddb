use std::collections::BTreeMap;

use serde::Deserialize;

use super::from_json;
use crate::{Document, Fleet, Release, ledger::Entry, plan::Plan, policy::Policy, rollout::Event};

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Outer {
    #[serde(default)]
    one: Option<Inner>,
    #[serde(default)]
    list: Vec<Inner>,
    #[serde(default)]
    map: BTreeMap<String, Inner>,
    #[serde(default)]
    kind: Option<Kind>,
    #[serde(default)]
    pair: Option<(u8, Inner)>,
    #[serde(default)]
    wrapped: Option<Wrapped>,
    #[serde(default)]
    either: Option<Either>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inner {
    number: u8,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Wrapped(Inner);

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Kind {
    Unit,
    Named { number: u8 },
    New(Inner),
    Tuple(u8, Inner),
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Either {
    Text(String),
    Number(u8),
}

fn place_of(json: &str) -> String {
    let error = from_json::<Outer>(json.as_bytes()).expect_err(json);
    let (place, _) = error.split_once(": ").unwrap_or_default();
    place.to_owned()
}

#[test]
fn what_is_right_is_read_as_ever() {
    for json in [
        "{}",
        r#"{"one":null}"#,
        r#"{"one":{"number":1},"list":[{"number":1}],"map":{"a b":{"number":1},"\u00e4":{"number":2}}}"#,
        r#"{"kind":"unit"}"#,
        r#"{"kind":{"named":{"number":1}}}"#,
        r#"{"kind":{"new":{"number":1}}}"#,
        r#"{"kind":{"tuple":[1,{"number":1}]}}"#,
        r#"{"pair":[1,{"number":1}],"wrapped":{"number":1}}"#,
        r#"{"either":"a"}"#,
        r#" {"either" : 1} "#,
    ] {
        let plain: Outer = serde_json::from_str(json).expect(json);
        assert_eq!(from_json::<Outer>(json.as_bytes()), Ok(plain), "{json}");
    }
}

#[test]
fn no_array_stands_for_an_object() {
    for (json, place) in [
        (r#"{"one":[1]}"#, "one"),
        (r#"{"list":[{"number":1},[1]]}"#, "list[1]"),
        (r#"{"map":{"a":[1]}}"#, "map.a"),
        (r#"{"kind":{"named":[1]}}"#, "kind.named"),
        (r#"{"kind":{"new":[1]}}"#, "kind.new"),
        (r#"{"kind":{"tuple":[1,[1]]}}"#, "kind.tuple[1]"),
        (r#"{"pair":[1,[1]]}"#, "pair[1]"),
        (r#"{"wrapped":[1]}"#, "wrapped"),
    ] {
        assert!(serde_json::from_str::<Outer>(json).is_ok(), "{json} is what serde takes");
        let error = from_json::<Outer>(json.as_bytes()).expect_err(json);
        let expected = format!("{place}: invalid type: sequence, expected an object at line 1 column ");
        assert!(error.starts_with(&expected), "{error}");
    }
    let whole = from_json::<Outer>(b"[]").expect_err("an array");
    assert!(whole.starts_with("invalid type: sequence, expected an object at line 1"), "{whole}");
}

#[test]
fn what_is_wrong_has_a_place() {
    for (json, place) in [
        (r#"{"one":{"number":"1"}}"#, "one.number"),
        (r#"{"one":{"number":256}}"#, "one.number"),
        (r#"{"one":{}}"#, "one"),
        (r#"{"one":{"number":1,"other":2}}"#, "one"),
        (r#"{"one":{"number":1,"number":2}}"#, "one"),
        (r#"{"list":{}}"#, "list"),
        (r#"{"list":[{"number":1},{"number":{}}]}"#, "list[1].number"),
        (r#"{"map":{"a/b":{"number":{}}}}"#, r#"map["a/b"].number"#),
        (r#"{"map":{"\u00e4":{"number":{}}}}"#, "map.ä.number"),
        (r#"{"map":{"\u001b":{"number":{}}}}"#, r#"map["\u{1b}"].number"#),
        (r#"{"map":{"":1}}"#, r#"map[""]"#),
        (r#"{"kind":{"named":{"number":{}}}}"#, "kind.named.number"),
        (r#"{"kind":"none"}"#, "kind"),
        (r#"{"kind":{"none":1}}"#, "kind"),
        (r#"{"either":{}}"#, "either"),
        (r#"{"list":[{"number":1},"#, "list[1]"),
    ] {
        assert_eq!(place_of(json), place, "{json}");
    }
    for json in ["{", "{}{}", "nothing", r#"{"other":1}"#] {
        let plain = serde_json::from_str::<Outer>(json).expect_err(json).to_string();
        assert_eq!(from_json::<Outer>(json.as_bytes()), Err(plain), "nothing comes before it");
    }
}

fn refused<D: Document + std::fmt::Debug>(json: &str) -> String {
    D::from_json(json.as_bytes()).expect_err(json).to_string()
}

#[test]
fn no_document_takes_an_array_for_an_object() {
    let image = r#"{"provider":{"provider":"aws","id":"ami-1","provenance":{"a":"b"}}}"#;
    let release = |image: &str, spec: &str| {
        format!(r#"{{"service":"web","replicas":1,"image":{image},"spec":{spec}}}"#)
    };
    assert!(Release::from_json(release(image, "{}").as_bytes()).is_ok());
    let entry = |record: &str| {
        let text = r#""version":1,"sequence":0,"at":"2026-11-23T22:50:00Z","actor":"me""#;
        format!(r#"{{{text},"record":{record}}}"#)
    };
    assert!(Entry::from_json(entry(r#"{"kind":"note","text":"a"}"#).as_bytes()).is_ok());
    let in_record = format!(r#"{{"kind":"release","release":{}}}"#, release(image, "[]"));
    for (error, place) in [
        (refused::<Release>("[]"), ""),
        (refused::<Release>(&release(image, "[]")), "spec: "),
        (refused::<Release>(&release(image, r#"{"health":[["/bin/check"],1000]}"#)), "spec.health: "),
        (refused::<Release>(&release(image, r#"{"mounts":{"/a":["b",true]}}"#)), r#"spec.mounts["/a"]: "#),
        (refused::<Release>(&release(r#"{"provider":["a","b",{"a":"b"}]}"#, "{}")), "image.provider: "),
        (refused::<Policy>("[]"), ""),
        (refused::<Policy>(r#"{"budgets":[[0,1]]}"#), "budgets[0]: "),
        (refused::<Fleet>(r#"["web",[]]"#), ""),
        (refused::<Fleet>(r#"{"service":"web","instances":[["a"]]}"#), "instances[0]: "),
        (refused::<Plan>(r#"{"version":1,"services":[[]],"limits":[],"stages":[]}"#), "services[0]: "),
        (refused::<Entry>("[]"), ""),
        (refused::<Entry>(&entry(r#"["note","a"]"#)), "record: "),
        (refused::<Entry>(&entry(&in_record)), "record: spec: "),
    ] {
        let expected = format!(": {place}invalid type: sequence, expected an object");
        assert!(error.contains(&expected), "{error} lacks {expected}");
    }
    let digest = format!("sha256:{}", "a".repeat(64));
    for record in [
        format!(
            r#"{{"kind":"approval","plan":"{digest}","changes":[["web","{digest}","{digest}","1@{digest}"]]}}"#
        ),
        format!(
            r#"{{"kind":"start","plan":"{digest}","changes":[["web","{digest}","{digest}","1@{digest}"]]}}"#
        ),
        format!(r#"{{"kind":"outcome","rollout":"{digest}","outcome":{{"rolledBack":[{{}}]}}}}"#),
        r#"{"kind":"verification","service":"web","verdicts":[["intact",null,"",["a"]]]}"#.to_owned(),
        format!(
            r#"{{"kind":"event","rollout":"{digest}","event":{{"at":"2026-11-23T22:50:00Z","type":"observed","fleet":["web",[]]}}}}"#
        ),
    ] {
        let error = refused::<Entry>(&entry(&record));
        assert!(error.contains("record: ") && error.contains("expected an object"), "{error}");
    }
    let event = |fleet: &str| format!(r#"{{"at":"2026-11-23T22:50:00Z","type":"observed","fleet":{fleet}}}"#);
    assert!(from_json::<Event>(event(r#"{"service":"web","instances":[{"id":"a"}]}"#).as_bytes()).is_ok());
    let error = from_json::<Event>(event(r#"{"service":"web","instances":[["a"]]}"#).as_bytes());
    assert!(error.expect_err("an array").starts_with("instances[0]: invalid type: sequence"));
}

#[test]
fn a_wrong_type_names_its_member() {
    assert_eq!(
        refused::<Policy>(r#"{"strategy":{"canary":{}}}"#),
        "this is not a valid policy: strategy.canary: invalid type: map, expected a sequence at line 1 column 22"
    );
    assert!(refused::<Policy>(r#"{"budgets":[{"maxSurge":{}}]}"#).contains(": budgets[0].maxSurge: "));
    assert!(
        refused::<Fleet>(r#"{"service":"web","instances":[{"id":"a"},{"id":"b","phase":"x"}]}"#)
            .contains(": instances[1].phase: unknown variant `x`")
    );
}
