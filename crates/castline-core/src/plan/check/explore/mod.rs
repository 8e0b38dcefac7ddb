//! Every order of events, for plans that are small: the rollout itself against a world that does its worst.

mod extent;
mod world;

use std::{
    collections::{HashMap, VecDeque, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};

pub use extent::{Exploration, Extent};

use self::world::{News, World};
use super::{Violation, ViolationCode as Code};
use crate::{
    Release, Time,
    plan::{Limit, Plan, Target},
    rollout::{Action, Do, Event, Rollout, Status, What},
};

/// Executes a plan in every order in which things can happen, with so many faults anywhere, and proves of each state that
/// can be reached: no action takes what is available below a floor, what is present above a ceiling, or what is under way
/// above what may be in flight; only the releases are launched, and each launch once; no slot is held twice; a journal of the events gives the same state
/// again; and the rollout can end, or waits for somebody.
///
/// Instances are counted by the world of the exploration, not by the rollout. What a limit for some reasons or for some time says
/// is left out: an action does not tell its reason.
///
/// # Errors
///
/// The first [`Violation`] that is found, with one of the shortest ways there.
pub fn explore(
    plan: &Plan,
    targets: &[Target],
    fallback: &[Release],
    extent: Extent,
) -> Result<Exploration, Violation> {
    explore_with(plan, targets, fallback, &plan.limits, extent)
}

pub(super) fn explore_with(
    plan: &Plan,
    targets: &[Target],
    fallback: &[Release],
    limits: &[Limit],
    extent: Extent,
) -> Result<Exploration, Violation> {
    let rollout = Rollout::start(plan, targets, fallback, Time::default())
        .map_err(|error| Violation::new(Code::DocumentsDiffer, error.to_string()))?;
    let mut explorer = Explorer {
        limits,
        revisions: targets
            .iter()
            .map(|target| &target.release)
            .chain(fallback)
            .map(Release::revision)
            .collect(),
        start: rollout.clone(),
        extent,
        known: HashMap::new(),
        nodes: Vec::new(),
        queue: VecDeque::new(),
    };
    let mut state = State { rollout, world: World::of(targets), faults: extent.faults };
    explorer.judge(&mut state).map_err(|(code, message)| Violation::new(code, message))?;
    explorer.add(state, None);
    explorer.run()
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    rollout: Rollout,
    world: World,
    /// How many things may still go wrong.
    faults: u32,
}

/// What leads from one state to another.
#[derive(Clone, Debug)]
struct Move {
    /// None where the rollout is not told.
    event: Option<Event>,
    news: Option<News>,
    fault: bool,
}

/// A state that was seen.
struct Node {
    /// The state before, and what led here.
    from: Option<(usize, Move)>,
    /// The states from which nothing wrong leads here.
    fair: Vec<usize>,
    rests: bool,
}

struct Explorer<'a> {
    limits: &'a [Limit],
    revisions: Vec<crate::Revision>,
    start: Rollout,
    extent: Extent,
    known: HashMap<(u64, u64), usize>,
    nodes: Vec<Node>,
    queue: VecDeque<(usize, State)>,
}

