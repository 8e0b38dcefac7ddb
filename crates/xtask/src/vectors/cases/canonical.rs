//! The canonical forms of fleets, releases and policies, and what is none of them.

use serde_json::{Value, json};

use super::fleets::document;
use crate::vectors::{
    bytes::{digest, jcs, json},
    case::{Case, Section},
};

pub(super) fn sections() -> Vec<Section> {
    vec![
        Section { title: "Digests of fleets", cases: fleets() },
        Section { title: "Digests and revisions of releases", cases: releases() },
        Section { title: "Digests of policies", cases: policies() },
        Section { title: "Documents that are none", cases: invalid() },
    ]
}

fn text(value: &Value) -> String {
    String::from_utf8(json::text(value)).expect("JSON is UTF-8")
}

/// A document as somebody wrote it, and its value without what is a default.
fn written(kind: &str, name: &str, text: &str, canonical: &Value) -> Case {
    let digest = digest::of(jcs::canonical(canonical).as_bytes());
    document(&format!("{kind}-{name}"), text.into(), &[(&format!("{kind}.digest"), &digest)])
}

/// A release, which has a revision, too: that of all but the number of copies; `spec` stands even where it is empty.
fn release(name: &str, text: &str, canonical: &Value) -> Case {
    let spec = canonical.get("spec").cloned().unwrap_or_else(|| json!({}));
    let template = json!({"service": canonical["service"], "image": canonical["image"], "spec": spec});
    let revision = format!("1@{}", digest::of(jcs::canonical(&template).as_bytes()));
    let digest = digest::of(jcs::canonical(canonical).as_bytes());
    let rows = [("release.digest", digest.as_str()), ("release.revision", revision.as_str())];
    document(&format!("release-{name}"), text.into(), &rows)
}

fn fleets() -> Vec<Case> {
    let image = format!("registry.example/web@{}", digest::of(b"hello"));
    let revision = format!("1@{}", digest::of(b"revision"));
    let full = json!({"service": "web", "instances": [
        {"id": "a", "image": image, "zone": "z1", "revision": revision, "slot": "web-0", "phase": "pending",
         "health": "notReady", "integrity": "compromised", "createdAt": "2026-01-01T00:00:00Z",
         "readyAt": "2026-01-01T00:00:01.5Z", "deletionCost": -7, "labels": {"rack": "1"}},
        {"id": "b"}
    ]});
    let upside_down = format!(
        "\u{20}{{ \"instances\" : [\n\t{{\"id\":\"b\",\"zone\":\"\",\"image\":\"\",\"slot\":null,\
         \"phase\":\"running\",\"health\":\"ready\",\"integrity\":\"unknown\",\"createdAt\":null,\"readyAt\":null,\
         \"revision\":null,\"deletionCost\":0,\"labels\":{{}}}},\r\n  {{\"labels\":{{\"rack\":\"1\"}},\
         \"deletionCost\":-7,\"readyAt\":\"2026-01-01T00:00:01.500Z\",\
         \"createdAt\":\"2026-01-01T01:00:00+01:00\",\"integrity\":\"compromised\",\
         \"health\":\"notReady\",\"phase\":\"pending\",\"slot\":\"web-0\",\"revision\":\"{revision}\",\
         \"zone\":\"z\\u0031\",\"image\":\"{}\",\"id\":\"\\u0061\"}} ],\
         \"service\":\"web\"}}\n",
        image.replace('/', "\\/")
    );
    let labels = json!({"service": "web", "instances": [{"id": "a", "labels": {
        "\u{1f600}": "astral", "\u{e000}": "private", "\u{ffff}": "last", "\u{fb33}": "dalet", "\u{20ac}": "euro",
        "\r": "carriage return", "1": "one", "\u{80}": "control", "\u{f6}": "o", "o\u{308}": "not composed",
        "": "empty", "/": "slash", "\\": "backslash", "\"": "quote", "A": "capital", "aa": "longer", "a": "short",
        "values": "\0\u{1}\u{8}\t\n\u{b}\u{c}\r\u{1f}\u{7f}\u{80}\u{2028}\"\\/<&\u{1d11e}"
    }}]});
    let ids = json!({"service": "w\u{f6}b", "instances": [
        {"id": "10"}, {"id": "9"}, {"id": "B"}, {"id": "a"}, {"id": "\u{e000}"}, {"id": "\u{1f600}"}
    ]});
    let shuffled = json!({"service": "w\u{f6}b", "instances": [
        {"id": "\u{1f600}"}, {"id": "a"}, {"id": "9"}, {"id": "\u{e000}"}, {"id": "10"}, {"id": "B"}
    ]});
    let slots = json!({"service": "web", "instances": [
        {"id": "a", "slot": "s", "phase": "quarantined"}, {"id": "b", "slot": "s"}
    ]});
    vec![
        written(
            "fleet",
            "empty",
            r#"{"service":"web","instances":[]}"#,
            &json!({"service": "web", "instances": []}),
        ),
        written("fleet", "full", &text(&full), &full),
        written("fleet", "upside-down", &upside_down, &full)
            .because("white space, order, escapes and defaults that are spelled out change nothing"),
        written("fleet", "labels", &text(&labels), &labels)
            .because("keys are sorted by UTF-16 code units: U+1F600 before U+E000"),
        written("fleet", "ids", &text(&shuffled), &ids)
            .because("instances are sorted by the bytes of their ids: U+E000 before U+1F600"),
        written("fleet", "slot-of-one-in-quarantine", &text(&slots), &slots)
            .because("it is apart, and holds no slot"),
    ]
}

