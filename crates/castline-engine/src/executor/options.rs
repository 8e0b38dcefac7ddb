use std::time::Duration;

use castline_core::rollout::Do;

/// How a rollout is executed: what may be done at once, and for how long each thing may take.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Options {
    /// How many actions may be under way at once, whatever a plan would allow: 32.
    pub concurrency: usize,
    /// How long a driver may take to launch an instance, until it is asked again: two minutes.
    pub launch_timeout: Duration,
    /// How long it may take to retire one, besides the time that the instance has to finish what it does: one minute.
    pub retire_timeout: Duration,
    /// How long it may take to shift traffic, to observe or to check an instance: one minute.
    pub timeout: Duration,
    /// How long an analysis may take: an hour.
    pub analysis_timeout: Duration,
    /// How long is waited before an action is asked for again, the first time: a fifth of a second. Each time after, twice as
    /// long.
    pub backoff: Duration,
    /// For how long at most: half a minute.
    pub longest_backoff: Duration,
    /// How often everything is observed, for what events have missed: each ten seconds.
    pub observe_every: Duration,
    /// Whether to go on waiting where a rollout is paused, or nobody here can answer what it asks. Otherwise
    /// [`Rolling::run`](super::Rolling::run) comes back, and the rollout can be resumed.
    pub stay: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            concurrency: 32,
            launch_timeout: Duration::from_secs(120),
            retire_timeout: Duration::from_secs(60),
            timeout: Duration::from_secs(60),
            analysis_timeout: Duration::from_secs(3600),
            backoff: Duration::from_millis(200),
            longest_backoff: Duration::from_secs(30),
            observe_every: Duration::from_secs(10),
            stay: false,
        }
    }
}

impl Options {
    /// The same, with so many actions at once.
    #[must_use]
    pub const fn with_concurrency(self, concurrency: usize) -> Self {
        Self { concurrency, ..self }
    }

    /// The same, staying or not where somebody has to decide.
    #[must_use]
    pub const fn with_stay(self, stay: bool) -> Self {
        Self { stay, ..self }
    }

    /// The same, observing so often.
    #[must_use]
    pub const fn with_observe_every(self, observe_every: Duration) -> Self {
        Self { observe_every, ..self }
    }

    /// How long is waited after so many attempts: the same every time, so that a run can be made again.
    pub(super) fn backoff_after(&self, attempts: u32) -> Duration {
        let doubled = self.backoff.checked_mul(1_u32 << attempts.saturating_sub(1).min(20));
        doubled.unwrap_or(self.longest_backoff).min(self.longest_backoff)
    }

    pub(super) fn timeout_of(&self, what: &Do) -> Duration {
        match what {
            Do::Launch { .. } => self.launch_timeout,
            Do::Retire { drain_seconds, .. } => {
                self.retire_timeout.saturating_add(Duration::from_secs(*drain_seconds))
            }
            Do::Analyse { .. } => self.analysis_timeout,
            _ => self.timeout,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wait_is_twice_the_one_before_up_to_the_longest() {
        let options = Options::default();
        let waits: Vec<u128> =
            [1, 2, 3, 8, 9, 40, u32::MAX].map(|n| options.backoff_after(n).as_millis()).into();
        assert_eq!(waits, [200, 400, 800, 25_600, 30_000, 30_000, 30_000]);
    }
}
