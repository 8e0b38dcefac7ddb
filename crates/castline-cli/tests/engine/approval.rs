//! The ledger is held once somebody has approved of a plan, and not while they think about it.

use std::{
    fs,
    io::Write as _,
    process::{ChildStdin, Command, Stdio},
};

use serde_json::Value;

use super::{APPLY, Running, Site, image};

fn entries(site: &Site) -> u64 {
    site.json("history.json", "history")["entries"].as_u64().expect("a number")
}

/// A command at a terminal of its own.
struct AtTerminal {
    running: Running,
    keys: ChildStdin,
}

impl AtTerminal {
    fn new(site: &Site, arguments: &str) -> Self {
        let castline = env!("CARGO_BIN_EXE_castline");
        let script = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))";
        let mut command = Command::new("python3");
        command.args(["-c", script, castline]).args(arguments.split_whitespace());
        command.current_dir(site.0.path()).env_remove("CASTLINE_SITE");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut running = Running::new(command);
        let keys = running.child.stdin.take().expect("a pipe");
        Self { running, keys }
    }

    fn wait_for(&mut self, text: &str) {
        self.running.wait_for(text);
    }

    fn type_in(&mut self, line: &str) {
        self.keys.write_all(line.as_bytes()).expect("it is typed");
    }
}

#[test]
fn of_two_that_wait_for_approval_one_goes_through_and_the_other_finds_that_the_plan_has_changed() {
    let site = Site::new();
    site.ok(&format!("apply --release v1.json {APPLY}"));
    let mut first = AtTerminal::new(&site, "apply --release v2.json --policy policy.json");
    let mut second = AtTerminal::new(&site, "apply --release v3.json --policy policy.json");
    for one in [&mut first, &mut second] {
        // The line after it asks, and does not end before it is answered.
        one.wait_for("proved safe");
    }
    // Nobody is kept from writing by somebody who thinks.
    site.ok("status");
    first.type_in("yes\n");
    let (status, text) = first.running.end();
    assert!(status == 0 && text.contains("succeeded"), "{text}");
    assert_eq!(site.images(), [image("v2")]);
    let before = entries(&site);
    second.type_in("yes\n");
    second.wait_for("something has changed since the plan was made");
    second.wait_for("proved safe");
    assert_eq!((site.images(), entries(&site)), (vec![image("v2")], before), "it is asked again");
    second.type_in("yes\n");
    let (status, text) = second.running.end();
    assert!(status == 0 && text.contains("succeeded"), "{text}");
    assert_eq!(site.images(), [image("v3")]);
}

#[test]
fn who_approves_of_one_plan_only_is_not_taken_to_approve_of_what_it_is_once_the_ledger_is_held() {
    let site = Site::new();
    site.ok(&format!("apply --release v1.json {APPLY}"));
    // What it sees is another fleet each time that it looks.
    let driver = fs::read_to_string(site.path("castline-site.toml")).expect("a site");
    let program = driver.split('"').find(|word| word.ends_with("driver.py")).expect("a driver").to_owned();
    let changes = format!(
        "import json, sys\nsys.argv = ['driver.py', 'fleet']\nsource = open({program:?}).read()\n\
         source = source.replace('def fleet(service):', 'def fleet(service):\\n    seen(service)')\n\
         def seen(service):\n    import pathlib\n    mark = pathlib.Path('moving')\n    if not mark.exists(): return\n    \
         one = sorted(pathlib.Path('fleet').glob('i-*.json'))[0]\n    told = json.loads(one.read_text())\n    \
         told['instance']['health'] = 'ready' if told['instance']['health'] != 'ready' else 'notReady'\n    \
         one.write_text(json.dumps(told))\nexec(compile(source, 'driver.py', 'exec'))\n"
    );
    site.write("changing.py", &changes);
    let file = driver.replace(&program, &site.path("changing.py").display().to_string());
    site.write("castline-site.toml", &file);
    let dry = "apply --release v2.json --policy policy.json --dry-run --json";
    site.write("moving", "");
    let digest = |text: &str| -> String {
        let planned: Value = serde_json::from_str(text.lines().next().expect("a line")).expect("JSON");
        planned["digest"].as_str().expect("a digest").to_owned()
    };
    let [odd, even] = [(); 2].map(|()| digest(&site.ok(dry)));
    assert_ne!(odd, even);
    let before = entries(&site);
    // The first look shows what was approved of, and the second, with the ledger held, does not.
    let approve = format!("apply --release v2.json --policy policy.json --approve {odd}");
    let (status, _, errors) = site.run(&approve);
    assert!(status == 2 && errors.contains("another one than was approved of"), "{errors}");
    assert!(errors.contains("something has changed since the plan was made"), "{errors}");
    assert_eq!(entries(&site), before);
    assert_eq!(site.images(), [image("v1")]);
}
