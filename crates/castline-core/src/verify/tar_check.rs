use crate::{
    Limits,
    tar::{self, Entry, Kind, Parser, TarFault, Visitor, normalize},
};

/// Looks at the structure of a layer's tar as its bytes come by. Contents are jumped over.
pub(super) struct TarCheck {
    parser: Parser,
    escapes: Escapes,
    fault: Option<TarFault>,
}

/// What was learnt about a layer's tar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct TarOutcome {
    pub(super) fault: Option<TarFault>,
    /// The first entries whose path is absolute or leaves the root.
    pub(super) escapes: Vec<Vec<u8>>,
    /// How many more there are.
    pub(super) more_escapes: u64,
}

/// Entries that are named in findings; the rest is counted.
const NAMED: usize = 16;

#[derive(Default)]
struct Escapes {
    named: Vec<Vec<u8>>,
    more: u64,
}

impl Visitor for Escapes {
    fn entry(&mut self, entry: Entry) {
        let escapes = normalize(&entry.path).escapes
            || (entry.kind == Kind::HardLink && normalize(&entry.link).escapes)
            || is_whiteout_of_parent(&entry.path);
        if escapes && self.named.len() < NAMED {
            self.named.push(entry.path);
        } else if escapes {
            self.more += 1;
        }
    }
}

/// `.wh...` and `.wh..` would remove the folder's parent, or the folder itself.
fn is_whiteout_of_parent(path: &[u8]) -> bool {
    let name = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
    name == b".wh..." || name == b".wh.." || name == b".wh."
}

impl TarCheck {
    pub(super) fn new(limits: &Limits) -> Self {
        let limits =
            tar::Limits { entries: limits.entries, path_bytes: limits.path_bytes, ..tar::Limits::default() };
        Self { parser: Parser::new(limits), escapes: Escapes::default(), fault: None }
    }

    pub(super) fn feed(&mut self, bytes: &[u8]) {
        if self.fault.is_none() {
            self.fault = self.parser.feed(bytes, &mut self.escapes).err();
        }
    }

    pub(super) fn finish(mut self) -> TarOutcome {
        if self.fault.is_none() {
            self.fault = self.parser.finish().err();
        }
        TarOutcome { fault: self.fault, escapes: self.escapes.named, more_escapes: self.escapes.more }
    }
}