fn releases() -> Vec<Case> {
    let provider =
        json!({"provider": {"provider": "aws", "id": "ami-1", "provenance": {"builder": "packer"}}});
    let plain = json!({"service": "web", "image": provider, "replicas": 3});
    let (manifest, index, config) = (digest::of(b"manifest"), digest::of(b"index"), digest::of(b"config"));
    let verified = json!({
        "service": "web",
        "image": {"verified": {"identities": {"manifest": manifest, "indexes": [index], "config": config}}},
        "replicas": 10_000_000,
        "spec": {
            "env": {"B": "2", "A": "1"}, "entrypoint": ["/app"], "args": [], "user": "0:0", "workingDir": "/",
            "mounts": {"/data": {"source": "disk", "readOnly": true}}, "labels": {}
        }
    });
    let archived = json!({
        "service": "web",
        "image": {"verified": {"identities": {"indexes": [], "config": config}, "assumed": "made here"}},
        "replicas": 0
    });
    let secret = json!({"service": "web", "image": provider, "replicas": 2, "spec": {
        "secrets": {"DB_PASSWORD": {"file": "/run/secrets/db"}, "API_TOKEN": {"env": "TOKEN_OF_WEB"}},
        "env": {"PORT": "80"}
    }});
    let spelled_out = |replicas: u64| {
        format!(
            r#"{{"spec":{{"env":null,"labels":null}},"replicas":{replicas},"image":{{"provider":{{"provenance":
            {{"builder":"packer"}},"id":"ami-1","provider":"aws"}}}},"service":"web"}}"#
        )
    };
    vec![
        release("of-a-provider", &text(&plain), &plain),
        release("with-defaults", &spelled_out(3), &plain),
        release(
            "of-another-size",
            &spelled_out(4),
            &json!({"service": "web", "image": provider, "replicas": 4}),
        )
        .because("the number of copies is no part of the revision"),
        release("verified", &text(&verified), &verified),
        release(
            "of-an-archive",
            &text(&archived).replace(r#""indexes":[],"#, r#""manifest":null,"#),
            &archived,
        )
        .because("the list of indexes stands even where it is empty"),
        release("with-secrets", &text(&secret), &secret)
            .because("what is in documents, and so in digests, is where the values come from"),
    ]
}

