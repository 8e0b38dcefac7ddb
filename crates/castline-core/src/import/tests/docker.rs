use serde_json::json;

use super::{json, lines, refusal};
use crate::{
    Runtime,
    drift::{ConfigValues, InstanceSpec, Mount, compare_config},
    import::{DockerOptions, Services, docker},
};

const DOCKER: &[u8] = include_bytes!("../testdata/docker.json");
const PODMAN: &[u8] = include_bytes!("../testdata/podman.json");

#[test]
fn containers_of_docker_become_the_fleets_of_their_services() {
    let import = docker(&[DOCKER], &DockerOptions::default().with_zone("host-a")).expect("a list");
    assert_eq!(
        lines(&import),
        [
            "web shop-web-1 Running Ready host-a sha256:ccc",
            "web shop-web-2 Running Ready host-a sha256:ccc",
            "web shop-web-3 Running NotReady host-a sha256:ccc",
            "worker shop-worker-1 Running Failed host-a sha256:ccc",
            "worker shop-worker-2 Running NotReady host-a",
        ]
    );
    assert_eq!(
        import.notes,
        [
            "it has completed and is left out: `shop-migrate-1`",
            "it has no label that names its service, and is left out: `registry`",
            "it reports no digest of its image: `shop-worker-2`",
            "it was run once by hand, beside its service, and is left out: `shop-web-run-0f1e`",
        ]
    );
    let web = &import.services["web"];
    let times = |id: &str| {
        let instance = web.fleet.instance(id).expect("the container, by its id");
        (instance.created_at, instance.ready_at)
    };
    let time = |text: &str| Some(text.parse().expect("a time"));
    assert_eq!(times(&"2".repeat(64)), (time("2026-11-20T08:00:00.123Z"), time("2026-11-20T08:00:01.5Z")));
    // Since when its check has been passed is not known.
    assert_eq!(times(&"1".repeat(64)).1, None);
}

#[test]
fn how_a_container_is_run_can_be_compared_with_its_release() {
    let image = Runtime {
        env: vec!["PATH=/usr/bin:/bin".into()],
        entrypoint: vec!["docker-entrypoint.sh".into()],
        user: Some("app".into()),
        working_dir: Some("/srv".into()),
        ..Runtime::default()
    };
    let mount = |source: &str, read_only| Mount { source: source.into(), read_only };
    let declared = InstanceSpec {
        env: Some([("PORT", "80"), ("OPTIONS", "a=b")].map(|(key, value)| (key.into(), value.into())).into()),
        args: Some(["serve", "--port", "80"].map(Into::into).into()),
        mounts: Some(
            [("/data".into(), mount("shop_data", false)), ("/config".into(), mount("/etc/shop", true))]
                .into(),
        ),
        ..InstanceSpec::default()
    };
    let import = docker(&[DOCKER], &DockerOptions::default()).expect("a list");
    let spec = &import.services["web"].specs[&*"1".repeat(64)];
    let mut found = compare_config(&declared, spec, &image, ConfigValues::Hidden);
    found.retain(|finding| !finding.attribute.starts_with("label:"));
    let differs: Vec<_> = found.iter().map(|finding| &*finding.message).collect();
    assert_eq!(differs, Vec::<&str>::new());
}

#[test]
fn containers_of_podman_are_read_in_its_own_words() {
    let import = docker(&[PODMAN], &DockerOptions::default()).expect("a list");
    assert_eq!(
        lines(&import),
        [
            "web web-1 Running Ready - sha256:fff",
            "web web-2 Running NotReady - sha256:fff",
            "web web-3 Pending NotReady - sha256:fff",
            "web web-4 Terminating NotReady - sha256:fff",
        ]
    );
    assert_eq!(
        import.notes,
        [
            "it holds the namespaces of a pod, and is left out: `infra`",
            "its entrypoint is one text of several words, and its command is not compared: `web-4`",
        ]
    );
    let web = &import.services["web"];
    let command = |id: &str| {
        let spec = &web.specs[&*id.repeat(64)];
        (spec.entrypoint.clone(), spec.args.clone())
    };
    let words = |words: &[&str]| Some(words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>());
    assert_eq!(command("1"), (words(&["/bin/busybox", "sleep"]), words(&["1000"])));
    assert_eq!(command("4"), (None, None));
    let [first, _, created, _] = web.fleet.instances() else { panic!("four") };
    assert_eq!(first.created_at.map(|time| time.to_string()).as_deref(), Some("2026-11-20T08:00:00.217Z"));
    assert_eq!(created.ready_at, None);
}

