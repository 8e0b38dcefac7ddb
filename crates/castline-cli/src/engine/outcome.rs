//! What is said once a rollout is not executed any more.

use std::fmt::Write as _;

use castline::{
    engine::Ended,
    rollout::{Do, Status},
    shown_whole,
};

use super::{short, view::numbers};

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
            let _ = writeln!(text, "  go on:    castline resume {rollout}");
            text.push_str("  go back:  castline rollback\n");
            let _ = writeln!(text, "  stop:     castline resume {rollout} --abort");
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
        let _ = writeln!(text, "  castline answer '{}' && castline resume {rollout}", shown_whole(approval));
    }
    text
}
