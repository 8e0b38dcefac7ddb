use serde_json::{Value, json};

use super::{json, lines, refusal};
use crate::{
    Document, Phase,
    import::{KubernetesOptions, NAME, NAMESPACE, NODE, REVISION, Services, Zones, kubernetes},
    policy::{Amount, Policy, Preference, Scope, Select, Strategy},
};

const LIST: &[u8] = include_bytes!("../testdata/kubernetes.json");

#[test]
fn pods_become_the_fleets_of_their_workloads() {
    let import = kubernetes(&[LIST], &KubernetesOptions::default()).expect("a list");
    assert_eq!(
        lines(&import),
        [
            "agent agent-x2x9p Running Ready eu-1a sha256:ccc",
            "db db-0 Running Ready eu-1a bbbbbbbbbb",
            "db db-1 Running Failed eu-1b sha256:bbb",
            "web web-6d4b75cb6d-hzx7k Running Ready eu-1a sha256:aaa",
            "web web-6d4b75cb6d-lq2vd Running Ready eu-1b sha256:aaa",
            "web web-6d4b75cb6d-t8wqz Terminating NotReady - sha256:aaa",
            "web web-7c9f8d9b5c-2bxkj Pending NotReady -",
        ]
    );
    assert_eq!(
        import.notes,
        [
            "it belongs to a Job, which ends by itself, and is left out: `shop/migrate-28391-k2c4v`",
            "it has completed and is left out: `shop/backup-28390-k9j4v`",
            "it is paused: somebody does not want it to be replaced now: `Deployment shop/web`",
            "it is replaced only when somebody deletes its pods: it gives no policy: `DaemonSet shop/agent`",
            "it replaces ordinals from 1 on: the policy leaves the others: `StatefulSet shop/db`",
            "it reports no digest of its image: `shop/web-7c9f8d9b5c-2bxkj`",
            "it selects no pods of these services, and is left out: `PodDisruptionBudget shop/gone`",
            "nothing owns it and would replace it, and it is left out: `shop/debug`",
            "objects of this kind are not read: `Service`",
        ]
    );
    let fleet = import.fleet("web").expect("a fleet");
    let pod = fleet.instance("5b0f3c1a-7d2e-4e55-9a3b-000000000002").expect("the pod, by its uid");
    assert_eq!((pod.label(NAMESPACE), pod.label(NODE)), (Some("shop"), Some("node-2")));
    assert_eq!(pod.label(NAME), Some("web-6d4b75cb6d-lq2vd"));
    assert_eq!(pod.deletion_cost, -5);
    assert_eq!(pod.created_at.map(|time| time.to_string()).as_deref(), Some("2026-11-20T08:00:00Z"));
    assert_eq!(pod.ready_at.map(|time| time.to_string()).as_deref(), Some("2026-11-20T08:00:25Z"));
    assert_eq!(pod.slot, None);
    let db = import.fleet("db").expect("a fleet");
    assert_eq!(
        db.instances().iter().map(|pod| pod.slot.as_deref()).collect::<Vec<_>>(),
        [Some("db-0"), Some("db-1")]
    );
    let said = refusal(import.fleet("shop"));
    assert!(said.ends_with("there is no service `shop` in it; it has `agent`, `db`, `web`"), "{said}");
}

