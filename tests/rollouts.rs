//! Laws of rollouts in a world that is slow, fails, loses, repeats and forgets.

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use castline::{
    Document as _, Fleet, Health, Instance, Integrity, Phase, Release, Time,
    plan::{Limit, Target, plan},
    policy::{Amount, Breakers, Budget, Compromised, Gate, OnFailure, Policy, Scope, Select, Step, Strategy},
    rollout::{Do, Event, Key, Rollout, Status, What},
};
use proptest::prelude::*;
use support::fleets::{release, target};

/// What the rollout was told of an instance.
#[derive(Clone, Debug)]
struct Told {
    zone: Arc<str>,
    labels: Arc<BTreeMap<String, String>>,
    ready: Option<Time>,
    going: bool,
    compromised: bool,
}

/// A zone, and labels.
type Place = (Arc<str>, Arc<BTreeMap<String, String>>);

/// A world that does what is asked for when chance says so, and other things, too.
struct World {
    rollout: Rollout,
    journal: Vec<Event>,
    now: Time,
    told: BTreeMap<Arc<str>, Told>,
    /// Launches that were asked for and not answered: what each is to be.
    launching: BTreeMap<Key, Place>,
    asked: BTreeSet<Key>,
    next: usize,
    min_ready: u64,
    isolates: bool,
    kills: u32,
    /// What the plan retires: what of it is down stays so.
    victims: BTreeSet<Arc<str>>,
}

impl World {
    fn new(rollout: Rollout, first: usize) -> Self {
        let target = rollout.targets()[0].clone();
        let told = target.fleet.instances().iter().filter(|one| one.phase != Phase::Quarantined);
        let told = told.map(|one| {
            let ready = one.phase == Phase::Running && one.health == Health::Ready;
            let told = Told {
                zone: Arc::clone(&one.zone),
                labels: Arc::clone(&one.labels),
                ready: ready.then_some(Time::from_millis(i64::MIN)),
                going: one.phase == Phase::Terminating,
                compromised: one.integrity == Integrity::Compromised,
            };
            (Arc::clone(&one.id), told)
        });
        let mut world = Self {
            now: rollout.clock(),
            told: told.collect(),
            journal: Vec::new(),
            launching: BTreeMap::new(),
            asked: BTreeSet::new(),
            next: first,
            min_ready: target.policy.min_ready_seconds,
            isolates: target.policy.compromised == Compromised::Isolate,
            kills: 6,
            victims: rollout
                .plan()
                .replacements()
                .filter_map(|one| Some(Arc::clone(&one.retire.as_ref()?.id)))
                .collect(),
            rollout,
        };
        world.look();
        world
    }

    fn available(&self, limit: &Limit) -> u64 {
        let does = |one: &&Told| {
            let since = one.ready.map(|at| {
                if at == Time::from_millis(i64::MIN) { at } else { at.after_seconds(self.min_ready) }
            });
            !one.going && since.is_some_and(|since| since <= self.now) && !(self.isolates && one.compromised)
        };
        self.told.values().filter(|one| limit.of.has("web", &one.zone, &one.labels)).filter(does).count()
            as u64
    }

    fn present(&self, limit: &Limit) -> u64 {
        let told = self.told.values().map(|one| (&one.zone, &one.labels));
        let coming = self.launching.values().map(|(zone, labels)| (zone, labels));
        told.chain(coming).filter(|(zone, labels)| limit.of.has("web", zone, labels)).count() as u64
    }

