use std::sync::Arc;

use crate::{
    Limits, Options,
    rootfs::{Collector, Layer},
    tar::{self, Entry, Kind, Parser, TarFault, Visitor, normalize},
};

/// Looks at the structure of a layer's tar as its bytes come by. Contents are jumped over, unless the tree of files is
/// asked for.
pub(super) struct TarCheck {
    parser: Parser,
    listener: Listener,
    fault: Option<TarFault>,
}

/// What is to be noted of the files in a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tree {
    None,
    Plain,
    WithVerity,
}

impl Tree {
    pub(super) const fn of(options: &Options) -> Self {
        match (options.rootfs, options.verity) {
            (false, _) => Self::None,
            (true, false) => Self::Plain,
            (true, true) => Self::WithVerity,
        }
    }
}

/// What was learnt about a layer's tar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TarOutcome {
    pub(super) fault: Option<TarFault>,
    /// The first entries whose path is absolute or leaves the root.
    pub(super) escapes: Vec<Vec<u8>>,
    /// How many more there are.
    pub(super) more_escapes: u64,
    /// What the layer adds and removes, where it was asked for.
    pub(super) layer: Option<Arc<Layer>>,
}

/// Entries that are named in findings; the rest is counted.
const NAMED: usize = 16;

struct Listener {
    named: Vec<Vec<u8>>,
    more: u64,
    collector: Option<Collector>,
}

impl Visitor for Listener {
    fn entry(&mut self, entry: Entry) {
        let escapes = normalize(&entry.path).escapes
            || (entry.kind == Kind::HardLink && normalize(&entry.link).escapes)
            || is_whiteout_of_parent(&entry.path);
        if escapes && self.named.len() < NAMED {
            self.named.push(entry.path.clone());
        } else if escapes {
            self.more += 1;
        }
        if let Some(collector) = &mut self.collector {
            collector.entry(entry);
        }
    }

    fn data(&mut self, bytes: &[u8]) {
        if let Some(collector) = &mut self.collector {
            collector.data(bytes);
        }
    }

    fn hole(&mut self, length: u64) {
        if let Some(collector) = &mut self.collector {
            collector.hole(length);
        }
    }

    fn end(&mut self) {
        if let Some(collector) = &mut self.collector {
            collector.end();
        }
    }
}

/// `.wh...` and `.wh..` would remove the folder's parent, or the folder itself.
fn is_whiteout_of_parent(path: &[u8]) -> bool {
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    name == b".wh..." || name == b".wh.." || name == b".wh."
}

impl TarCheck {
    /// Notes what the layer adds and removes as far as `tree` asks for it.
    pub(super) fn new(limits: &Limits, tree: Tree) -> Self {
        let collector =
            (tree != Tree::None).then(|| Collector::of_layer(limits.layer_bytes, tree == Tree::WithVerity));
        let limits =
            tar::Limits { entries: limits.entries, path_bytes: limits.path_bytes, ..tar::Limits::default() };
        Self {
            parser: Parser::new(limits),
            listener: Listener { named: Vec::new(), more: 0, collector },
            fault: None,
        }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        if self.fault.is_none() {
            self.fault = self.parser.feed(bytes, &mut self.listener).err();
        }
    }

    pub(super) fn finish(mut self) -> TarOutcome {
        if self.fault.is_none() {
            self.fault = self.parser.finish().err();
        }
        TarOutcome {
            fault: self.fault,
            escapes: self.listener.named,
            more_escapes: self.listener.more,
            layer: self.listener.collector.and_then(Collector::finish).map(Arc::new),
        }
    }
}
