use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{DriftCode, InstanceSpec, Mount, Severity, places};
use crate::Runtime;

/// Whether a finding shows the values of variables and arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ConfigValues {
    /// They are left out, since they may be secrets.
    #[default]
    Hidden,
    /// They are shown.
    Shown,
}

/// One difference between what was declared and what runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ConfigFinding {
    /// `added`, `removed` or `modified`.
    pub code: DriftCode,
    /// How bad it is.
    pub severity: Severity,
    /// `env:NAME`, `command`, `user`, `workingDir`, `mount:PATH` or `label:KEY`.
    pub attribute: String,
    /// What was declared, unless it is hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What runs, unless it is hidden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
    /// The fact in a sentence, for people.
    pub message: String,
}

/// Variables that make programs run other code.
const CODE: &[&str] = &[
    "PATH",
    "LD_PRELOAD",
    "LD_LIBRARY_PATH",
    "LD_AUDIT",
    "BASH_ENV",
    "ENV",
    "SHELL",
    "PYTHONPATH",
    "PYTHONHOME",
    "PYTHONSTARTUP",
    "NODE_OPTIONS",
    "NODE_PATH",
    "JAVA_TOOL_OPTIONS",
    "_JAVA_OPTIONS",
    "JDK_JAVA_OPTIONS",
    "CLASSPATH",
    "PERL5LIB",
    "PERL5OPT",
    "RUBYLIB",
    "RUBYOPT",
    "GCONV_PATH",
    "OPENSSL_CONF",
    "GIT_SSH_COMMAND",
];

/// Variables that runtimes set by themselves.
const OF_RUNTIMES: &[&str] = &["HOSTNAME", "HOME", "TERM", "container"];

/// Says how what a platform reports of an instance differs from what was declared over the image. What is not stated in
/// `observed` is not compared: hand over `observed.over(image)` if the platform states only what overrides the image.
/// A variable that is declared as a secret has to be there; its value is neither compared nor shown.
///
/// Critical: the command; root as the user; a variable that makes programs run other code; a mount of the host's system.
/// Info: labels that were added, and variables that runtimes set. The rest is a warning.
pub fn compare_config(
    declared: &InstanceSpec,
    observed: &InstanceSpec,
    image: &Runtime,
    values: ConfigValues,
) -> Vec<ConfigFinding> {
    let declared = declared.over(image);
    let mut findings = Findings { all: Vec::new(), values };
    if let (Some(expected), Some(actual)) = (&declared.env, &observed.env) {
        let severity = |name: &str, code: DriftCode| match () {
            () if CODE.contains(&name) => Severity::Critical,
            () if code == DriftCode::Added && OF_RUNTIMES.contains(&name) => Severity::Info,
            () => Severity::Warning,
        };
        // Of a secret, all that is known is that it has to be there.
        let is_secret = |name: &str| declared.secrets.as_ref().is_some_and(|all| all.contains_key(name));
        let has_secret = |name: &str| observed.secrets.as_ref().is_some_and(|all| all.contains_key(name));
        for name in declared.secrets.iter().flatten().map(|(name, _)| name) {
            if !actual.contains_key(name) && !has_secret(name) {
                let code = DriftCode::Removed;
                findings.push(code, severity(name, code), format!("env:{name}"), (None, None), true);
            }
        }
        let mut actual = actual.clone();
        actual.retain(|name, _| !is_secret(name));
        findings.each("env", expected, &actual, true, |name, code, _| severity(name, code));
    }
    if observed.entrypoint.is_some() || observed.args.is_some() {
        let line = |of: &InstanceSpec| {
            let words = [of.entrypoint.as_ref().or(declared.entrypoint.as_ref()), of.args.as_ref()];
            words.into_iter().flatten().flatten().cloned().collect::<Vec<_>>()
        };
        let (expected, actual) = (line(&declared), line(observed));
        if expected != actual {
            let text = |words: Vec<String>| serde_json::to_string(&words).unwrap_or_default();
            let pair = (Some(text(expected)), Some(text(actual)));
            findings.push(DriftCode::Modified, Severity::Critical, "command".into(), pair, true);
        }
    }
    if let (Some(expected), Some(actual)) = (&declared.user, &observed.user)
        && user(expected) != user(actual)
    {
        let severity = if user(actual).0 == "0" { Severity::Critical } else { Severity::Warning };
        let pair = (Some(expected.clone()), Some(actual.clone()));
        findings.push(DriftCode::Modified, severity, "user".into(), pair, false);
    }
    if let (Some(expected), Some(actual)) = (&declared.working_dir, &observed.working_dir)
        && folder(expected) != folder(actual)
    {
        let pair = (Some(expected.clone()), Some(actual.clone()));
        findings.push(DriftCode::Modified, Severity::Warning, "workingDir".into(), pair, false);
    }
    if let (Some(expected), Some(actual)) = (&declared.mounts, &observed.mounts) {
        let text = |mounts: &BTreeMap<String, Mount>| -> BTreeMap<String, String> {
            let line =
                |mount: &Mount| format!("{} {}", mount.source, if mount.read_only { "ro" } else { "rw" });
            mounts.iter().map(|(path, mount)| (path.clone(), line(mount))).collect()
        };
        findings.each("mount", &text(expected), &text(actual), false, |path, code, _| {
            let opens = code != DriftCode::Removed && actual.get(path).is_some_and(opens_the_host);
            let hides = code == DriftCode::Added && places::holds_programs(path.trim_matches('/').as_bytes());
            if opens || hides { Severity::Critical } else { Severity::Warning }
        });
    }
    if let (Some(expected), Some(actual)) = (&declared.labels, &observed.labels) {
        findings.each("label", expected, actual, false, |_, code, _| match code {
            DriftCode::Added => Severity::Info,
            _ => Severity::Warning,
        });
    }
    findings.all
}