#[test]
fn workloads_and_budgets_become_policies() {
    let import = kubernetes(&[LIST], &KubernetesOptions::default()).expect("a list");
    let desired = |service: &str| import.services[service].desired;
    assert_eq!((desired("web"), desired("db"), desired("agent")), (Some(4), Some(2), Some(3)));

    let web = import.services["web"].policy.as_ref().expect("a policy");
    assert_eq!((web.min_ready_seconds, web.drain_seconds), (10, 60));
    assert_eq!(web.progress_deadline_seconds, 2_147_483_647);
    assert_eq!(web.service.as_deref(), Some("web"));
    let [rolling, all, half] = &web.budgets[..] else { panic!("{:?}", web.budgets) };
    assert_eq!(rolling.max_surge, Some(Amount::percent_up(25)));
    assert_eq!(rolling.max_unavailable, Some(Amount::percent_down(25)));
    assert_eq!(half.min_available, Some(Amount::percent_up(50)));
    assert_eq!((&half.scope, half.max_surge), (&Scope::Fleet, None));
    assert_eq!(all.name.as_deref(), Some("PodDisruptionBudget shop/all"));
    assert_eq!(all.scope, Scope::Services(vec!["db".into(), "web".into()]));
    assert_eq!(all.max_unavailable, Some(Amount::Count(1)));

    let db = import.services["db"].policy.as_ref().expect("a policy");
    assert_eq!(db.order, [Preference::HighestSlot]);
    assert_eq!(db.budgets[0].max_unavailable, Some(Amount::Count(1)));
    assert_eq!(db.budgets[0].max_surge, Some(Amount::ZERO));
    assert_eq!(db.select, Select::Except(vec!["5b0f3c1a-7d2e-4e55-9a3b-000000000005".into()]));
    assert_eq!(db.budgets[1], *all);
    assert_eq!(import.services["agent"].policy, None);
    for service in import.services.values() {
        assert_eq!(service.policy.as_ref().map_or(Ok(()), Document::validate), Ok(()));
    }
}