    /// Looks at what is asked for, and that none of it breaks a limit.
    fn look(&mut self) {
        let limits = self.rollout.plan().limits.clone();
        let mut launched = Vec::new();
        let actions = self.rollout.next().actions;
        let asked = actions.iter().filter(|action| matches!(action.what, Do::Launch { .. })).count() as u64;
        let left = self.rollout.launches_left("web");
        assert!(asked <= left, "{asked} launches are asked for, and {left} are left\n{:#?}", self.journal);
        for action in actions {
            let first = self.asked.insert(action.key.clone());
            match action.what {
                Do::Launch { zone, labels, .. } if first => {
                    self.launching.insert(action.key, (Arc::clone(&zone), Arc::clone(&labels)));
                    launched.push((zone, labels));
                }
                Do::Retire { instance, disposal, .. } if first => {
                    let Some(one) = self.told.get(&instance).cloned() else { continue };
                    let counted = |limit: &&Limit| limit.of.has("web", &one.zone, &one.labels);
                    let before: Vec<u64> =
                        limits.iter().filter(counted).map(|limit| self.available(limit)).collect();
                    if let Some(one) = self.told.get_mut(&instance) {
                        one.going = true;
                    }
                    for (limit, before) in limits.iter().filter(counted).zip(before) {
                        let after = self.available(limit);
                        let floor = limit.floor.unwrap_or(0);
                        let free = disposal == castline::plan::Disposal::Isolate;
                        assert!(
                            free || after == before || after >= floor,
                            "{}: retiring {instance} leaves {after} of {floor}\n{:#?}",
                            limit.name,
                            self.journal
                        );
                    }
                }
                _ => {}
            }
        }
        for (zone, labels) in launched {
            for limit in limits.iter().filter(|limit| limit.of.has("web", &zone, &labels)) {
                let present = self.present(limit);
                let ceiling = limit.ceiling.unwrap_or(u64::MAX);
                assert!(present <= ceiling, "{}: {present} of {ceiling}\n{:#?}", limit.name, self.journal);
            }
        }
    }

    fn tell(&mut self, what: What) {
        match &what {
            What::Launched { key, instance } => {
                if let Some((zone, labels)) = self.launching.remove(key) {
                    let (ready, going, compromised) = (None, false, false);
                    self.told.insert(Arc::clone(instance), Told { zone, labels, ready, going, compromised });
                }
            }
            What::LaunchFailed { key, .. } => {
                self.launching.remove(key);
            }
            What::Ready { instance } => {
                if let Some(one) = self.told.get_mut(instance).filter(|one| one.ready.is_none()) {
                    one.ready = Some(self.now);
                }
            }
            What::NotReady { instance } | What::Failed { instance, .. } => {
                if let Some(one) = self.told.get_mut(instance) {
                    one.ready = None;
                }
            }
            What::Gone { instance } | What::Quarantined { instance } => {
                self.told.remove(instance);
            }
            What::Compromised { instance } => {
                if let Some(one) = self.told.get_mut(instance) {
                    one.compromised = true;
                }
            }
            _ => {}
        }
        let event = Event { at: self.now, what };
        self.rollout = self.rollout.clone().on(&event);
        self.journal.push(event);
        self.look();
    }

    /// Lets time pass until the rollout wants to be woken.
    fn wait(&mut self) -> bool {
        let Some(wake) = self.rollout.next().wake else { return false };
        self.now = self.now.max(wake);
        self.tell(What::Tick);
        true
    }

    /// Does one of the things that are asked for.
    fn serve(&mut self, choice: usize, well: bool) -> bool {
        let actions = self.rollout.next().actions;
        if actions.is_empty() {
            return false;
        }
        let action = &actions[choice % actions.len()];
        let key = action.key.clone();
        let by = || "somebody".to_owned();
        let what = match &action.what {
            Do::Launch { .. } if well => {
                self.next += 1;
                What::Launched { key, instance: format!("new-{}", self.next).into() }
            }
            Do::Launch { .. } => What::LaunchFailed { key, reason: "no room".into() },
            Do::Retire { instance, disposal, .. } if disposal.keeps() => {
                What::Quarantined { instance: Arc::clone(instance) }
            }
            Do::Retire { instance, .. } => What::Gone { instance: Arc::clone(instance) },
            Do::Shift { .. } => What::Shifted { key },
            Do::Analyse { .. } if well => What::Passed { key },
            Do::Analyse { .. } => What::NotPassed { key, reason: "errors".into() },
            Do::Ask { .. } if well => What::Approved { key, by: by() },
            _ => What::Refused { key, by: by(), reason: "not today".into() },
        };
        self.tell(what);
        true
    }

    fn some(&self, choice: usize) -> Option<Arc<str>> {
        let ids: Vec<&Arc<str>> = self.told.keys().collect();
        (!ids.is_empty()).then(|| Arc::clone(ids[choice % ids.len()]))
    }

