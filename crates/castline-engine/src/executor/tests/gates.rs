use std::collections::BTreeMap;

use castline_core::{
    policy::{Amount, Gate, Policy, Step, Strategy},
    rollout::Status,
};

use super::{EngineError, Wanted, assert_runs, begin, executor_in, four, policy, wanted};
use crate::{Answer, Answerer, DriverError, Told};

/// One first, then traffic, an analysis and somebody's word; then the rest.
fn canary() -> Policy {
    let gate: Gate = serde_json::from_value(
        serde_json::json!({"bakeSeconds": 5, "analysis": "errors", "approval": "the numbers"}),
    )
    .expect("a gate");
    let step = |amount, weight, gate| Step { amount, weight: Some(weight), gate };
    policy().with_strategy(Strategy::Canary(vec![
        step(Amount::Count(1), 10, gate),
        step(Amount::ALL, 100, Gate::default()),
    ]))
}

fn by(program: &str) -> Answerer {
    Answerer::of_commands(BTreeMap::from([("errors".to_owned(), vec![program.to_owned()])]))
}

#[tokio::test]
async fn gates_shift_analyse_and_ask_and_an_answer_given_later_goes_on() {
    let (folder, world) = (tempfile::tempdir().expect("a folder"), four());
    let executor = executor_in(folder.path(), &world).with_analyst(by("true"));
    let mut policy = canary();
    let Strategy::Canary(steps) = &mut policy.strategy else { panic!("a canary") };
    steps[0].gate.bake_seconds = 0;
    let rolling = begin(&executor, Wanted { policy, ..wanted("v2") }).await.expect("it begins");
    let rollout = rolling.rollout().clone();
    let mut questions = Vec::new();
    let ended = rolling.run(|told| {
        if let Told::Question { approval, .. } = told {
            questions.push(approval);
        }
    });
    let ended = ended.await.expect("it is executed");
    assert_eq!(ended.status, Status::Running);
    assert_eq!((ended.questions.len(), questions), (1, vec!["the numbers".to_owned()]));
    assert_eq!(world.state().made.len(), 1);
    let other = executor.answer(&rollout, "something else", &Answer::yes("bob")).await;
    assert!(matches!(other, Err(EngineError::NoQuestion { .. })), "{other:?}");
    executor.answer(&rollout, "the numbers", &Answer::yes("bob")).await.expect("it is asked");
    let rolling = executor.resume(&rollout, "ann").await.expect("it goes on");
    assert!(rolling.run(|_| ()).await.expect("it is executed").is_success());
    assert_eq!(world.state().shifts, [10, 100]);
    assert_runs(&world, "v2");
}

#[tokio::test(start_paused = true)]
async fn an_approver_that_refuses_stops_it_with_its_reason() {
    let (folder, world) = (tempfile::tempdir().expect("a folder"), four());
    let approver = Answerer::from_fn(|question| async move {
        assert_eq!((&*question.service, &*question.name), ("web", "the numbers"));
        Ok(Answer::no("bob", "too slow"))
    });
    let analyst = Answerer::from_fn(|_| async { Ok(Answer::yes("all is well")) });
    let executor = executor_in(folder.path(), &world).with_analyst(analyst).with_approver(approver);
    let rolling = begin(&executor, Wanted { policy: canary(), ..wanted("v2") }).await.expect("it begins");
    let ended = rolling.run(|_| ()).await.expect("it is executed");
    assert!(matches!(&ended.status, Status::Paused { reason } if reason.contains("too slow")), "{ended:?}");
}

#[tokio::test]
async fn a_command_that_fails_says_why_and_one_that_is_not_there_is_no_success() {
    for (command, expected) in [
        (vec!["sh", "-c", "echo 5 % errors >&2; exit 3"], "5 % errors"),
        (vec!["there-is-no-such-program"], "cannot be run"),
        (vec![], "no command"),
    ] {
        let command = command.into_iter().map(str::to_owned).collect();
        let answerer = Answerer::of_commands(BTreeMap::from([("errors".to_owned(), command)]));
        let question = crate::Question {
            service: "web".into(),
            name: "errors".into(),
            key: castline_core::rollout::Key("k".into()),
        };
        let said = match answerer.answer(question).await {
            Ok(Answer { yes: false, reason, .. }) => reason,
            Err(error @ DriverError::Permanent { .. }) => error.to_string(),
            other => panic!("{other:?}"),
        };
        assert!(said.contains(expected), "{said}");
    }
}