struct Findings {
    all: Vec<ConfigFinding>,
    values: ConfigValues,
}

impl Findings {
    fn each(
        &mut self,
        what: &str,
        expected: &BTreeMap<String, String>,
        actual: &BTreeMap<String, String>,
        secret: bool,
        severity: impl Fn(&str, DriftCode, &str) -> Severity,
    ) {
        for name in expected.keys().chain(actual.keys()).collect::<BTreeSet<_>>() {
            let (before, after) = (expected.get(name), actual.get(name));
            let code = match (before, after) {
                (Some(before), Some(after)) if before == after => continue,
                (Some(_), Some(_)) => DriftCode::Modified,
                (Some(_), None) => DriftCode::Removed,
                (None, _) => DriftCode::Added,
            };
            let severity = severity(name, code, what);
            self.push(code, severity, format!("{what}:{name}"), (before.cloned(), after.cloned()), secret);
        }
    }

    fn push(
        &mut self,
        code: DriftCode,
        severity: Severity,
        attribute: String,
        (expected, actual): (Option<String>, Option<String>),
        secret: bool,
    ) {
        let hidden = secret && self.values == ConfigValues::Hidden;
        let shown = |value: Option<String>| value.filter(|_| !hidden);
        let was = match code {
            DriftCode::Added => "was added",
            DriftCode::Removed => "was removed",
            _ => "differs",
        };
        let message = format!("{} {was}", crate::error::shown_whole(&attribute));
        self.all.push(ConfigFinding {
            code,
            severity,
            attribute,
            expected: shown(expected),
            actual: shown(actual),
            message,
        });
    }
}

/// User and group, root by its number, which is the default.
fn user(text: &str) -> (&str, &str) {
    let (user, group) = text.split_once(':').unwrap_or((text, ""));
    let number = |name| if matches!(name, "" | "root" | "0") { "0" } else { name };
    (number(user), if group == "root" { "0" } else { group })
}

fn folder(text: &str) -> &str {
    text.trim_end_matches('/')
}

