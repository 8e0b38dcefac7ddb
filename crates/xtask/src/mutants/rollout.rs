//! Faults of what a rollout counts, begins, asks for and does about failures.

use super::{Mutant, mutant};

const TALLY: &str = "crates/castline-core/src/rollout/tally.rs";
const ADMIT: &str = "crates/castline-core/src/rollout/admit.rs";
const PROGRESS: &str = "crates/castline-core/src/rollout/progress.rs";
const FAILURE: &str = "crates/castline-core/src/rollout/failure.rs";

pub(super) const MUTANTS: &[Mutant] = &[
    mutant(
        TALLY,
        "self.present - self.leaving + self.coming",
        "self.present - self.leaving",
        "what is coming takes no room",
    ),
    mutant(
        TALLY,
        "self.present - self.leaving + self.coming",
        "self.present + self.coming",
        "what is leaving makes no room",
    ),
    mutant(TALLY, "self.available - self.promised", "self.available", "what is promised is given twice"),
    mutant(
        TALLY,
        "self.present + self.asked < number(ceiling)",
        "self.present + self.asked <= number(ceiling)",
        "one too many is launched",
    ),
    mutant(
        TALLY,
        "self.present + self.asked < number(ceiling)",
        "self.present < number(ceiling)",
        "what was asked for takes no room",
    ),
    mutant(
        TALLY,
        "self.available > number(floor)",
        "self.available >= number(floor)",
        "the last one is spared",
    ),
    mutant(
        TALLY,
        "self.rise += sign * i64::from(cell.is_starting());",
        "",
        "what is starting is not hoped for",
    ),
    mutant(
        TALLY,
        "tally.low() + tally.rise < number(floor)",
        "tally.low() < number(floor)",
        "what is under way is not hoped for",
    ),
    mutant(
        TALLY,
        "tally.high() + i64::from(up) > number(ceiling)",
        "tally.high() > number(ceiling)",
        "one too many is begun launch first",
    ),
    mutant(
        TALLY,
        "tally.low() - 1 < number(floor)",
        "tally.low() < number(floor)",
        "one too many is begun retire first",
    ),
    mutant(
        TALLY,
        "tally.in_flight + 1 > number(most)",
        "tally.in_flight > number(most)",
        "one too many is under way",
    ),
    mutant(
        TALLY,
        "order == Order::RetireFirst && effect.retire && retire == Retiring::Held;",
        "false;",
        "what comes in the place of another needs one of its own",
    ),
    mutant(
        TALLY,
        "matches!(launch, Launching::Held | Launching::Asked)",
        "matches!(launch, Launching::Asked)",
        "what is to be launched reserves nothing",
    ),
    mutant(
        TALLY,
        "|| !effect.launch || new_is_available;",
        "|| !effect.launch;",
        "what is about to go promises nothing",
    ),
    mutant(
        TALLY,
        "let up = launch && (order == Order::LaunchFirst || !retire);",
        "let up = launch;",
        "retiring first takes room above, too",
    ),
    mutant(
        ADMIT,
        "if !goes_on || self.replan.is_some()",
        "if self.replan.is_some()",
        "work is begun while it is paused",
    ),
    mutant(ADMIT, "if !goes_on || self.replan.is_some()", "if !goes_on", "work is begun between two plans"),
    mutant(
        ADMIT,
        "self.stages[stage].is_open() && self.may_begin(self.stages[stage].service)",
        "self.stages[stage].is_open()",
        "windows do not matter",
    ),
    mutant(
        ADMIT,
        "(Some(_), Some(old)) if old.gone => Orders::LaunchFirst,",
        "",
        "what is gone is still to be retired",
    ),
    mutant(ADMIT, "refused.filter(|_| holds)", "refused", "what holds at times holds always"),
    mutant(
        ADMIT,
        "let apart = disposal == Disposal::Isolate && instance.slot.is_none();",
        "let apart = false;",
        "isolating waits for a replacement",
    ),
    mutant(
        ADMIT,
        "kind.orders == Orders::Down || launches_alone",
        "false && launches_alone",
        "what adds does not go first",
    ),
    mutant(
        ADMIT,
        "if gone { Retiring::Over } else { Retiring::Held }",
        "Retiring::Held",
        "what is gone is still to go",
    )
    .equal("the step is looked at before anything else is, and then it is seen that what it retires is gone"),
    mutant(
        PROGRESS,
        "retire == Retiring::Held && (order == Order::RetireFirst || up)",
        "retire == Retiring::Held",
        "the old one goes before the new one is there",
    ),
    mutant(
        PROGRESS,
        "launch == Launching::Held && (order == Order::LaunchFirst || gone)",
        "launch == Launching::Held",
        "the new one comes before the old one is gone",
    ),
    mutant(
        PROGRESS,
        "if step.is_untouched() && !self.may_start(number)",
        "if false",
        "what nobody has seen is asked for in a pause",
    ),
    mutant(PROGRESS, "!paused\n            && in_time", "in_time", "a pause does not matter"),
    mutant(PROGRESS, "!paused\n            && in_time", "!paused", "a window that closes does not matter"),
    mutant(
        PROGRESS,
        "!holds || !self.tallies",
        "true || !self.tallies",
        "a budget that begins to hold does not matter",
    ),
    mutant(
        PROGRESS,
        "!self.frozen && self.replan.is_none()",
        "self.replan.is_none()",
        "a rollout that has failed asks for more",
    ),
    mutant(
        PROGRESS,
        "!self.frozen && self.replan.is_none()",
        "!self.frozen",
        "what is no longer planned is asked for",
    ),
    mutant(
        PROGRESS,
        "limit.window.is_some() || self.tallies[effect.limit as usize].can_spare(limit)",
        "true || limit.window.is_some()",
        "what cannot be spared any more goes",
    ),
    mutant(
        PROGRESS,
        "limit.window.is_some() || self.tallies[effect.limit as usize].has_room_besides(limit)",
        "true || limit.window.is_some()",
        "what has no room any more comes",
    ),
    mutant(PROGRESS, "            && self.retiring.is_empty()\n", "", "it ends before the last one is gone"),
    mutant(
        PROGRESS,
        "            && self.queues.iter().all(super::admit::Queue::is_empty)\n",
        "",
        "it ends before losses are made up for",
    ),
    mutant(PROGRESS, "if failed > 0", "if failed > 1", "one that failed is none"),
    mutant(
        PROGRESS,
        "Launching::Up(cell) => self.cells[cell as usize].available,",
        "Launching::Up(_) => true,",
        "what is there is available",
    ),
    mutant(
        FAILURE,
        "attempt < self.target(service).policy.attempts",
        "attempt <= self.target(service).policy.attempts",
        "it is tried once too often",
    ),
    mutant(
        FAILURE,
        "self.failed[service as usize] > most",
        "self.failed[service as usize] >= most",
        "as many failures as allowed are too many",
    ),
    mutant(FAILURE, "if count > most", "if count >= most", "as many compromised as allowed are too many"),
    mutant(FAILURE, "self.failed.fill(0);", "", "what failed before somebody went on still counts"),
    mutant(FAILURE, "self.frozen = true;", "", "a failure does not stop what is under way"),
    mutant(
        FAILURE,
        "if step.attempt != attempt",
        "if false && step.attempt != attempt",
        "the patience with an earlier attempt ends a later one",
    ),
    mutant(
        FAILURE,
        "if lost.retired_by.is_some() || lost.asked.is_some()",
        "if lost.retired_by.is_some()",
        "what was asked to go is made up for",
    ),
    mutant(
        FAILURE,
        "if lost.retired_by.is_some() || lost.asked.is_some()",
        "if lost.asked.is_some()",
        "what is replaced anyway is made up for",
    ),
    mutant(FAILURE, "self.discard(cell);", "let _ = cell;", "what failed stays"),
    mutant(FAILURE, "_ if self.rolling_back.is_some() =>", "_ if false =>", "going back goes back"),
    mutant(FAILURE, "if over {", "if false && over {", "a stage that is over is counted again"),
    mutant(FAILURE, "if !again && !abandoned", "if !again", "what was given up is a failure"),
];
