use serde::{Deserialize, Serialize};

/// What was shown of a plan, and under which assumptions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Proof {
    /// How it was shown.
    pub method: Method,
    /// How many replacements there are.
    pub replacements: u64,
    /// How many waves they take.
    pub waves: u32,
    /// What holds for each limit, in the plan's order, in whatever order and however slowly things happen.
    pub limits: Vec<Held>,
    /// What is not shown, but taken for granted.
    pub assumptions: Vec<Assumption>,
}

/// How a plan was proved to be safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Method {
    /// By induction over the plan: whatever was admitted holds what it may take until it is done, so no order in which
    /// things happen breaks a limit; and in every order there is always something that can be done next, to the end.
    Inductive,
}

/// How far capacity can get in the scope of a limit by what the plan does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Held {
    /// The limit's name.
    pub limit: String,
    /// No fewer are ever available, but for those that fail by themselves.
    pub least_available: u64,
    /// No more are ever present.
    pub most_present: u64,
}

/// One table feeds the enum, its names, its texts and `ALL`: they cannot drift apart.
macro_rules! assumptions {
    ($($variant:ident => $name:literal, $text:literal;)*) => {
        /// What a proof takes for granted: stable text, the same in every language. Never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[non_exhaustive]
        pub enum Assumption { $(#[doc = $text] #[serde(rename = $name)] $variant,)* }

        impl Assumption {
            /// Every assumption.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its code, e.g. `launched-become-ready`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// It in a sentence.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

assumptions! {
    LaunchedBecomeReady => "launched-become-ready", "What is launched becomes ready and stays so; where it does not, the rollout stops or goes back.";
    TerminatingGo => "terminating-go", "What is terminating already goes.";
    KeptBecomeReady => "kept-become-ready", "What is kept and not ready yet becomes ready.";
    DownStayDown => "down-stay-down", "What is down and to be replaced stays down until it is.";
    WindowsClose => "windows-close", "Limits that hold in a window only do not hold at some time.";
    GatesOpen => "gates-open", "Gates open: analyses are passed, and somebody approves.";
}
