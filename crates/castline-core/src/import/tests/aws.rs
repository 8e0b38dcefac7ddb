use serde_json::{Value, json};

use super::{json, lines, refusal};
use crate::{
    import::{Bounds, Services, aws},
    policy::Amount,
};

const INSTANCES: &[u8] = include_bytes!("../testdata/aws-instances.json");
const GROUPS: &[u8] = include_bytes!("../testdata/aws-groups.json");

#[test]
fn instances_and_groups_are_joined() {
    let import = aws(&[INSTANCES, GROUPS], &Services::Workload).expect("both");
    assert_eq!(
        lines(&import),
        [
            "old i-00000000000000008 Running Ready eu-west-1a ami-0a1b2c",
            "web i-00000000000000001 Running Ready eu-west-1a ami-0a1b2c",
            "web i-00000000000000002 Running Failed eu-west-1b ami-0a1b2c",
            "web i-00000000000000003 Quarantined Ready eu-west-1b ami-0a1b2c",
            "web i-00000000000000004 Pending NotReady eu-west-1a ami-0fffff",
            "web i-00000000000000006 Terminating NotReady eu-west-1a ami-0a1b2c",
            "web i-0000000000000000a Running Ready eu-west-1b",
        ]
    );
    assert_eq!(
        import.notes,
        [
            "it is in no group, or has no tag that names its service, and is left out: `i-00000000000000007`",
            "it is not among the instances: its image is not known: `i-0000000000000000a`",
            "it is terminated and left out: `i-00000000000000005`",
            "its group does not list it, and it is left out: `i-00000000000000009`",
            "its process `ReplaceUnhealthy` is suspended: `web`",
            "no group says whether it is healthy: it is taken to be: `i-00000000000000008`",
        ]
    );
    let web = &import.services["web"];
    assert_eq!((web.desired, web.bounds), (Some(5), Some(Bounds { min: 2, max: 10 })));
    let policy = web.policy.as_ref().expect("a policy");
    assert_eq!(policy.budgets[0].min_available, Some(Amount::percent_up(90)));
    assert_eq!(policy.budgets[0].max_surge, Some(Amount::percent_down(20)));
    assert_eq!(policy.zones, ["eu-west-1a", "eu-west-1b"]);
    assert_eq!(policy.min_ready_seconds, 120);
    let first = &web.fleet.instances()[0];
    assert_eq!((first.label("role"), first.label("castline.launchTemplate")), (Some("front"), Some("web:7")));
    assert_eq!(first.created_at.map(|time| time.to_string()).as_deref(), Some("2026-11-20T08:00:00Z"));
    assert_eq!(aws(&[GROUPS, INSTANCES], &Services::Workload).expect("both"), import);
    let tagged = aws(&[INSTANCES, GROUPS], &Services::Label("role".into())).expect("both");
    assert_eq!(tagged.services.keys().collect::<Vec<_>>(), ["front"]);
}

#[test]
fn groups_that_share_a_service_are_added_up() {
    let mut other = group(&json!({"MinHealthyPercentage": 50, "MaxHealthyPercentage": 100}), 3);
    other["AutoScalingGroupName"] = "other".into();
    let both = json(&json!({"AutoScalingGroups": [other, group(&Value::Null, 2)]}));
    let import = aws(&[&both], &Services::One("web".into())).expect("groups");
    let web = &import.services["web"];
    assert_eq!((web.desired, web.bounds, &web.policy), (Some(5), Some(Bounds { min: 0, max: 40 }), &None));
    assert!(import.notes.contains(&"several groups are one service: it has no policy: `web`".into()));
}

#[test]
fn either_document_will_do_and_what_is_missing_is_told() {
    let instances = aws(&[INSTANCES], &Services::Workload).expect("instances");
    assert_eq!(instances.services["web"].fleet.instances().len(), 6);
    assert_eq!(instances.services["web"].desired, None);
    assert!(instances.notes.iter().any(|note| note.starts_with("no group says")), "{:?}", instances.notes);
    let groups = aws(&[GROUPS], &Services::Workload).expect("groups");
    assert_eq!(groups.services["web"].fleet.instances().len(), 6);
    assert!(groups.notes.iter().any(|note| note.starts_with("no instances are given")), "{:?}", groups.notes);
}

fn group(maintenance: &Value, desired: u64) -> Value {
    json!({"AutoScalingGroupName": "web", "MinSize": 0, "DesiredCapacity": desired, "MaxSize": 20,
        "InstanceMaintenancePolicy": maintenance})
}

