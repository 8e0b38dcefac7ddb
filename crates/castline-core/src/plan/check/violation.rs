use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a plan is not safe, or not what was asked for: the first reason that was found, and how to get there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Violation {
    /// What kind of fault it is.
    pub code: ViolationCode,
    /// The position of the stage that it is in, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<u32>,
    /// The position of the replacement in that stage, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replacement: Option<u32>,
    /// What is wrong, in a sentence.
    pub message: String,
    /// The steps that lead there, the first one first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<String>,
}

impl Violation {
    pub(super) fn new(code: ViolationCode, message: impl Into<String>) -> Self {
        Self { code, stage: None, replacement: None, message: message.into(), trace: Vec::new() }
    }

    pub(super) fn in_stage(self, stage: usize) -> Self {
        Self { stage: u32::try_from(stage).ok(), ..self }
    }

    pub(super) fn at(self, stage: usize, replacement: usize) -> Self {
        Self { replacement: u32::try_from(replacement).ok(), ..self.in_stage(stage) }
    }

    pub(super) fn with_trace(self, trace: Vec<String>) -> Self {
        Self { trace, ..self }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} [{}]", self.message, self.code.name())?;
        for (position, step) in self.trace.iter().enumerate() {
            write!(f, "\n  {}. {step}", position + 1)?;
        }
        Ok(())
    }
}

impl std::error::Error for Violation {}

/// One table feeds the enum, its names and `ALL`: they cannot drift apart.
macro_rules! violation_codes {
    ($($(#[$doc:meta])* $variant:ident => $name:literal;)*) => {
        /// What kind of fault a plan has: stable text, the same in every language. Never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        #[non_exhaustive]
        pub enum ViolationCode { $($(#[$doc])* #[serde(rename = $name)] $variant,)* }

        impl ViolationCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code's text, e.g. `retired-twice`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

violation_codes! {
    /// It was made for other documents, or they do not belong together.
    DocumentsDiffer => "documents-differ";
    /// It is not a plan that can be read: its format, or the order of its stages.
    Malformed => "malformed";
    /// It has more stages than can be proved: 16,384.
    TooManyStages => "too-many-stages";
    /// A budget or a dependency names a service that is not planned.
    ServiceUnknown => "service-unknown";
    /// A budget of a policy is not among the limits.
    LimitMissing => "limit-missing";
    /// A limit allows more than the budget that it stands for.
    LimitTooLax => "limit-too-lax";
    /// A limit says wrongly how many instances there will be.
    LimitMiscounted => "limit-miscounted";
    /// An instance is retired that is not there, or is going already.
    RetiresUnknown => "retires-unknown";
    /// An instance is retired twice.
    RetiredTwice => "retired-twice";
    /// An instance is retired that was to be kept.
    RetiresKept => "retires-kept";
    /// An instance is kept that was to be replaced.
    LeftBehind => "left-behind";
    /// There are more or fewer instances in the end than desired.
    CountDiffers => "count-differs";
    /// A replacement is made for a reason that is not so.
    ReasonUntrue => "reason-untrue";
    /// An instance is said to be where it is not.
    ZoneDiffers => "zone-differs";
    /// An instance is called by a name that is not its own.
    NameDiffers => "name-differs";
    /// An instance is launched in a zone in which none may be.
    ZoneNotAllowed => "zone-not-allowed";
    /// Something else becomes of a retired instance than the policy says.
    DisposalDiffers => "disposal-differs";
    /// What replaces an instance does not inherit its slot.
    SlotLost => "slot-lost";
    /// An instance is launched in a slot that another one holds, or may hold, then.
    SlotTaken => "slot-taken";
    /// What replaces an instance is counted by other limits, because its labels differ.
    LabelsDiffer => "labels-differ";
    /// A service begins before one that it comes after is done.
    ServiceTooEarly => "service-too-early";
    /// A gate that the policy demands is not there.
    GateMissing => "gate-missing";
    /// Work begins without the approval that a breaker demands.
    ApprovalMissing => "approval-missing";
    /// More instances run the new release than the step of a canary allows.
    StepTooLarge => "step-too-large";
    /// Fewer instances run the new release than the step of a canary says.
    StepTooSmall => "step-too-small";
    /// Something old is retired before traffic was switched to all that is new.
    RetiresBeforeSwitch => "retires-before-switch";
    /// Something is launched before all that is old is gone.
    LaunchesBeforeRetired => "launches-before-retired";
    /// What has to wait until others are done does not.
    BarrierCrossed => "barrier-crossed";
    /// A wave does more than limits allow.
    WaveBreaksLimit => "wave-breaks-limit";
    /// A wave is numbered before one that it comes after.
    WaveOutOfOrder => "wave-out-of-order";
    /// A floor is above, or a ceiling below, what there is in the end.
    EndsOutsideLimit => "ends-outside-limit";
    /// There may be an order of events after which nothing more can be done: no reason was found why there is none.
    Stuck => "stuck";
    /// An action leaves fewer available than a floor.
    FloorBroken => "floor-broken";
    /// An action makes more present than a ceiling.
    CeilingBroken => "ceiling-broken";
    /// An action is one more under way than a limit allows at once.
    InFlightBroken => "in-flight-broken";
    /// Something is launched that is of no release.
    WrongRevision => "wrong-revision";
    /// A launch is asked for again after it was answered.
    LaunchedTwice => "launched-twice";
    /// The rollout goes on and can neither end nor pause.
    Endless => "endless";
    /// A journal of what happened gives another state.
    NotResumable => "not-resumable";
}
