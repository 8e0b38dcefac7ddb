//! What is asked of drivers and of those who answer, each with a limit on its time.

use std::{future::Future, sync::Arc, time::Duration};

use castline_core::{
    Fleet, Release,
    rollout::{Action, Do, What},
};
use tokio::time::timeout;
use tracing::Instrument as _;

use super::{Answer, Answerer, Question, answered};
use crate::{Driver, DriverError};

pub(super) async fn observe(
    driver: &Arc<dyn Driver>,
    service: &str,
    limit: Duration,
) -> Result<Fleet, DriverError> {
    let fleet = within(limit, driver.observe(service)).await?;
    if **fleet.service() == *service {
        return Ok(fleet);
    }
    Err(DriverError::permanent(format!(
        "it says what runs of {}, and was asked for {service}",
        fleet.service()
    )))
}

/// Work that ends in time, or in an error that may pass.
pub(super) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, DriverError>>,
) -> Result<T, DriverError> {
    match timeout(limit, work).await {
        Ok(done) => done,
        Err(_) => Err(DriverError::temporary(format!("it took more than {} ms", limit.as_millis()))),
    }
}

/// An action that is to be done, and who does it.
pub(super) struct Job {
    pub(super) action: Action,
    pub(super) release: Option<Arc<Release>>,
    pub(super) driver: Arc<dyn Driver>,
    pub(super) answerer: Option<Answerer>,
    pub(super) limit: Option<Duration>,
}

impl Job {
    pub(super) async fn run(self) -> Result<Vec<What>, DriverError> {
        let span = tracing::info_span!("action", service = %self.action.service, key = %self.action.key);
        async {
            let begun = tokio::time::Instant::now();
            let done = self.perform().await;
            let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            match &done {
                Ok(events) => tracing::debug!(millis, events = events.len(), "done"),
                Err(error) => tracing::warn!(millis, temporary = error.is_temporary(), %error, "not done"),
            }
            done
        }
        .instrument(span)
        .await
    }

    async fn perform(&self) -> Result<Vec<What>, DriverError> {
        let work = async {
            match (&self.action.what, &self.answerer) {
                (Do::Analyse { name }, Some(analyst)) => {
                    let answer = analyst.answer(self.question(name)).await?;
                    Ok(vec![self.analysed(answer)])
                }
                (Do::Ask { approval }, Some(approver)) => {
                    let answer = approver.answer(self.question(approval)).await?;
                    Ok(vec![answered(self.action.key.clone(), &answer)])
                }
                _ => self.driver.perform(&self.action, self.release.as_deref()).await,
            }
        };
        match self.limit {
            Some(limit) => within(limit, work).await,
            None => work.await,
        }
    }

    fn question(&self, name: &str) -> Question {
        let action = &self.action;
        Question { service: Arc::clone(&action.service), name: name.to_owned(), key: action.key.clone() }
    }

    fn analysed(&self, answer: Answer) -> What {
        let key = self.action.key.clone();
        if answer.yes { What::Passed { key } } else { What::NotPassed { key, reason: answer.reason } }
    }
}