fn deployment(spec: &Value) -> Vec<u8> {
    json(&json!({"kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}))
}

fn policy(kind: &str, spec: &Value, status: &Value) -> Option<Policy> {
    let object = json!({"kind": kind, "metadata": {"name": "web"}, "spec": spec, "status": status});
    let mut import = kubernetes(&[&json(&object)], &KubernetesOptions::default()).expect("an object");
    import.services.remove("web").expect("the service").policy
}

#[test]
fn each_kind_rounds_as_kubernetes_does() {
    let rolling = |key: &str, rolling: Value| json!({"replicas": 5, key: {"type": "RollingUpdate", "rollingUpdate": rolling}});
    for (kind, spec, budget) in [
        ("Deployment", json!({"replicas": 5}), "25% down, 25% up"),
        ("Deployment", rolling("strategy", json!({})), "25% down, 25% up"),
        ("Deployment", rolling("strategy", json!({"maxSurge": 0, "maxUnavailable": 2})), "2, 0"),
        ("Deployment", rolling("strategy", json!({"maxSurge": "0%", "maxUnavailable": "10%"})), "1, 0% up"),
        ("Deployment", rolling("strategy", json!({"maxSurge": 0, "maxUnavailable": 0})), "1, 0"),
        ("Deployment", rolling("strategy", json!({"maxSurge": "10%", "maxUnavailable": 0})), "0, 10% up"),
        ("StatefulSet", json!({"replicas": 5}), "1, 0"),
        ("StatefulSet", rolling("updateStrategy", json!({"maxUnavailable": "10%"})), "1, 0"),
        ("StatefulSet", rolling("updateStrategy", json!({"maxUnavailable": "50%"})), "50% down, 0"),
        ("DaemonSet", json!({}), "1, 0"),
        ("DaemonSet", rolling("updateStrategy", json!({"maxUnavailable": "10%"})), "10% up, 0"),
        (
            "DaemonSet",
            rolling("updateStrategy", json!({"maxSurge": "10%", "maxUnavailable": 0})),
            "0, 10% up",
        ),
    ] {
        let policy = policy(kind, &spec, &json!({"desiredNumberScheduled": 5})).expect("a policy");
        let [of] = &policy.budgets[..] else { panic!("{kind} {spec}") };
        let text = |amount: Option<Amount>| amount.map_or("-".into(), |amount| amount.to_string());
        assert_eq!(format!("{}, {}", text(of.max_unavailable), text(of.max_surge)), budget, "{kind} {spec}");
    }
    let recreate =
        policy("Deployment", &json!({"strategy": {"type": "Recreate"}}), &json!({})).expect("a policy");
    assert_eq!((recreate.strategy, recreate.budgets.len()), (Strategy::Recreate, 0));
}

#[test]
fn a_list_of_one_kind_need_not_repeat_the_kind() {
    let pod = json!({"metadata": {"name": "web-0", "uid": "1", "ownerReferences": [{"kind": "StatefulSet", "name": "web", "controller": true}]}});
    let list = json(&json!({"kind": "PodList", "apiVersion": "v1", "items": [pod]}));
    let import = kubernetes(&[&list], &KubernetesOptions::default()).expect("a list");
    assert_eq!(lines(&import), ["web web-0 Running Unknown -"]);
    let mut one = pod;
    one["kind"] = "Pod".into();
    let alone = kubernetes(&[&json(&one)], &KubernetesOptions::default()).expect("an object");
    assert_eq!(alone, import);
    assert_eq!(kubernetes(&[&json(&one), &list], &KubernetesOptions::default()).map_err(|error| error.to_string()), Err(
        "this is not a valid list of Kubernetes objects: document 2.items[0]: the Pod `web-0` stands twice, and not alike".into()
    ));
}

#[test]
fn options_choose_services_zones_and_containers() {
    let of = |options: KubernetesOptions| kubernetes(&[LIST], &options).expect("a list");
    let names = |options: KubernetesOptions| of(options).services.into_keys().collect::<Vec<_>>().join(" ");
    let default = KubernetesOptions::default;
    assert_eq!(names(default()), "agent db web");
    assert_eq!(names(default().with_services(Services::Qualified)), "shop/agent shop/db shop/web");
    assert_eq!(names(default().with_services(Services::Label("tier".into()))), "back front");
    assert_eq!(names(default().with_services(Services::One("shop".into()))), "shop");
    assert_eq!(names(default().with_namespace("other")), "");
    let zones = |zones: Zones| {
        let import = of(default().with_zones(zones));
        let fleet = import.fleet("web").expect("a fleet").clone();
        fleet.instances().iter().map(|pod| pod.zone.to_string()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(zones(Zones::Node), "node-1 node-2 node-3 ");
    assert_eq!(zones(Zones::Label("rack".into())), "r1 r2  ");
    let proxied = of(default().with_container("a-proxy"));
    let web = proxied.fleet("web").expect("a fleet");
    assert!(web.instances()[0].image.ends_with(&"e".repeat(64)));
    assert_eq!(&*web.instances()[1].image, "");
    assert!(
        proxied.notes.iter().any(|note| note.starts_with("it has no container `a-proxy`")),
        "{:?}",
        proxied.notes
    );
    let one = of(default().with_services(Services::One("shop".into())));
    assert_eq!((one.services["shop"].desired, one.services["shop"].fleet.instances().len()), (Some(9), 8));
}

#[test]
fn two_services_of_one_name_are_told_apart_or_refused() {
    let pod = |namespace: &str| {
        json!({"kind": "Pod", "metadata": {"name": "web-0", "namespace": namespace, "uid": namespace,
            "ownerReferences": [{"kind": "StatefulSet", "name": "web", "controller": true}]}})
    };
    let list = json(&json!({"kind": "List", "items": [pod("a"), pod("b")]}));
    let said = refusal(kubernetes(&[&list], &KubernetesOptions::default()));
    assert!(
        said.contains("items[1]: `web` names two services, StatefulSet a/web and StatefulSet b/web"),
        "{said}"
    );
    let qualified = KubernetesOptions::default().with_services(Services::Qualified);
    assert_eq!(kubernetes(&[&list], &qualified).expect("a list").services.len(), 2);
    let together = KubernetesOptions::default().with_services(Services::One("web".into()));
    assert_eq!(
        kubernetes(&[&list], &together).expect("a list").fleet("web").expect("it").instances().len(),
        2
    );
    let one = KubernetesOptions::default().with_namespace("b");
    assert_eq!(kubernetes(&[&list], &one).expect("a list").fleet("web").expect("it").instances().len(), 1);
}

#[test]
fn replica_sets_tell_the_deployment_and_hashes_do_without_them() {
    for (owner, labels, set, service) in [
        ("web-6d4b75cb6d", json!({"pod-template-hash": "6d4b75cb6d"}), None, "web"),
        ("web-api-6d4b75cb6d", json!({"pod-template-hash": "6d4b75cb6d"}), None, "web-api"),
        ("web-6d4b75cb6d", json!({"rollouts-pod-template-hash": "6d4b75cb6d"}), None, "web"),
        ("web-6d4b75cb6d", json!({}), None, "web-6d4b75cb6d"),
        ("web-6d4b75cb6d", json!({"pod-template-hash": "other"}), None, "web-6d4b75cb6d"),
        ("6d4b75cb6d", json!({"pod-template-hash": "6d4b75cb6d"}), None, "6d4b75cb6d"),
        ("web-6d4b75cb6d", json!({}), Some("front"), "front"),
    ] {
        let owned_by = |kind: &str, name: &str| json!([{"kind": kind, "name": name, "controller": true}]);
        let mut items = vec![json!({"kind": "Pod", "metadata":
            {"name": "p", "uid": "1", "labels": labels, "ownerReferences": owned_by("ReplicaSet", owner)}})];
        items.extend(set.map(|above| {
            json!({"kind": "ReplicaSet", "metadata": {"name": owner, "ownerReferences": owned_by("Deployment", above)}})
        }));
        let import =
            kubernetes(&[&json(&json!({"kind": "List", "items": items}))], &KubernetesOptions::default())
                .expect("a list");
        assert_eq!(import.services.keys().collect::<Vec<_>>(), [service], "{owner} {labels}");
    }
}

#[test]
fn phases_and_conditions_say_how_a_pod_is() {
    let condition = |status: &str| json!([{"type": "Ready", "status": status}]);
    let waiting = |reason: &str| json!([{"name": "app", "state": {"waiting": {"reason": reason}}}]);
    for (status, expected) in [
        (json!({"phase": "Running", "conditions": condition("True")}), "Running Ready"),
        (json!({"phase": "Running", "conditions": condition("False")}), "Running NotReady"),
        (json!({"phase": "Running", "conditions": condition("Unknown")}), "Running Unknown"),
        (json!({"phase": "Running"}), "Running NotReady"),
        (json!({"phase": "Running", "containerStatuses": waiting("CrashLoopBackOff")}), "Running Failed"),
        (json!({"phase": "Running", "containerStatuses": waiting("ContainerCreating")}), "Running NotReady"),
        (json!({"phase": "Pending", "containerStatuses": waiting("ImagePullBackOff")}), "Pending Failed"),
        (json!({"phase": "Pending", "initContainerStatuses": waiting("CrashLoopBackOff")}), "Pending Failed"),
        (json!({"phase": "Pending", "conditions": condition("True")}), "Pending NotReady"),
        (json!({"phase": "Failed", "reason": "Evicted"}), "Running Failed"),
        (json!({"phase": "Unknown"}), "Running Unknown"),
        (json!({}), "Running Unknown"),
    ] {
        let pod = json!({"kind": "Pod", "metadata": {"name": "web", "uid": "1"}, "status": status});
        let options = KubernetesOptions::default().with_services(Services::One("web".into()));
        let import = kubernetes(&[&json(&pod)], &options).expect("a pod");
        let instance = &import.fleet("web").expect("a fleet").instances()[0];
        assert_eq!(format!("{:?} {:?}", instance.phase, instance.health), expected, "{status}");
        assert_ne!(instance.phase, Phase::Terminating);
    }
}

#[test]
fn what_a_budget_selects_is_read_as_kubernetes_reads_it() {
    let expression = |key: &str, operator: &str, values: Value| json!({"matchExpressions": [{"key": key, "operator": operator, "values": values}]});
    for (selector, selects) in [
        (json!({"matchLabels": {"app": "web"}}), true),
        (json!({"matchLabels": {"app": "web", "tier": "x"}}), false),
        (json!({}), true),
        (Value::Null, false),
        (expression("app", "In", json!(["a", "web"])), true),
        (expression("app", "NotIn", json!(["web"])), false),
        (expression("tier", "NotIn", json!(["web"])), true),
        (expression("app", "Exists", json!([])), true),
        (expression("app", "DoesNotExist", Value::Null), false),
    ] {
        let workload = json!({"kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"replicas": 2, "template": {"metadata": {"labels": {"app": "web"}}}}});
        let budget = json!({"kind": "PodDisruptionBudget", "metadata": {"name": "b"},
            "spec": {"maxUnavailable": "1%", "selector": selector}});
        let list = json(&json!({"kind": "List", "items": [budget, workload]}));
        let import = kubernetes(&[&list], &KubernetesOptions::default()).expect("a list");
        let budgets = &import.services["web"].policy.as_ref().expect("a policy").budgets;
        assert_eq!(budgets.len() == 2, selects, "{selector}");
        assert!(!selects || budgets[1].max_unavailable == Some(Amount::percent_up(1)));
    }
}

#[test]
fn an_annotation_says_which_revision_a_pod_was_launched_from() {
    let revision = format!("1@sha256:{}", "7".repeat(64));
    let of = |text: &str| {
        let pod =
            json!({"kind": "Pod", "metadata": {"name": "web", "uid": "1", "annotations": {REVISION: text}}});
        let options = KubernetesOptions::default().with_services(Services::One("web".into()));
        let import = kubernetes(&[&json(&pod)], &options).expect("a pod");
        let instance = import.fleet("web").expect("a fleet").instances()[0].clone();
        (
            instance.revision.map(|revision| revision.to_string()),
            import.notes.join("; ").contains("is no revision"),
        )
    };
    assert_eq!(of(&revision), (Some(revision.clone()), false));
    assert_eq!(of("7"), (None, true));
}

#[test]
fn faults_name_their_place() {
    let pod = |member: &str, value: Value| {
        let mut pod = json!({"kind": "Pod", "metadata": {"name": "web"}});
        pod[member] = value;
        json(&json!({"kind": "List", "items": [{"kind": "Secret"}, pod]}))
    };
    let budget = json(&json!({"kind": "PodDisruptionBudget", "metadata": {"name": "b"},
        "spec": {"minAvailable": 1, "maxUnavailable": 1}}));
    let rolling = |surge: Value| deployment(&json!({"strategy": {"rollingUpdate": {"maxSurge": surge}}}));
    for (bytes, said) in [
        (b"".to_vec(), "the document is empty"),
        (b"[]".to_vec(), "an array, not an object"),
        (b"{}".to_vec(), "there is no `kind`"),
        (b"{\"kind\": \"List\", \"kind\": \"List\"}".to_vec(), "the key `kind` stands twice"),
        (b"{\"kind\": \"List\", \"items\": {}}".to_vec(), "items: an object, not an array"),
        (b"{\"kind\": \"List\", \"items\": [{}]}".to_vec(), "items[0]: there is no `kind`"),
        (b"{\"kind\": \"PodList\", \"items\": [7]}".to_vec(), "items[0]: a number, not an object"),
        (b"{\"kind\": \"PodList\", \"items\": [{}]}".to_vec(), "items[0].metadata: there is no `name`"),
        (pod("metadata", json!({"name": 7})), "items[1].metadata.name: a number, not a string"),
        (
            pod("metadata", json!({"name": "a", "labels": {"x": 1}})),
            "items[1].metadata.labels.x: a number, not a string",
        ),
        (
            pod(
                "metadata",
                json!({"name": "a", "creationTimestamp": "yesterday", "ownerReferences":
                [{"kind": "StatefulSet", "name": "a", "controller": true}]}),
            ),
            "items[1].metadata.creationTimestamp: `yesterday` is not a moment",
        ),
        (pod("status", json!([])), "items[1].status: an array, not an object"),
        (
            rolling(json!("3")),
            "spec.strategy.rollingUpdate.maxSurge: `3` is neither a number nor a percentage",
        ),
        (rolling(json!(-1)), "spec.strategy.rollingUpdate: `maxSurge` is -1"),
        (rolling(json!(1.5)), "spec.strategy.rollingUpdate.maxSurge: 1.5 is no whole number"),
        (rolling(json!("99999999999%")), "maxSurge: `99999999999%` is neither"),
        (deployment(&json!({"strategy": {"type": "Magic"}})), "spec.strategy: `Magic` is no strategy"),
        (budget, "spec: `minAvailable` and `maxUnavailable` exclude one another"),
    ] {
        let message = refusal(kubernetes(&[&bytes], &KubernetesOptions::default()));
        assert!(message.contains(said), "{message}");
    }
}