#[test]
fn a_maintenance_policy_always_leaves_room_for_one() {
    let of = |least: i32, most: i32| json!({"MinHealthyPercentage": least, "MaxHealthyPercentage": most});
    for (maintenance, desired, expected) in [
        (of(90, 120), 10, "min 90% up, surge 20% down"),
        (of(90, 100), 10, "min 90% up, surge 0% down"),
        (of(90, 100), 5, "unavailable 1, surge 0% down"),
        (of(90, 110), 5, "unavailable 1, surge 10% down"),
        (of(100, 100), 5, "min 100% up, surge 1"),
        (of(100, 110), 5, "min 100% up, surge 1"),
        (of(100, 200), 5, "min 100% up, surge 100% down"),
        (of(0, 100), 5, "min 0% up, surge 0% down"),
        (of(90, 100), 0, "min 90% up, surge 0% down"),
        (of(-1, -1), 10, "min 90% up, surge 0% down"),
        (Value::Null, 10, "min 90% up, surge 0% down"),
    ] {
        let groups = json(&json!({"AutoScalingGroups": [group(&maintenance, desired)]}));
        let import = aws(&[&groups], &Services::Workload).expect("groups");
        let budget = &import.services["web"].policy.as_ref().expect("a policy").budgets[0];
        let floor = match (budget.min_available, budget.max_unavailable) {
            (Some(amount), None) => format!("min {amount}"),
            (None, Some(amount)) => format!("unavailable {amount}"),
            other => panic!("{other:?}"),
        };
        let surge = budget.max_surge.expect("a ceiling");
        assert_eq!(format!("{floor}, surge {surge}"), expected, "{maintenance} {desired}");
        let told = import.notes.iter().any(|note| note.starts_with("it has no maintenance policy"));
        assert_eq!(told, maintenance.is_null() || maintenance["MinHealthyPercentage"] == -1);
    }
}

#[test]
fn lifecycles_say_how_far_an_instance_is() {
    for (state, expected) in [
        ("Pending", "web i-1 Pending NotReady -"),
        ("Pending:Proceed", "web i-1 Pending NotReady -"),
        ("InService", "web i-1 Running Ready -"),
        ("Terminating:Wait", "web i-1 Terminating NotReady -"),
        ("Detaching", "web i-1 Terminating NotReady -"),
        ("EnteringStandby", "web i-1 Quarantined Ready -"),
        ("Dreaming", "web i-1 Running Unknown -"),
        ("Warmed:Stopped", ""),
        ("Detached", ""),
        ("Terminated", ""),
    ] {
        let mut group = group(&Value::Null, 1);
        group["Instances"] =
            json!([{"InstanceId": "i-1", "LifecycleState": state, "HealthStatus": "Healthy"}]);
        let import =
            aws(&[&json(&json!({"AutoScalingGroups": [group]}))], &Services::Workload).expect("groups");
        assert_eq!(lines(&import).join(""), expected, "{state}");
    }
}

#[test]
fn groups_that_count_otherwise_have_no_desired_number() {
    let mut weighted = group(&Value::Null, 40);
    weighted["Instances"] = json!([{"InstanceId": "i-1", "LifecycleState": "InService", "HealthStatus": "Healthy", "WeightedCapacity": "8"}]);
    let mut by_cpu = group(&Value::Null, 40);
    by_cpu["DesiredCapacityType"] = "vcpu".into();
    for group in [weighted, by_cpu] {
        let import =
            aws(&[&json(&json!({"AutoScalingGroups": [group]}))], &Services::Workload).expect("groups");
        assert_eq!((import.services["web"].desired, &import.services["web"].policy), (None, &None));
        assert!(
            import.notes.iter().any(|note| note.contains("not counted in instances")),
            "{:?}",
            import.notes
        );
    }
}

#[test]
fn faults_name_their_place() {
    let instance = |member: &str, value: Value| {
        let mut instance = json!({"InstanceId": "i-1", "ImageId": "ami-1", "State": {"Name": "running"}});
        instance[member] = value;
        json(&json!({"Reservations": [{"Instances": [instance]}]}))
    };
    let groups = |groups: Value| json(&json!({"AutoScalingGroups": groups}));
    let of = |maintenance: Value| group(&maintenance, 1);
    let member = json!({"InstanceId": "i-1", "LifecycleState": "InService", "HealthStatus": "Healthy"});
    let mut first = of(Value::Null);
    first["Instances"] = json!([member]);
    let mut second = first.clone();
    second["AutoScalingGroupName"] = "web2".into();
    for (bytes, said) in [
        (b"{}".to_vec(), "there is neither `Reservations` nor `AutoScalingGroups`"),
        (b"{\"Reservations\": [[]]}".to_vec(), "Reservations[0]: an array, not an object"),
        (instance("InstanceId", Value::Null), "Reservations[0].Instances[0]: there is no `InstanceId`"),
        (
            instance("State", json!({"Name": "lost"})),
            "Reservations[0].Instances[0].State: `lost` is no state",
        ),
        (
            instance("Tags", json!([{"Key": "a"}, {"Key": "a"}])),
            "Reservations[0].Instances[0].Tags[1]: the tag `a` stands twice",
        ),
        (
            groups(json!([{"AutoScalingGroupName": "web", "MinSize": 1}])),
            "AutoScalingGroups[0]: there is no `DesiredCapacity`",
        ),
        (
            groups(json!([of(Value::Null), group(&Value::Null, 2)])),
            "AutoScalingGroups[1]: the group `web` stands twice",
        ),
        (groups(json!([first, second])), "the instance `i-1` is in two groups, `web` and `web2`"),
        (
            groups(json!([of(json!({"MinHealthyPercentage": 101}))])),
            "AutoScalingGroups[0].InstanceMaintenancePolicy: `MinHealthyPercentage` is 101",
        ),
    ] {
        let message = refusal(aws(&[&bytes], &Services::Workload));
        assert!(message.contains(said), "{message}");
    }
}
