use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use castline_core::rootfs::Node;

use super::{
    shared::{Seen, Shared},
    stat::Stat,
    worker::Worker,
};

/// Files of several names: whichever name is met first is read, the others wait for it.
#[derive(Default)]
pub(super) struct Links(Mutex<HashMap<Identity, Names>>);

type Identity = (Option<u64>, u64, u64);

#[derive(Default)]
pub(super) struct Names {
    /// The file as it was when it was read under its first name.
    pub(super) read: Option<(Stat, Arc<Node>)>,
    /// The other names, with what they led to.
    pub(super) others: Vec<(Vec<u8>, Stat)>,
}

impl Links {
    /// Whether this is the first name of the file, so that it is to be read.
    pub(super) fn is_first(&self, path: &[u8], stat: &Stat) -> bool {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut first = false;
        let names = files.entry(stat.identity()).or_insert_with(|| {
            first = true;
            Names::default()
        });
        if !first {
            names.others.push((path.to_vec(), *stat));
        }
        first
    }

    /// Keeps what was read under the first name of the file that was `listed`.
    pub(super) fn keep(&self, listed: &Stat, read: &Stat, node: &Arc<Node>) {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(names) = files.get_mut(&listed.identity()) {
            names.read = Some((*read, Arc::clone(node)));
        }
    }

    /// All files that have further names.
    pub(super) fn into_files(self) -> impl Iterator<Item = Names> {
        let files = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        files.into_values().filter(|names| !names.others.is_empty())
    }
}

/// Gives the further names of files what was read under the first ones. Where that is not what they led to, because the
/// tree changed meanwhile, they are looked at again.
pub(super) fn share(files: impl Iterator<Item = Names>, scan: &Shared<'_>) -> Seen {
    let mut worker = Worker::new(scan);
    for Names { read, mut others } in files {
        others.sort_unstable_by(|one, two| one.0.cmp(&two.0));
        let mut known: Vec<_> = read.into_iter().collect();
        for (path, listed) in others {
            if worker.is_stopped() {
                break;
            }
            if let Some((_, node)) = known.iter().find(|(seen, _)| *seen == listed) {
                worker.seen.found.push((path, Arc::clone(node)));
                continue;
            }
            match worker.look_again(path.clone(), &known) {
                Ok(read) => known.extend(read),
                Err(unread) => worker.seen.unread.push((path, unread)),
            }
        }
    }
    worker.into_seen()
}
