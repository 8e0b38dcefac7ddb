//! What is said once a rollout is not executed any more.

use std::fmt::Write as _;

use castline::{
    engine::Ended,
    rollout::{Do, Status},
    shown_whole,
};

use super::{quoted, short, view::numbers};

/// What came of it, and what to do where it is not over.
pub(super) fn after(ended: &Ended) -> String {
    let mut text = String::new();
    let rollout = short(&ended.rollout);
    match &ended.status {
        Status::Succeeded => text.push_str("\nsucceeded: what should run does\n"),
        Status::RolledBack { reason, .. } => {
            let _ = writeln!(text, "\nROLLED BACK: {}", shown_whole(reason));
            text.push_str("what ran before runs again; the release that failed is not gone back to\n");
        }
        Status::Aborted { by } => {
            let _ = writeln!(text, "\naborted by {}: things are as they were left", shown_whole(by));
        }
        Status::Paused { reason } => {
            let _ = writeln!(text, "\npaused: {}", shown_whole(reason));
            let _ = writeln!(text, "  {}", numbers(&ended.progress));
            text.push_str(&ways_on(&rollout, ended.can_go_back));
        }
        _ => {
            let _ = writeln!(text, "\nnot over: {}", numbers(&ended.progress));
        }
    }
    for question in &ended.questions {
        let Do::Ask { approval } = &question.what else { continue };
        let _ = writeln!(
            text,
            "  {} waits for somebody to approve of `{}`",
            question.service,
            shown_whole(approval)
        );
        let answer = shown_whole(&quoted(approval));
        let _ = writeln!(text, "  castline answer {answer} && castline resume {rollout}");
    }
    text
}

/// What can be done with a rollout that is paused.
pub(super) fn ways_on(rollout: &str, can_go_back: bool) -> String {
    let back = if can_go_back { "  go back:  castline rollback\n" } else { "" };
    format!("  go on:    castline resume {rollout}\n{back}  stop:     castline resume {rollout} --abort\n")
}