#[test]
fn services_are_named_by_labels_or_by_the_caller() {
    let names = |services: Services| {
        let import = docker(&[DOCKER], &DockerOptions::default().with_services(services)).expect("a list");
        import
            .services
            .iter()
            .map(|(name, of)| format!("{name} {}", of.fleet.instances().len()))
            .collect::<Vec<_>>()
    };
    assert_eq!(names(Services::Qualified), ["shop/web 3", "shop/worker 2"]);
    assert_eq!(names(Services::Label("com.docker.compose.project".into())), ["shop 5"]);
    assert_eq!(names(Services::One("all".into())), ["all 6"]);
    let container = |id: &str, project: &str| {
        json!({"Id": id, "State": {"Status": "running"}, "Config": {"Labels":
            {"com.docker.compose.project": project, "com.docker.compose.service": "web"}}})
    };
    let two = json(&json!([container("1", "a"), container("2", "b")]));
    let said = refusal(docker(&[&two], &DockerOptions::default()));
    assert!(
        said.contains("[1]: `web` names two services, that of project `a` and that of project `b`"),
        "{said}"
    );
    let swarm = json!({"Id": "1", "State": {"Status": "running"}, "Config": {"Labels":
        {"com.docker.stack.namespace": "s", "com.docker.swarm.service.name": "s_web"}}});
    let import = docker(&[&json(&swarm)], &DockerOptions::default()).expect("one container by itself");
    assert_eq!(lines(&import), ["s_web 1 Running Ready -"]);
}

#[test]
fn states_say_how_a_container_is() {
    for (state, restart, expected) in [
        (json!({"Status": "running", "Health": {"Status": "none"}}), "always", "Running Ready"),
        (json!({"Status": "running", "Health": {"Status": "unhealthy"}}), "always", "Running NotReady"),
        (json!({"Status": "running", "Healthcheck": {"Status": "healthy"}}), "always", "Running Ready"),
        (json!({"Status": "running", "Health": {"Status": "odd"}}), "always", "Running Unknown"),
        (json!({"Status": "initialized"}), "always", "Pending NotReady"),
        (json!({"Status": "removing"}), "always", "Terminating NotReady"),
        (json!({"Status": "dead"}), "always", "Running Failed"),
        (json!({"Status": "exited", "ExitCode": 0}), "always", "Running Failed"),
        (json!({"Status": "exited", "ExitCode": 1}), "no", "Running Failed"),
        (json!({"Status": "exited", "ExitCode": 0}), "on-failure", ""),
        (json!({"Status": "dreaming"}), "always", "Running Unknown"),
    ] {
        let container = json!([{"Id": "1", "State": state, "Config": {},
            "HostConfig": {"RestartPolicy": {"Name": restart}}}]);
        let options = DockerOptions::default().with_services(Services::One("web".into()));
        let import = docker(&[&json(&container)], &options).expect("a list");
        let instance = import.fleet("web").ok().map(|fleet| fleet.instances()[0].clone());
        let found = instance.map_or(String::new(), |found| format!("{:?} {:?}", found.phase, found.health));
        assert_eq!(found, expected, "{state}");
    }
}

#[test]
fn faults_name_their_place() {
    let container = |member: &str, value: serde_json::Value| {
        let mut container = json!({"Id": "1", "Name": "/web", "State": {"Status": "running"}, "Config": {}});
        container[member] = value;
        json(&json!([container]))
    };
    let mount = json!({"Destination": "/data", "RW": true});
    let twice = json(&json!([{"Id": "1"}, {"Id": "1", "Name": "x"}]));
    for (bytes, said) in [
        (b"7".to_vec(), "a number, not an array"),
        (b"[7]".to_vec(), "[0]: a number, not an object"),
        (b"[{}]".to_vec(), "[0]: there is no `Id`"),
        (twice, "[1]: the container `1` stands twice, and not alike"),
        (container("State", json!({"Running": true})), "[0].State: there is no `Status`"),
        (container("State", json!({"Status": true})), "[0].State.Status: a boolean, not a string"),
        (container("Created", json!("soon")), "[0].Created: `soon` is not a moment"),
        (container("Config", json!({"Env": [1]})), "[0].Config.Env[0]: a number, not a string"),
        (container("Config", json!({"Entrypoint": {}})), "[0].Config.Entrypoint: an object, not an array"),
        (
            container("Mounts", json!([mount, mount])),
            "[0].Mounts[1]: something else is mounted at this place",
        ),
    ] {
        let options = DockerOptions::default().with_services(Services::One("web".into()));
        let message = refusal(docker(&[&bytes], &options));
        assert!(message.contains(said), "{message}");
    }
}
