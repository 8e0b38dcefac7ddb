use std::collections::BTreeMap;

use crate::{
    Health, Phase, Time,
    import::read::{At, Reason},
    shown,
};

/// What EC2 says of an instance.
pub(super) struct Machine<'j> {
    pub(super) image: &'j str,
    pub(super) zone: Option<&'j str>,
    pub(super) launched_at: Option<Time>,
    pub(super) tags: BTreeMap<String, String>,
    state: State,
}

enum State {
    Pending,
    Running,
    Stopped,
    ShuttingDown,
    Terminated,
}

impl<'j> Machine<'j> {
    pub(super) fn of(at: &At<'_, 'j>) -> Result<Self, Reason> {
        let state = at.object("State")?;
        let state = match state.required("Name")? {
            "pending" => State::Pending,
            "running" => State::Running,
            "stopping" | "stopped" => State::Stopped,
            "shutting-down" => State::ShuttingDown,
            "terminated" => State::Terminated,
            other => return Err(state.fault(format_args!("`{}` is no state of an instance", shown(other)))),
        };
        Ok(Self {
            image: at.required("ImageId")?,
            zone: at.object("Placement")?.text("AvailabilityZone")?,
            launched_at: at.time("LaunchTime")?,
            tags: tags(at)?,
            state,
        })
    }

    /// Its phase and health, as far as EC2 knows; `None` where it is gone.
    pub(super) const fn state(&self) -> Option<(Phase, Health)> {
        match self.state {
            State::Pending => Some((Phase::Pending, Health::NotReady)),
            State::Running => Some((Phase::Running, Health::Ready)),
            State::Stopped => Some((Phase::Running, Health::Failed)),
            State::ShuttingDown => Some((Phase::Terminating, Health::NotReady)),
            State::Terminated => None,
        }
    }
}

/// The tags of an instance or a group, by their keys.
pub(super) fn tags(of: &At<'_, '_>) -> Result<BTreeMap<String, String>, Reason> {
    let mut tags = BTreeMap::new();
    for item in of.items("Tags")? {
        let at = item.at().as_object()?;
        let key = at.required("Key")?;
        let value = at.text("Value")?.unwrap_or_default();
        if tags.insert(key.to_owned(), value.to_owned()).is_some() {
            return Err(at.fault(format_args!("the tag `{}` stands twice", shown(key))));
        }
    }
    Ok(tags)
}
