//! Many instances: how many of a zone are in which state.

use std::collections::{BTreeMap, HashMap};

use super::{
    frame::{Frame, LEFT, MARGIN, Px, SPAN, steps},
    lives::group,
};
use crate::{
    plan::simulate::Life,
    preview::{
        course::Course,
        words::{cut, escaped, name, number},
    },
};

/// Into how many parts the time is cut.
const PARTS: u32 = 240;
/// The most groups that are drawn; what is left is one more.
const MOST: usize = 24;
/// How high a group is.
const HEIGHT: u32 = 520;

/// States from the bottom to the top of a pile.
const STATES: [(&str, &str); 4] =
    [("new", "new"), ("launching", "launching"), ("old", "old"), ("retiring", "retiring")];

/// How many are in each state, part by part: first the changes, then their sums.
type Parts = Vec<[i64; STATES.len()]>;

/// Draws a pile for each service and zone.
pub(super) fn draw(course: &Course<'_>, frame: &mut Frame) {
    let mut sizes: HashMap<(&str, &str), u64> = HashMap::new();
    for life in course.lives() {
        *sizes.entry((&life.service, &life.zone)).or_default() += 1;
    }
    let mut keys: Vec<_> = sizes.into_iter().collect();
    keys.sort_by(|(one, few), (other, many)| many.cmp(few).then(one.cmp(other)));
    let rest = keys.len().saturating_sub(MOST);
    let mut keys: Vec<_> = keys.into_iter().take(MOST).map(|(key, _)| key).collect();
    keys.sort_unstable();
    let place: BTreeMap<(&str, &str), usize> = keys.iter().enumerate().map(|(at, key)| (*key, at)).collect();

    let mut groups: Vec<Parts> =
        vec![vec![[0; STATES.len()]; PARTS as usize + 1]; keys.len() + usize::from(rest > 0)];
    for life in course.lives() {
        let at = place.get(&(&*life.service, &*life.zone)).copied().unwrap_or(keys.len());
        add(course, life, &mut groups[at]);
    }
    let several = keys.iter().any(|(service, _)| *service != keys[0].0);
    for (at, mut parts) in groups.into_iter().enumerate() {
        for part in 1..parts.len() {
            let before = parts[part - 1];
            parts[part].iter_mut().zip(before).for_each(|(now, before)| *now += before);
        }
        let label = keys
            .get(at)
            .map_or_else(|| format!("{rest} more zones"), |(service, zone)| group(several, service, zone));
        pile(&label, &parts, frame);
    }
}

/// Counts a life in the parts that it is in a state for.
fn add(course: &Course<'_>, life: &Life, parts: &mut Parts) {
    let part = |at: u64| course.place(at, PARTS) as usize;
    let begin = life.launched_millis.map_or(0, part);
    let end = life.gone_millis.map_or(parts.len(), part).max(begin);
    let retired = life.retired_millis.map_or(end, part).clamp(begin, end);
    let available = match (life.available_millis, life.launched_millis) {
        (Some(at), _) => part(at).clamp(begin, retired),
        (None, Some(_)) => retired,
        (None, None) => begin,
    };
    let kind = if life.new { 0 } else { 2 };
    for (state, from, to) in [(1, begin, available), (kind, available, retired), (3, retired, end)] {
        if from < to {
            for (at, change) in [(from, 1), (to, -1)] {
                if let Some(part) = parts.get_mut(at) {
                    part[state] += change;
                }
            }
        }
    }
}

fn pile(label: &str, parts: &Parts, frame: &mut Frame) {
    let count = |count: i64| u64::try_from(count).unwrap_or(0);
    let up_to = |part: &[i64; STATES.len()], state: usize| count(part[..=state].iter().sum());
    let most = parts.iter().map(|part| up_to(part, STATES.len() - 1)).max().unwrap_or(0);
    let (top, bottom) = (frame.y + 20, frame.y + HEIGHT);
    frame.text(MARGIN, top + 130, "small strong", &escaped(&cut(label, 26)));
    frame.text(MARGIN, top + 280, "small soft", &format!("{} at most", number(most)));
    for (state, (class, what)) in STATES.iter().enumerate().rev() {
        let ever = parts.iter().map(|part| count(part[state])).max().unwrap_or(0);
        if ever == 0 {
            continue;
        }
        let points = parts.iter().zip(0..).take(PARTS as usize).map(|(part, at)| {
            let height = crate::preview::scale::part(up_to(part, state), most, bottom - top);
            (LEFT + SPAN * at / PARTS, bottom - height)
        });
        let path = steps(points, LEFT + SPAN);
        let (first, last) = (count(parts[0][state]), count(parts[parts.len() - 1][state]));
        let title = format!(
            "{}, {what}: {} at first, {} at last, {} at most",
            name(label),
            number(first),
            number(last),
            number(ever)
        );
        let path = format!("{path}V{}H{}Z", Px(bottom), Px(LEFT));
        frame.path(&path, &format!("{class} pile"), Some(&title));
    }
    frame.y = bottom + 120;
}