    /// Something happens, as chance says.
    fn happen(&mut self, (kind, choice): (u8, usize)) {
        let instance = self.some(choice);
        let by = || "somebody".to_owned();
        match (kind, instance) {
            (0..=30, _) => drop(self.serve(choice, true)),
            (31..=34, _) => drop(self.serve(choice, false)),
            (35..=59, Some(instance)) => self.tell(What::Ready { instance }),
            (60..=64, Some(instance)) => self.tell(What::NotReady { instance }),
            (65..=66, Some(instance)) if self.kills > 0 => {
                self.kills -= 1;
                self.tell(What::Gone { instance });
            }
            (67, Some(instance)) if self.kills > 0 => {
                self.kills -= 1;
                self.tell(What::Failed { instance, reason: "it crashed".into() });
            }
            (68, Some(instance)) if self.kills > 0 => {
                self.kills -= 1;
                self.tell(What::Compromised { instance });
            }
            (69..=75, _) => drop(self.wait()),
            (76..=79, _) => {
                self.now = self.now.after_seconds(choice as u64 % 100);
                self.tell(What::Tick);
            }
            (80..=85, _) if !self.journal.is_empty() => {
                // What came before comes again.
                let what = self.journal[choice % self.journal.len()].what.clone();
                if !matches!(what, What::Resize { .. } | What::Ready { .. } | What::Abort { .. }) {
                    let gone = match &what {
                        What::NotReady { instance }
                        | What::Failed { instance, .. }
                        | What::Compromised { instance } => !self.told.contains_key(instance),
                        _ => true,
                    };
                    if gone {
                        self.tell(what);
                    }
                }
            }
            (86, _) => self.tell(What::Pause { by: by(), reason: String::new() }),
            (87..=89, _) => self.tell(What::Continue { by: by() }),
            (90, _) => {
                self.tell(What::Resize { service: "web".into(), replicas: choice as u64 % 12, by: by() });
            }
            (91, _) => self.tell(What::RollBack { by: by() }),
            (92, _) => {
                let key = Key("nobody-0-0-0".into());
                self.tell(What::Launched { key, instance: "stranger".into() });
            }
            _ => self.tell(What::Gone { instance: "nobody".into() }),
        }
    }

    /// From now on everything goes well; whoever is asked says yes.
    fn end(&mut self) {
        for round in 0..4000 {
            if self.rollout.status().is_end() {
                return;
            }
            if matches!(self.rollout.status(), Status::Paused { .. }) && round > 1000 {
                // Paused, with a reason, in spite of somebody going on again and again: that is an end, too.
                return;
            }
            if matches!(self.rollout.status(), Status::Paused { .. }) {
                self.tell(What::Continue { by: "somebody".into() });
            }
            let waiting: Vec<Arc<str>> = self
                .told
                .iter()
                .filter(|(id, one)| one.ready.is_none() && !one.going && !self.victims.contains(*id))
                .map(|(id, _)| Arc::clone(id))
                .collect();
            if self.serve(0, true) {
                continue;
            }
            if let Some(instance) = waiting.first() {
                self.tell(What::Ready { instance: Arc::clone(instance) });
                continue;
            }
            let leaving = self.told.iter().find(|(_, one)| one.going).map(|(id, _)| Arc::clone(id));
            if let Some(instance) = leaving {
                self.tell(What::Gone { instance });
                continue;
            }
            if !self.wait() && !matches!(self.rollout.status(), Status::Paused { .. }) {
                break;
            }
        }
        if self.rollout.status().is_end() {
            return;
        }
        panic!(
            "it does not end: {:?}\n{:#?}\n{:#?}",
            self.rollout.status(),
            self.rollout.waits(),
            self.rollout
        );
    }
}

