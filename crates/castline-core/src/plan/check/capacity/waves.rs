//! The schedule that the plan states is one that the limits allow.

use super::{
    super::{Violation, ViolationCode as Code},
    Capacity, signed,
};
use crate::plan::Plan;

/// What the replacements of a wave hold of a limit together.
#[derive(Clone, Copy, Debug, Default)]
struct Load {
    rises: i64,
    launches: bool,
    /// What goes, does work, and nothing comes for it.
    spare: i64,
    /// What goes and does none.
    idle: i64,
    /// What is retired first for something that comes.
    falls: i64,
    /// How many more are available when all of it is done.
    gains: i64,
    under_way: i64,
}

impl Capacity<'_> {
    /// Each wave, begun at once when the one before it is done, keeps all limits: so there is one way at least in which
    /// the plan can be done, and it takes no longer than the waves say.
    pub(in super::super) fn waves_fit(&self, plan: &Plan) -> Result<(), Violation> {
        in_order(plan)?;
        let mut runs = self.runs.clone();
        runs.sort_unstable();
        let mut counts = self.settled.clone();
        for wave in runs.chunk_by(|(one, ..), (other, ..)| one == other) {
            let mut loads = std::collections::BTreeMap::<usize, Load>::new();
            for (_, class, count) in wave {
                for effect in &self.classes[*class].effects {
                    let load = loads.entry(effect.limit).or_default();
                    let only = self.steps[self.classes[*class].example].one.launch.is_none();
                    // Those that the limit is not about may go after those that it is about.
                    load.gains +=
                        count * if effect.governed { effect.available } else { effect.available.max(0) };
                    let spare = effect.governed && effect.falls && only;
                    load.idle += count * i64::from(effect.leaves && !spare);
                    load.spare += count * i64::from(spare);
                    if effect.governed {
                        load.rises += count * i64::from(effect.rises);
                        load.falls += count * i64::from(effect.falls && !only);
                        load.launches |= effect.launches;
                        load.under_way += count;
                    }
                }
            }
            for (position, load) in loads {
                let (limit, count) = (&self.limits[position], counts[position]);
                if limit.window.is_some() {
                    continue;
                }
                let (name, number) = (&limit.name, wave[0].0);
                let breaks = |what: String| {
                    Err(Violation::new(
                        Code::WaveBreaksLimit,
                        format!("in the wave {number}, {what} of {name}"),
                    ))
                };
                // What only goes does so as soon as it can be spared, and what is launched waits until it is gone; but
                // what waits for others to come makes no room for them.
                let floor = limit.floor.map_or(i64::MIN, signed);
                let at_once =
                    load.spare.min(count.available.saturating_sub(load.falls).saturating_sub(floor)).max(0);
                let most = count.present + load.rises - load.idle - at_once;
                if let Some(ceiling) =
                    limit.ceiling.filter(|ceiling| load.launches && most > signed(*ceiling))
                {
                    return breaks(format!("{most} are present, above the ceiling {ceiling}"));
                }
                let first = count.available - load.falls;
                let least = if load.falls > 0 {
                    first.min(count.available + load.gains)
                } else {
                    count.available + load.gains
                };
                if load.falls + load.spare > 0 && least < floor {
                    return breaks(format!("{least} are available, below the floor {floor}"));
                }
                if let Some(most) = limit.in_flight.filter(|most| load.under_way > signed(*most)) {
                    return breaks(format!("{} are under way, more than the {most}", load.under_way));
                }
            }
            for (_, class, count) in wave {
                for effect in &self.classes[*class].effects {
                    counts[effect.limit].present += count * effect.present;
                    counts[effect.limit].available += count * effect.available;
                }
            }
        }
        Ok(())
    }
}

/// Waves count from 1, and a stage's are later than those of all before it.
fn in_order(plan: &Plan) -> Result<(), Violation> {
    let mut last: Vec<u32> = Vec::with_capacity(plan.stages.len());
    for (position, stage) in plan.stages.iter().enumerate() {
        let earliest = stage.after.iter().map(|earlier| last[*earlier as usize]).max().unwrap_or_default();
        let early = stage.replacements.iter().position(|one| one.wave <= earliest);
        if let Some(within) = early {
            let wave = stage.replacements[within].wave;
            let message =
                format!("`{}` begins in the wave {wave}; what it comes after ends in {earliest}", stage.name);
            return Err(Violation::new(Code::WaveOutOfOrder, message).at(position, within));
        }
        last.push(stage.replacements.iter().map(|one| one.wave).max().unwrap_or(earliest));
    }
    Ok(())
}
