//! What gates ask: analyses, and people.

use std::{collections::BTreeMap, fmt, future::Future, pin::Pin, sync::Arc};

use castline_core::rollout::Key;
use tokio::process::Command;

use crate::{DriverError, program};

/// What a gate asks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Question {
    /// The service.
    pub service: Arc<str>,
    /// The name of the analysis, or what is to be approved of.
    pub name: String,
    /// The key of the action.
    pub key: Key,
}

/// The answer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// Whether the gate opens.
    pub yes: bool,
    /// Who says so.
    pub by: String,
    /// Why not.
    pub reason: String,
}

impl Answer {
    /// It opens.
    pub fn yes(by: impl Into<String>) -> Self {
        Self { yes: true, by: by.into(), reason: String::new() }
    }

    /// It does not.
    pub fn no(by: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { yes: false, by: by.into(), reason: reason.into() }
    }
}

type Answering = Pin<Box<dyn Future<Output = Result<Answer, DriverError>> + Send>>;

/// What answers questions: a function, or a program. One that fails with [`DriverError::Temporary`] is asked again.
#[derive(Clone)]
pub struct Answerer(Arc<dyn Fn(Question) -> Answering + Send + Sync>);

impl Answerer {
    /// This function.
    pub fn from_fn<F>(answer: impl Fn(Question) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Answer, DriverError>> + Send + 'static,
    {
        Self(Arc::new(move |question| Box::pin(answer(question))))
    }

    /// Programs by the names of the questions: with its arguments each, run without a shell, given the name and the service as
    /// `CASTLINE_QUESTION` and `CASTLINE_SERVICE`. One that ends with 0 says yes; the end of what it writes to standard error says
    /// why not.
    pub fn of_commands(commands: BTreeMap<String, Vec<String>>) -> Self {
        let commands = Arc::new(commands);
        Self::from_fn(move |question| {
            let commands = Arc::clone(&commands);
            async move { run(&commands, &question).await }
        })
    }

    pub(crate) async fn answer(&self, question: Question) -> Result<Answer, DriverError> {
        (self.0)(question).await
    }
}

impl fmt::Debug for Answerer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answerer")
    }
}

async fn run(commands: &BTreeMap<String, Vec<String>>, question: &Question) -> Result<Answer, DriverError> {
    let name = &question.name;
    let command = commands.get(name).and_then(|command| command.split_first());
    let (program, arguments) =
        command.ok_or_else(|| DriverError::permanent(format!("no command is named for `{name}`")))?;
    let mut command = Command::new(program);
    command.args(arguments).env("CASTLINE_QUESTION", name).env("CASTLINE_SERVICE", &*question.service);
    let ended = program::run(command, &[]).await.map_err(|error| {
        DriverError::permanent(format!("`{program}` cannot be run for `{name}`: {error}"))
    })?;
    if ended.status.success() {
        return Ok(Answer::yes(program));
    }
    Ok(Answer::no(program, format!("`{program}` failed ({}): {}", ended.status, ended.said)))
}