fn cases() -> u32 {
    std::env::var("CASTLINE_LAW_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 4000, ..ProptestConfig::default() })]

    /// Whatever happens: floors and ceilings are not broken by what is asked for, the journal makes the same rollout
    /// again, and once the world does its work, the rollout ends.
    #[test]
    fn limits_hold_in_any_world_and_every_rollout_ends(
        target in target(),
        rollback in prop::bool::ANY,
        chances in prop::collection::vec((0_u8..94, 0_usize..1000), 0..120),
    ) {
        let mut target = target;
        if rollback {
            target.policy = target.policy.with_on_failure(OnFailure::Rollback);
        }
        let targets = [target];
        let Ok(plan) = plan(&targets) else { return Ok(()) };
        let fallback = [release("web", "ami-1", 5)];
        let start = Rollout::start(&plan, &targets, &fallback, Time::default()).expect("it starts");
        let mut world = World::new(start.clone(), 0);
        for chance in chances {
            if world.rollout.status().is_end() {
                break;
            }
            world.happen(chance);
        }
        world.end();
        let again = world.journal.iter().fold(start, Rollout::on);
        prop_assert!(again == world.rollout, "the journal makes another rollout");
        let lines: Vec<String> =
            world.journal.iter().map(|event| serde_json::to_string(event).expect("JSON")).collect();
        let read: Vec<Event> =
            lines.iter().map(|line| serde_json::from_str(line).expect("an event")).collect();
        prop_assert_eq!(read, world.journal);
    }

    /// Planning again from wherever a rollout has come to arrives where it was going, and launches nothing again that is there.
    #[test]
    fn another_plan_goes_on_from_any_prefix(target in target(), served in 0_usize..30, choice in 0_usize..100) {
        let targets = [target];
        let Ok(first) = plan(&targets) else { return Ok(()) };
        let start = Rollout::start(&first, &targets, &[], Time::default()).expect("it starts");
        let mut world = World::new(start, 0);
        for _ in 0..served {
            world.serve(choice, true);
        }
        let fleet = world.rollout.fleet("web").expect("a fleet");
        let is_new = |fleet: &Fleet| {
            let new = fleet.instances().iter().filter(|one| one.id.starts_with("new-") && one.is_present());
            new.map(|one| Arc::clone(&one.id)).collect::<BTreeSet<_>>()
        };
        let kept = is_new(&fleet);
        let rest = [Target { fleet, ..targets[0].clone() }];
        let Ok(second) = plan(&rest) else {
            // What is half done can be in the way of what is half done only where instances are down.
            return Ok(());
        };
        let retired: BTreeSet<Arc<str>> =
            second.replacements().filter_map(|one| Some(Arc::clone(&one.retire.as_ref()?.id))).collect();
        let again: Vec<_> = kept.intersection(&retired).collect();
        prop_assert!(again.is_empty(), "{again:?} are new, and are replaced again");
        let start = Rollout::start(&second, &rest, &[], Time::default()).expect("it starts");
        let mut world = World::new(start, 1000);
        world.end();
        prop_assert_eq!(world.rollout.status(), &Status::Succeeded);
        let end = world.rollout.fleet("web").expect("a fleet");
        let arrived = [Target { fleet: end, ..targets[0].clone() }];
        let last = plan(&arrived).expect("a plan");
        prop_assert!(last.is_empty(), "{last:#?}");
        prop_assert!(first.digest() == first.digest());
    }
}

fn old(service: &str, number: usize) -> Vec<Instance> {
    (0..number).map(|one| Instance::new(format!("{service}-{one}")).with_image("ami-1")).collect()
}

fn of(service: &str, instances: Vec<Instance>, replicas: u64, policy: Policy) -> Target {
    let fleet = Fleet::new(service, instances).expect("a fleet");
    Target { fleet, release: release(service, "ami-2", replicas), policy }
}

fn surge_of_one() -> Policy {
    Policy::default().with_budget(Budget::fleet(Amount::ZERO, Amount::Count(1)))
}

/// A world in which everything is done at once, and goes well.
struct Calm {
    rollout: Rollout,
    launched: usize,
}

impl Calm {
    fn new(targets: &[Target], fallback: &[Release]) -> Self {
        let plan = plan(targets).expect("a plan");
        let rollout = Rollout::start(&plan, targets, fallback, Time::default()).expect("it starts");
        Self { rollout, launched: 0 }
    }

    fn tell(&mut self, what: What) {
        let at = self.rollout.clock();
        self.rollout = self.rollout.clone().on(&Event { at, what });
    }

    /// Does the first action that there is.
    fn serve(&mut self) -> bool {
        let Some(action) = self.rollout.next().actions.into_iter().next() else { return false };
        let key = action.key;
        match action.what {
            Do::Launch { .. } => {
                self.launched += 1;
                let instance: Arc<str> = format!("new-{}", self.launched).into();
                self.tell(What::Launched { key, instance: Arc::clone(&instance) });
                self.tell(What::Ready { instance });
            }
            Do::Retire { instance, .. } => self.tell(What::Gone { instance }),
            Do::Shift { .. } => self.tell(What::Shifted { key }),
            Do::Analyse { .. } => self.tell(What::Passed { key }),
            _ => self.tell(What::Approved { key, by: "somebody".into() }),
        }
        true
    }

    fn serve_until(&mut self, wanted: fn(&Do) -> bool) -> Key {
        loop {
            if let Some(action) = self.rollout.next().actions.into_iter().find(|one| wanted(&one.what)) {
                return action.key;
            }
            assert!(self.serve(), "nothing is to be done: {:?}", self.rollout.status());
        }
    }

    fn serve_all(&mut self) -> &Status {
        while self.serve() {}
        self.rollout.status()
    }

    fn launch_of(&self, service: &str) -> Option<Key> {
        let launches = self.rollout.next().actions.into_iter();
        let mut launches = launches.filter(|one| matches!(one.what, Do::Launch { .. }));
        Some(launches.find(|one| *one.service == *service)?.key)
    }

    fn images(&self, service: &str) -> Vec<String> {
        let fleet = self.rollout.fleet(service).expect("a fleet");
        fleet.instances().iter().map(|one| one.image.to_string()).collect()
    }
}

fn by() -> String {
    "somebody".into()
}

#[test]
fn what_fails_of_one_service_is_not_held_against_another() {
    let tolerant = |most| {
        let mut breakers = Breakers::default();
        breakers.max_failed = Amount::Count(most);
        surge_of_one().with_breakers(breakers)
    };
    let targets = [of("a", old("a", 6), 6, tolerant(3)), of("b", old("b", 6), 6, tolerant(2))];
    let mut calm = Calm::new(&targets, &[]);
    for (service, goes_on) in [("a", true), ("a", true), ("b", true), ("a", true), ("b", true), ("b", false)]
    {
        let key = calm.launch_of(service).expect("a launch");
        calm.tell(What::LaunchFailed { key, reason: "no room".into() });
        assert_eq!(matches!(calm.rollout.status(), Status::Running), goes_on, "{service}");
    }
}

#[test]
fn an_instance_that_the_plan_does_not_know_is_not_made_up_for() {
    let mut calm = Calm::new(&[of("a", old("a", 2), 2, surge_of_one())], &[]);
    let mut seen = old("a", 2);
    seen.push(Instance::new("stranger").with_image("ami-0"));
    calm.tell(What::Observed { fleet: Fleet::new("a", seen).expect("a fleet") });
    calm.tell(What::Failed { instance: "stranger".into(), reason: "it crashed".into() });
    calm.tell(What::Gone { instance: "stranger".into() });
    assert_eq!(calm.serve_all(), &Status::Succeeded);
    assert_eq!(calm.images("a"), ["ami-2", "ami-2"]);
}

fn in_slots(number: usize) -> Vec<Instance> {
    let slot = |(one, instance): (usize, Instance)| instance.with_slot(format!("a-{one}"));
    old("uid", number).into_iter().enumerate().map(slot).collect()
}

#[test]
fn a_slot_is_not_filled_before_it_is_free() {
    let policy = Policy::default().with_budget(Budget::fleet(Amount::Count(1), Amount::Count(1)));
    // One that goes already when the plan is made.
    let mut instances = in_slots(3);
    for (instance, phase) in instances.iter_mut().zip([Phase::Running, Phase::Terminating, Phase::Running]) {
        *instance = instance.clone().with_image("ami-2").with_phase(phase);
    }
    let mut calm = Calm::new(&[of("a", instances.clone(), 3, policy.clone())], &[]);
    assert_eq!(calm.launch_of("a"), None);
    calm.tell(What::Gone { instance: "uid-1".into() });
    assert!(calm.launch_of("a").is_some());
    // One that somebody ends while the rollout goes on.
    for instance in &mut instances {
        *instance = instance.clone().with_phase(Phase::Running);
    }
    instances[1] = instances[1].clone().with_image("ami-1");
    let mut calm = Calm::new(&[of("a", instances.clone(), 3, policy.clone())], &[]);
    instances[0] = instances[0].clone().with_phase(Phase::Terminating);
    calm.tell(What::Observed { fleet: Fleet::new("a", instances).expect("a fleet") });
    assert_eq!(calm.launch_of("a"), None);
    calm.tell(What::Gone { instance: "uid-0".into() });
    assert!(calm.launch_of("a").is_some());
    // One that was launched and has failed, and is tried again.
    let mut calm = Calm::new(&[of("a", in_slots(3), 3, policy.with_attempts(2))], &[]);
    let key = calm.serve_until(|what| matches!(what, Do::Launch { .. }));
    calm.tell(What::Launched { key, instance: "new".into() });
    calm.tell(What::Failed { instance: "new".into(), reason: "it crashed".into() });
    assert_eq!(calm.launch_of("a"), None);
    calm.tell(What::Gone { instance: "new".into() });
    assert!(calm.launch_of("a").is_some());
}

#[test]
fn who_goes_on_where_there_is_no_way_back_is_not_told_that_it_went_back() {
    let mut budget = Budget::floor(Scope::Fleet, Amount::Count(4));
    budget.max_surge = Some(Amount::Count(1));
    let targets = [of("a", old("a", 5), 5, Policy::default().with_budget(budget))];
    let mut calm = Calm::new(&targets, &[release("a", "ami-1", 5)]);
    assert!(calm.serve());
    calm.tell(What::Resize { service: "a".into(), replicas: 3, by: by() });
    calm.tell(What::RollBack { by: by() });
    for _ in 0..3 {
        assert!(matches!(calm.serve_all(), Status::Paused { .. }), "{:?}", calm.rollout.status());
        calm.tell(What::Continue { by: by() });
    }
    // With a number that the floor allows, there is one.
    calm.tell(What::Resize { service: "a".into(), replicas: 5, by: by() });
    calm.tell(What::Continue { by: by() });
    assert!(matches!(calm.serve_all(), Status::RolledBack { .. }), "{:?}", calm.rollout.status());
    assert_eq!(calm.images("a"), ["ami-1"; 5]);
}

#[test]
fn what_one_service_was_asked_is_not_answered_by_another() {
    let gated = surge_of_one().with_after("a").with_before(Gate::approval("b, please"));
    let targets = [of("a", old("a", 2), 2, surge_of_one()), of("b", old("b", 2), 2, gated)];
    let mut calm = Calm::new(&targets, &[]);
    calm.serve_until(|what| matches!(what, Do::Ask { .. }));
    calm.tell(What::Resize { service: "a".into(), replicas: 3, by: by() });
    assert!(calm.serve());
    assert_eq!(calm.launch_of("b"), None);
    calm.serve_until(|what| matches!(what, Do::Ask { .. }));
}

#[test]
fn a_gate_that_is_asked_again_is_asked_under_another_key() {
    let step = Step { amount: Amount::Count(1), weight: Some(10), gate: Gate::bake(60) };
    let policy = surge_of_one().with_strategy(Strategy::Canary(vec![step]));
    let mut calm = Calm::new(&[of("a", old("a", 4), 4, policy)], &[]);
    let first = calm.serve_until(|what| matches!(what, Do::Shift { .. }));
    assert!(calm.serve());
    calm.tell(What::Gone { instance: "new-1".into() });
    let again = calm.serve_until(|what| matches!(what, Do::Shift { .. }));
    assert_ne!(first, again);
}

#[test]
fn going_back_from_those_that_were_named_keeps_the_number() {
    let policy = surge_of_one().with_select(Select::Named(vec!["a-0".into(), "a-1".into()]));
    let targets = [of("a", old("a", 5), 3, policy)];
    let mut calm = Calm::new(&targets, &[release("a", "ami-1", 3)]);
    assert_eq!((calm.rollout.can_go_back(), calm.rollout.launches_left("a")), (true, 2));
    assert_eq!(calm.rollout.way_back(), [release("a", "ami-1", 5)]);
    for _ in 0..2 {
        assert!(calm.serve());
    }
    let mut resized = Calm { rollout: calm.rollout.clone(), launched: 100 };
    calm.tell(What::RollBack { by: by() });
    assert!(matches!(calm.serve_all(), Status::RolledBack { .. }), "{:?}", calm.rollout.status());
    assert_eq!(calm.images("a"), ["ami-1"; 5]);
    assert_eq!((calm.rollout.can_go_back(), calm.rollout.launches_left("a")), (false, 0));
    // That one is gone that was named is no reason to stop.
    resized.tell(What::Resize { service: "a".into(), replicas: 6, by: by() });
    assert_eq!(resized.serve_all(), &Status::Succeeded);
}