/// Whether the mount hands over the host: its root, its system folders, or a runtime's socket.
fn opens_the_host(mount: &Mount) -> bool {
    let source = mount.source.trim_end_matches('/');
    let system = [
        "/boot",
        "/dev",
        "/etc",
        "/proc",
        "/sys",
        "/usr",
        "/var/lib/kubelet",
        "/var/lib/docker",
        "/var/lib/containers",
    ];
    mount.source.starts_with('/')
        && (source.is_empty()
            || source.as_bytes().ends_with(b".sock")
            || system.iter().any(|folder| source == *folder || source.starts_with(&format!("{folder}/"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(json: serde_json::Value) -> InstanceSpec {
        serde_json::from_value(json).expect("a spec")
    }

    #[test]
    fn what_differs_is_found_with_its_severity() {
        use serde_json::json;
        let image = Runtime {
            env: vec!["PATH=/bin".into(), "LANG=C".into()],
            entrypoint: vec!["/app".into()],
            cmd: vec!["serve".into()],
            user: Some("1000".into()),
            ..Runtime::default()
        };
        let declared =
            json!({"env": {"PORT": "80"}, "mounts": {"/data": {"source": "data"}}, "labels": {"a": "1"}});
        let as_declared = spec(declared.clone()).over(&image);
        assert_eq!(compare_config(&spec(declared.clone()), &as_declared, &image, ConfigValues::Hidden), []);
        for (observed, expected) in [
            (json!({}), ""),
            (json!({"env": {"PATH": "/bin", "LANG": "C", "PORT": "80"}}), ""),
            (json!({"env": {"PATH": "/tmp:/bin", "LANG": "C", "PORT": "80"}}), "modified critical env:PATH"),
            (
                json!({"env": {"PATH": "/bin", "LANG": "C", "PORT": "80", "LD_PRELOAD": "x"}}),
                "added critical env:LD_PRELOAD",
            ),
            (json!({"env": {"PATH": "/bin", "LANG": "C", "PORT": "81"}}), "modified warning env:PORT"),
            (json!({"env": {"PATH": "/bin", "PORT": "80"}}), "removed warning env:LANG"),
            (
                json!({"env": {"PATH": "/bin", "LANG": "C", "PORT": "80", "HOSTNAME": "x"}}),
                "added info env:HOSTNAME",
            ),
            (json!({"entrypoint": ["/app"], "args": ["serve"]}), ""),
            (json!({"entrypoint": ["/app", "serve"], "args": []}), ""),
            (json!({"entrypoint": ["/bin/sh"], "args": ["serve"]}), "modified critical command"),
            (json!({"user": "1000"}), ""),
            (json!({"user": "root"}), "modified critical user"),
            (json!({"user": "1000:7"}), "modified warning user"),
            (json!({"workingDir": ""}), ""),
            (json!({"workingDir": "/srv"}), "modified warning workingDir"),
            (
                json!({"mounts": {"/data": {"source": "data", "readOnly": true}}}),
                "modified warning mount:/data",
            ),
            (json!({"mounts": {}}), "removed warning mount:/data"),
            (
                json!({"mounts": {"/data": {"source": "data"}, "/s": {"source": "/run/docker.sock"}}}),
                "added critical mount:/s",
            ),
            (
                json!({"mounts": {"/data": {"source": "data"}, "/usr/bin": {"source": "x"}}}),
                "added critical mount:/usr/bin",
            ),
            (json!({"labels": {"a": "1", "b": "2"}}), "added info label:b"),
            (json!({"labels": {"a": "2"}}), "modified warning label:a"),
        ] {
            let found = compare_config(
                &spec(declared.clone()),
                &spec(observed.clone()),
                &image,
                ConfigValues::Hidden,
            );
            let text: Vec<_> =
                found.iter().map(|f| format!("{} {} {}", f.code, f.severity.name(), f.attribute)).collect();
            assert_eq!(text.join("; "), expected, "{observed}");
        }
    }

    #[test]
    fn a_secret_has_to_be_there_and_its_value_is_never_shown() {
        use serde_json::json;
        let image = Runtime { env: vec!["TOKEN=of-the-image".into()], ..Runtime::default() };
        let declared = spec(json!({"env": {"A": "1"}, "secrets": {"TOKEN": {"file": "/run/token"}}}));
        for (observed, expected) in [
            (json!({"env": {"A": "1", "TOKEN": "s3cret"}}), ""),
            (json!({"env": {"A": "1", "TOKEN": "another"}}), ""),
            (json!({"env": {"A": "1"}, "secrets": {"TOKEN": {"env": "ELSEWHERE"}}}), ""),
            (json!({"env": {"A": "1"}}), "removed env:TOKEN None None"),
            (json!({"args": []}), ""),
        ] {
            let found = compare_config(&declared, &spec(observed.clone()), &image, ConfigValues::Shown);
            let text: Vec<_> = found
                .iter()
                .map(|f| format!("{} {} {:?} {:?}", f.code, f.attribute, f.expected, f.actual))
                .collect();
            assert_eq!(text.join("; "), expected, "{observed}");
        }
    }

    #[test]
    fn values_are_shown_only_on_request() {
        let env = |value: &str| InstanceSpec {
            env: Some(BTreeMap::from([("TOKEN".to_owned(), value.to_owned())])),
            args: Some(vec![format!("--token={value}")]),
            ..InstanceSpec::default()
        };
        let found = |values| {
            let found = compare_config(&env("s3cret"), &env("0ther"), &Runtime::default(), values);
            serde_json::to_string(&found).expect("JSON")
        };
        let hidden = found(ConfigValues::Hidden);
        assert!(hidden.contains("env:TOKEN") && hidden.contains("command"));
        assert!(!hidden.contains("s3cret") && !hidden.contains("0ther"));
        assert!(found(ConfigValues::Shown).contains("s3cret"));
    }
}