impl Explorer<'_> {
    fn run(mut self) -> Result<Exploration, Violation> {
        let (mut ends, mut pauses) = (0, 0);
        let mut exhaustive = true;
        while let Some((number, state)) = self.queue.pop_front() {
            if state.rollout.status().is_end() {
                ends += 1;
                self.replay(number, &state)?;
                continue;
            }
            pauses += u64::from(matches!(state.rollout.status(), Status::Paused { .. }));
            for step in moves(&state) {
                let mut next = state.clone();
                if let Some(news) = &step.news {
                    if step.event.is_some() {
                        next.world.lost.remove(news);
                        next.world.told.insert(news.clone());
                        next.world.happen(news);
                    } else {
                        next.world.lost.insert(news.clone());
                    }
                }
                if let Some(Event { what: What::Observed { fleet }, .. }) = &step.event {
                    next.world.look(fleet.service());
                }
                next.faults -= u32::from(step.fault);
                if let Some(event) = &step.event {
                    next.rollout = next.rollout.on(event);
                }
                if let Err((code, message)) = self.judge(&mut next) {
                    let mut trace = self.trace(number);
                    trace.push(tell(&step));
                    return Err(Violation::new(code, message).with_trace(trace));
                }
                if self.nodes.len() as u64 >= self.extent.states && !self.known.contains_key(&print(&next)) {
                    exhaustive = false;
                    continue;
                }
                self.add(next, Some((number, step)));
            }
        }
        if exhaustive {
            self.ends()?;
        }
        let states = self.nodes.len() as u64;
        Ok(Exploration { exhaustive, states, ends, pauses, faults: self.extent.faults })
    }

    fn add(&mut self, state: State, from: Option<(usize, Move)>) {
        let fair = from.as_ref().filter(|(_, step)| !step.fault).map(|(number, _)| *number);
        let number = *self.known.entry(print(&state)).or_insert_with(|| {
            let rests =
                state.rollout.status().is_end() || matches!(state.rollout.status(), Status::Paused { .. });
            self.nodes.push(Node { from, fair: Vec::new(), rests });
            self.queue.push_back((self.nodes.len() - 1, state));
            self.nodes.len() - 1
        });
        self.nodes[number].fair.extend(fair);
    }

    /// What is asked for now keeps to the limits, as the world counts.
    fn judge(&self, state: &mut State) -> Result<(), (Code, String)> {
        let actions = state.rollout.next().actions;
        let plan = state.rollout.plan();
        let limits = if state.rollout.generation() == 0 { self.limits } else { &plan.limits };
        let before = state.world.clone();
        let fresh = state.world.ask(&actions);
        let always = limits.iter().filter(|limit| limit.reasons.is_empty() && limit.window.is_none());
        for limit in always {
            let counted = || fresh.iter().filter(|action| state.world.is_counted(limit, action));
            let launched = counted().find(|action| matches!(action.what, Do::Launch { .. }));
            let (present, available) = state.world.count(limit);
            if let (Some(action), Some(ceiling)) =
                (launched, limit.ceiling.filter(|ceiling| present > *ceiling))
            {
                let what = describe(action);
                let message =
                    format!("{what} makes {present} present, above the ceiling {ceiling} of {}", limit.name);
                return Err((Code::CeilingBroken, message));
            }
            let under_way = state.world.under_way(limit);
            if let (Some(action), Some(most)) =
                (counted().next(), limit.in_flight.filter(|most| under_way > *most))
            {
                let what = describe(action);
                let message = format!(
                    "with {what}, {under_way} are under way at once, above the {most} of {}",
                    limit.name
                );
                return Err((Code::InFlightBroken, message));
            }
            let retired = counted().find(|action| match &action.what {
                Do::Retire { instance, .. } => before.works(instance),
                _ => false,
            });
            if let (Some(action), Some(floor)) = (retired, limit.floor.filter(|floor| available < *floor)) {
                let what = describe(action);
                let message =
                    format!("{what} leaves {available} available, below the floor {floor} of {}", limit.name);
                return Err((Code::FloorBroken, message));
            }
        }
        for action in &actions {
            let Do::Launch { revision, .. } = &action.what else { continue };
            if !self.revisions.contains(revision) {
                return Err((Code::WrongRevision, format!("{revision} is launched, which is of no release")));
            }
            if state.world.answered.contains(&action.key) {
                let message = format!("the launch `{}` was answered, and is asked for again", action.key);
                return Err((Code::LaunchedTwice, message));
            }
        }
        match state.world.shared_slot() {
            Some(slot) => Err((Code::SlotTaken, format!("two instances hold the slot `{slot}`"))),
            None => Ok(()),
        }
    }

    /// From every state, the rollout comes to an end or a pause if nothing more goes wrong.
    fn ends(&self) -> Result<(), Violation> {
        let mut good: Vec<bool> = self.nodes.iter().map(|node| node.rests).collect();
        let mut queue: Vec<usize> = (0..self.nodes.len()).filter(|number| good[*number]).collect();
        while let Some(number) = queue.pop() {
            for &before in &self.nodes[number].fair {
                if !std::mem::replace(&mut good[before], true) {
                    queue.push(before);
                }
            }
        }
        match good.iter().position(|good| !good) {
            None => Ok(()),
            Some(number) => {
                let message = "the rollout goes on, and can neither end nor stop and say why";
                Err(Violation::new(Code::Endless, message).with_trace(self.trace(number)))
            }
        }
    }

    /// A journal of the events makes the same rollout again.
    fn replay(&self, number: usize, state: &State) -> Result<(), Violation> {
        let events = self.way(number).into_iter().filter_map(|step| step.event.as_ref());
        let again = events.fold(self.start.clone(), Rollout::on);
        if again == state.rollout {
            return Ok(());
        }
        let message = "the journal of the events makes another rollout";
        Err(Violation::new(Code::NotResumable, message).with_trace(self.trace(number)))
    }

    fn way(&self, number: usize) -> Vec<&Move> {
        let mut way = Vec::new();
        let mut at = &self.nodes[number];
        while let Some((before, step)) = &at.from {
            way.push(step);
            at = &self.nodes[*before];
        }
        way.reverse();
        way
    }

    fn trace(&self, number: usize) -> Vec<String> {
        self.way(number).into_iter().map(tell).collect()
    }
}