fn policies() -> Vec<Case> {
    let defaults = json!({
        "strategy": "rolling", "budgets": [], "progressDeadlineSeconds": 600, "drainSeconds": 30, "attempts": 1,
        "breakers": {"maxFailed": 0}, "onFailure": "pause"
    });
    let spelled_out = r#"{"service":null,"strategy":"rolling","budgets":[],"order":[],"select":"drifted",
        "spread":"keep","zones":[],"compromised":"replace","minReadySeconds":0,"progressDeadlineSeconds":600,
        "drainSeconds":30,"attempts":1,"windows":[],"breakers":{"maxCompromised":null,"maxFailed":0},
        "onFailure":"pause","before":{"bakeSeconds":0,"analysis":null,"approval":null},"after":[]}"#;
    let full = json!({
        "service": "web",
        "strategy": {"canary": [
            {"amount": 1, "weight": 0, "gate": {"bakeSeconds": 60, "analysis": "errors", "approval": "ops"}},
            {"amount": "100% up", "weight": 100}
        ]},
        "budgets": [
            {"name": "all", "scope": "fleet", "minAvailable": "75% up", "maxUnavailable": "25% down",
             "maxSurge": "25% up", "maxInFlight": 9_007_199_254_740_991_u64, "reasons": ["image", "config"],
             "window": {"schedule": "0 22 * * mon-fri", "durationSeconds": 21600, "timeZone": "Europe/Vienna"}},
            {"scope": "zone"}, {"scope": {"inZone": "a"}}, {"scope": {"label": "rack"}},
            {"scope": {"withLabel": {"key": "role", "value": "db"}}}, {"scope": {"services": ["web", "api"]}}
        ],
        "order": [{"first": {"key": "role", "value": "a"}}, {"last": {"key": "role", "value": "b"}},
            {"oneByOne": "rack"}, "zoneByZone", "deletionCost", "oldest", "newest", "highestSlot"],
        "select": {"except": ["w1"]}, "spread": "even", "zones": ["b", "a"], "compromised": "isolate",
        "minReadySeconds": 30, "progressDeadlineSeconds": 60, "drainSeconds": 0, "attempts": 3,
        "windows": [{"schedule": "0 9 * * *", "durationSeconds": 3600}],
        "breakers": {"maxCompromised": "10% down", "maxFailed": 2},
        "onFailure": "rollback", "before": {"approval": "ops"}, "after": ["db"]
    });
    let otherwise = text(&full)
        .replace("100% up", "0100%up")
        .replace("75% up", "75%  up")
        .replace(r#""durationSeconds":3600"#, r#""durationSeconds":3600,"timeZone":"UTC""#)
        .replace(r#"{"scope":"zone"}"#, r#"{"reasons":[],"window":null,"maxSurge":null,"scope":"zone"}"#);
    let mut blue_green = defaults.clone();
    blue_green["strategy"] = json!({"blueGreen": {}});
    let blue_green_text =
        r#"{"strategy":{"blueGreen":{"beforeSwitch":{},"beforeRetire":{"bakeSeconds":0}}}}"#;
    let mut fleet = defaults.clone();
    fleet["budgets"] = json!([{"scope": "fleet", "maxSurge": 1}]);
    vec![
        written("policy", "empty", "{}", &defaults).because(
            "some members are always written: strategy, budgets, breakers, onFailure, times, attempts",
        ),
        written("policy", "defaults", spelled_out, &defaults),
        written("policy", "full", &text(&full), &full),
        written("policy", "full-otherwise", &otherwise, &full).because("an amount has one text"),
        written("policy", "blue-green", blue_green_text, &blue_green),
        written("policy", "budget-of-the-fleet", r#"{"budgets":[{"maxSurge":1}]}"#, &fleet)
            .because("the scope is always written"),
    ]
}

fn invalid() -> Vec<Case> {
    let fleets = [
        ("unknown-member", r#"{"service":"web","instances":[],"size":0}"#),
        ("unknown-member-of-an-instance", r#"{"service":"web","instances":[{"id":"a","state":"up"}]}"#),
        ("member-twice", r#"{"service":"web","instances":[],"service":"web"}"#),
        (
            "member-of-an-instance-twice",
            r#"{"service":"web","instances":[{"id":"a","zone":"a","zone":"a"}]}"#,
        ),
        ("label-twice", r#"{"service":"web","instances":[{"id":"a","labels":{"rack":"1","rack":"2"}}]}"#),
        ("without-instances", r#"{"service":"web"}"#),
        ("without-a-service", r#"{"instances":[]}"#),
        ("service-without-a-name", r#"{"service":"","instances":[]}"#),
        ("id-twice", r#"{"service":"web","instances":[{"id":"a"},{"id":"b"},{"id":"a"}]}"#),
        ("id-empty", r#"{"service":"web","instances":[{"id":"a"},{"id":""}]}"#),
        ("slot-twice", r#"{"service":"web","instances":[{"id":"a","slot":"s"},{"id":"b","slot":"s"}]}"#),
        ("unknown-phase", r#"{"service":"web","instances":[{"id":"a","phase":"Running"}]}"#),
        ("cost-too-large", r#"{"service":"web","instances":[{"id":"a","deletionCost":2147483648}]}"#),
        (
            "time-without-a-zone",
            r#"{"service":"web","instances":[{"id":"a","createdAt":"2026-01-01T00:00:00"}]}"#,
        ),
        ("revision-malformed", r#"{"service":"web","instances":[{"id":"a","revision":"sha256:00"}]}"#),
        ("lone-surrogate", r#"{"service":"web","instances":[{"id":"\ud800"}]}"#),
        ("cost-as-a-fraction", r#"{"service":"web","instances":[{"id":"a","deletionCost":1.0}]}"#),
        ("byte-order-mark", "\u{feff}{\"service\":\"web\",\"instances\":[]}"),
        ("control-character", "{\"service\":\"web\n\",\"instances\":[]}"),
        ("comma-at-the-end", r#"{"service":"web","instances":[],}"#),
        ("cut-off", r#"{"service":"web","instances":[]"#),
        ("two-documents", r#"{"service":"web","instances":[]} {}"#),
        ("not-an-object", "[]"),
        ("nothing", ""),
        ("list-for-an-object", r#"["web",[]]"#),
        ("list-for-an-instance", r#"{"service":"web","instances":[["a"]]}"#),
    ];
    let image = r#""image":{"provider":{"provider":"aws","id":"ami-1","provenance":{"builder":"packer"}}}"#;
    let release = |members: &str| format!(r#"{{"service":"web",{members}}}"#);
    let provider = |members: &str| release(&format!(r#""image":{{"provider":{{{members}}}}},"replicas":1"#));
    let spec = |members: &str| release(&format!(r#"{image},"replicas":1,"spec":{{{members}}}"#));
    let secrets = |secrets: &str| spec(&format!(r#""secrets":{secrets}"#));
    let releases = [
        ("replicas-negative", release(&format!(r#"{image},"replicas":-1"#))),
        ("replicas-broken", release(&format!(r#"{image},"replicas":1.5"#))),
        ("replicas-as-a-fraction", release(&format!(r#"{image},"replicas":3.0"#))),
        ("replicas-with-an-exponent", release(&format!(r#"{image},"replicas":3e0"#))),
        ("replicas-as-text", release(&format!(r#"{image},"replicas":"3""#))),
        ("replicas-over-the-limit", release(&format!(r#"{image},"replicas":10000001"#))),
        ("without-replicas", release(image)),
        ("service-without-a-name", format!(r#"{{"service":"",{image},"replicas":1}}"#)),
        ("unknown-member", release(&format!(r#"{image},"replicas":1,"count":1"#))),
        ("unknown-member-of-the-spec", spec(r#""command":[]"#)),
        ("environment-twice", spec(r#""env":{"A":"1","A":"2"}"#)),
        ("secret-twice", secrets(r#"{"A":{"env":"B"},"A":{"env":"C"}}"#)),
        ("secret-in-plain-text", secrets(r#"{"A":"hunter2"}"#)),
        ("secret-of-two-sources", secrets(r#"{"A":{"env":"B","file":"/b"}}"#)),
        ("secret-without-a-source", secrets(r#"{"A":{}}"#)),
        ("secret-of-an-unknown-source", secrets(r#"{"A":{"vault":"b"}}"#)),
        ("secret-in-the-environment-too", secrets(r#"{"B":{"env":"C"}},"env":{"B":"1"}"#)),
        ("secret-without-a-name", secrets(r#"{"":{"env":"B"}}"#)),
        ("secret-with-a-sign-in-its-name", secrets(r#"{"A=B":{"env":"B"}}"#)),
        ("secret-with-a-zero-in-its-name", secrets(r#"{"A\u0000":{"env":"B"}}"#)),
        ("secret-of-a-variable-without-a-name", secrets(r#"{"A":{"env":""}}"#)),
        ("secret-of-half-a-path", secrets(r#"{"A":{"file":"b"}}"#)),
        ("secret-of-a-path-with-a-zero", secrets(r#"{"A":{"file":"/b\u0000"}}"#)),
        ("without-provenance", provider(r#""provider":"aws","id":"ami-1","provenance":{}"#)),
        ("without-the-member-provenance", provider(r#""provider":"aws","id":"ami-1""#)),
        ("without-an-id", provider(r#""provider":"aws","id":"","provenance":{"a":"b"}"#)),
        ("without-identities", release(r#""image":{"verified":{"identities":{"indexes":[]}}},"replicas":1"#)),
        (
            "digest-malformed",
            release(r#""image":{"verified":{"identities":{"manifest":"sha256:00"}}},"replicas":1"#),
        ),
        ("image-of-an-unknown-kind", release(r#""image":{"tag":"latest"},"replicas":1"#)),
        ("list-for-an-image", release(r#""image":{"provider":["aws","ami-1",{"a":"b"}]},"replicas":1"#)),
        ("list-for-the-spec", release(&format!(r#"{image},"replicas":1,"spec":[]"#))),
        ("list-for-a-mount", spec(r#""mounts":{"/srv":["data",true]}"#)),
        ("list-for-a-health-check", spec(r#""health":[["/bin/check"],1000]"#)),
        ("health-check-without-a-command", spec(r#""health":{"command":[]}"#)),
        ("health-check-without-a-program", spec(r#""health":{"command":["","a"]}"#)),
        ("health-check-with-a-zero", spec(r#""health":{"command":["a\u0000"]}"#)),
        ("health-check-without-a-pause", spec(r#""health":{"command":["a"],"intervalMillis":0}"#)),
        ("health-check-without-time", spec(r#""health":{"command":["a"],"timeoutMillis":0}"#)),
        ("health-check-failed-before-it-began", spec(r#""health":{"command":["a"],"retries":0}"#)),
        ("variable-without-a-name", spec(r#""env":{"":"1"}"#)),
        ("variable-with-a-sign-in-its-name", spec(r#""env":{"A=B":"1"}"#)),
        ("variable-with-a-zero-in-its-name", spec(r#""env":{"A\u0000":"1"}"#)),
        ("variable-with-a-zero-in-its-value", spec(r#""env":{"A":"1\u0000"}"#)),
    ];
    let policies = [
        ("unknown-member", r#"{"maxSurge":1}"#),
        ("member-twice", r#"{"attempts":1,"attempts":1}"#),
        ("attempts-0", r#"{"attempts":0}"#),
        ("attempts-negative", r#"{"attempts":-1}"#),
        ("canary-without-steps", r#"{"strategy":{"canary":[]}}"#),
        ("weight-over-100", r#"{"strategy":{"canary":[{"amount":1,"weight":101}]}}"#),
        ("percent-without-rounding", r#"{"budgets":[{"maxSurge":"25%"}]}"#),
        ("amount-negative", r#"{"budgets":[{"maxSurge":-1}]}"#),
        ("amount-past-2-to-the-53", r#"{"budgets":[{"maxSurge":9007199254740992}]}"#),
        ("unknown-strategy", r#"{"strategy":"bluegreen"}"#),
        ("unknown-reason", r#"{"budgets":[{"reasons":["drift"]}]}"#),
        ("unknown-scope", r#"{"budgets":[{"scope":"region"}]}"#),
        ("unknown-member-of-a-gate", r#"{"before":{"bake":1}}"#),
        ("window-that-is-none", r#"{"windows":[{"schedule":"* * *","durationSeconds":60}]}"#),
        ("list-for-an-object", "[]"),
        ("list-for-a-budget", r#"{"budgets":[[0,1]]}"#),
        ("list-for-a-step", r#"{"strategy":{"canary":[[1]]}}"#),
        ("list-for-a-window", r#"{"windows":[["* * * * *",60]]}"#),
    ];
    let none = |kind: &str, name: &str, text: &str| {
        let operation = format!("{kind}.digest");
        document(&format!("invalid-{kind}-{name}"), text.into(), &[(&operation, "!INVALID_DOCUMENT")])
    };
    let fleets = fleets.iter().map(|(name, text)| none("fleet", name, text));
    let releases = releases.iter().map(|(name, text)| none("release", name, text));
    let policies = policies.iter().map(|(name, text)| none("policy", name, text));
    fleets.chain(releases).chain(policies).collect()
}
