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
    falls: i64,
    under_way: i64,
}

impl Capacity<'_> {
    /// Each wave, begun at once when the one before it is done, keeps all limits: so there is one way at least in which
    /// the plan can be done, and it takes no longer than the waves say.
    pub(in super::super) fn waves_fit(&self, plan: &Plan) -> Result<(), Violation> {
        self.in_order(plan)?;
        let mut runs = self.runs.clone();
        runs.sort_unstable();
        let mut counts = self.settled.clone();
        for wave in runs.chunk_by(|(one, ..), (other, ..)| one == other) {
            let mut loads = std::collections::BTreeMap::<usize, Load>::new();
            for (_, class, count) in wave {
                for effect in &self.classes[*class].effects {
                    let load = loads.entry(effect.limit).or_default();
                    // What only goes makes room within the wave: what is launched waits for it.
                    load.rises -= count * i64::from(effect.leaves);
                    if effect.governed {
                        load.rises += count * i64::from(effect.rises);
                        load.falls += count * i64::from(effect.falls);
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
                let (most, least) = (count.present + load.rises, count.available - load.falls);
                if let Some(ceiling) =
                    limit.ceiling.filter(|ceiling| load.launches && most > signed(*ceiling))
                {
                    return breaks(format!("{most} are present, above the ceiling {ceiling}"));
                }
                if let Some(floor) = limit.floor.filter(|floor| load.falls > 0 && least < signed(*floor)) {
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

    /// Waves count from 1, and a stage's are later than those of all before it.
    fn in_order(&self, plan: &Plan) -> Result<(), Violation> {
        let mut last: Vec<u32> = Vec::with_capacity(plan.stages.len());
        for (position, stage) in plan.stages.iter().enumerate() {
            let earliest =
                stage.after.iter().map(|earlier| last[*earlier as usize]).max().unwrap_or_default();
            let early = stage.replacements.iter().position(|one| one.wave <= earliest);
            if let Some(within) = early {
                let wave = stage.replacements[within].wave;
                let message = format!(
                    "`{}` begins in the wave {wave}; what it comes after ends in {earliest}",
                    stage.name
                );
                return Err(Violation::new(Code::WaveOutOfOrder, message).at(position, within));
            }
            last.push(stage.replacements.iter().map(|one| one.wave).max().unwrap_or(earliest));
        }
        Ok(())
    }
}
