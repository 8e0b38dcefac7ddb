//! Listens to drivers, for as long as a rollout is executed.

use std::sync::Arc;

use castline_core::rollout::What;
use tokio::{
    sync::mpsc::{Sender, UnboundedSender},
    task::JoinSet,
    time::{Instant, sleep},
};

use super::{Executor, Options, drivers::Group};
use crate::Driver;

/// How many events wait to be recorded, at most. Then drivers wait.
pub(super) const WAITING: usize = 1024;

/// Listens to each driver of these services, again and again. What goes wrong is told in words; whoever hears it observes.
pub(super) fn watch(
    executor: &Executor,
    services: &[Arc<str>],
    events: &Sender<What>,
    troubles: &UnboundedSender<String>,
) -> JoinSet<()> {
    let mut watches = JoinSet::new();
    for Group { driver, services } in executor.drivers.groups(services) {
        let options = executor.options.clone();
        watches.spawn(listen(driver, services, options, events.clone(), troubles.clone()));
    }
    watches
}

async fn listen(
    driver: Arc<dyn Driver>,
    services: Arc<[Arc<str>]>,
    options: Options,
    events: Sender<What>,
    troubles: UnboundedSender<String>,
) {
    let mut failures = 0_u32;
    loop {
        let begun = Instant::now();
        let ended = driver.watch(&services, events.clone()).await;
        if events.is_closed() {
            return;
        }
        // One that had listened for a while was well.
        failures = if begun.elapsed() > options.longest_backoff { 1 } else { failures.saturating_add(1) };
        let why = ended.err().map_or_else(|| "it stopped".to_owned(), |error| error.to_string());
        tracing::warn!(driver = driver.name(), failures, %why, "events are not heard");
        let message =
            format!("the driver {} does not say what happens: {why}; it is asked again", driver.name());
        sleep(options.backoff_after(failures)).await;
        if troubles.send(message).is_err() {
            return;
        }
    }
}