/// Everything that can happen in a state.
fn moves(state: &State) -> Vec<Move> {
    let next = state.rollout.next();
    let (at, world) = (state.rollout.clock(), &state.world);
    let told = |news: &News, fault| Move { event: Some(news.event(at)), news: Some(news.clone()), fault };
    let fair = world.fair(&next.actions);
    let mut moves: Vec<Move> = fair.iter().map(|news| told(news, false)).collect();
    if !world.lost.is_empty() {
        let services = state.rollout.targets().iter().map(|target| target.fleet.service());
        for fleet in services.filter_map(|service| world.observed(service)) {
            let event = Some(Event { at, what: What::Observed { fleet } });
            moves.push(Move { event, news: None, fault: false });
        }
    }
    let may_fail = state.faults > 0;
    if let Some(wake) = next.wake.filter(|_| may_fail || fair.is_empty()) {
        let event = Some(Event { at: wake, what: What::Tick });
        moves.push(Move { event, news: None, fault: !fair.is_empty() });
    }
    if may_fail {
        moves.extend(world.unfair(&next.actions).iter().map(|news| told(news, true)));
        let lost =
            fair.iter().filter(|news| matches!(news, News::Launched(..) | News::Gone(_) | News::Ready(_)));
        let lost = lost.filter(|news| !world.lost.contains(news));
        moves.extend(lost.map(|news| Move { event: None, news: Some(news.clone()), fault: true }));
    }
    moves
}

/// Two hashes: that two states agree in both by chance is as good as impossible.
fn print(state: &State) -> (u64, u64) {
    let hash = |seed: u8| {
        let mut hasher = DefaultHasher::new();
        seed.hash(&mut hasher);
        state.hash(&mut hasher);
        hasher.finish()
    };
    (hash(0), hash(1))
}

fn describe(action: &Action) -> String {
    match &action.what {
        Do::Retire { instance, .. } => format!("retiring `{instance}`"),
        _ => format!("the launch `{}`", action.key),
    }
}

fn tell(step: &Move) -> String {
    let wrong = if step.fault { "by a fault, " } else { "" };
    let text = match (&step.news, &step.event) {
        (Some(news), None) => return format!("nobody is told of {news:?}"),
        (Some(news), _) => format!("{news:?}"),
        (None, Some(Event { what: What::Observed { fleet }, .. })) => {
            format!("somebody looks at {}", fleet.service())
        }
        (None, event) => {
            format!("time passes to {}", event.as_ref().map_or(Time::default(), |event| event.at))
        }
    };
    format!("{wrong}{text}")
}
