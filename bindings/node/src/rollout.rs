//! A plan being executed, without I/O.

use castline::rollout::{self as core, Event};
use napi::bindgen_prelude::ClassInstance;
use napi_derive::napi;

use crate::{
    document::{self, Document, Value, releases},
    error::{OrThrow as _, Result, of_code},
    work::{json, value},
};

/// A plan being executed: asked for what is to be done, told what happened.
#[napi]
#[derive(Debug)]
pub struct Rollout(Option<core::Rollout>);

impl Rollout {
    fn state(&self) -> Result<&core::Rollout> {
        self.0.as_ref().ok_or_else(|| {
            of_code("INTERNAL", "a fault has ended this rollout: make it again from its journal")
        })
    }
}

#[napi]
impl Rollout {
    /// Begins a rollout of a plan at a moment.
    #[napi(factory, catch_unwind)]
    pub fn start(
        plan: &Document,
        targets: Vec<ClassInstance<'_, Document>>,
        fallback: Vec<ClassInstance<'_, Document>>,
        at: String,
    ) -> Result<Self> {
        let (targets, fallback) = (document::targets(&targets)?, releases(&fallback)?);
        let at = at.parse().or_throw()?;
        core::Rollout::start(plan.as_plan()?, &targets, &fallback, at)
            .map(|state| Self(Some(state)))
            .or_throw()
    }

    /// What is to be done now, as JSON.
    #[napi(catch_unwind)]
    pub fn next(&self) -> Result<String> {
        json(&self.state()?.next())
    }

    /// Tells it what happened.
    #[napi(catch_unwind)]
    pub fn on(&mut self, event: String) -> Result<()> {
        let event: Event = value("event", &event)?;
        self.state()?;
        // Gone while it changes: a fault on the way leaves no state that is half changed.
        self.0 = self.0.take().map(|state| state.on(&event));
        Ok(())
    }

    /// How far it is, as JSON.
    #[napi(catch_unwind)]
    pub fn status(&self) -> Result<String> {
        json(self.state()?.status())
    }

    /// Whether nothing comes any more.
    #[napi(catch_unwind)]
    pub fn ended(&self) -> Result<bool> {
        Ok(self.state()?.status().is_end())
    }

    /// How far it is, in numbers, as JSON.
    #[napi(catch_unwind)]
    pub fn progress(&self) -> Result<String> {
        json(&self.state()?.progress())
    }

    /// What waits, and what for, as JSON.
    #[napi(catch_unwind)]
    pub fn waits(&self) -> Result<String> {
        json(&self.state()?.waits())
    }

    /// The fleet of a service, as far as events tell.
    #[napi(catch_unwind)]
    pub fn fleet(&self, service: String) -> Result<Option<Document>> {
        Ok(self.state()?.fleet(&service).map(|fleet| Document(Value::Fleet(fleet))))
    }

    /// The plan that is executed.
    #[napi(catch_unwind)]
    pub fn plan(&self) -> Result<Document> {
        Ok(Document(Value::Plan(self.state()?.plan().clone())))
    }

    /// The time of the last event.
    #[napi(catch_unwind)]
    pub fn clock(&self) -> Result<String> {
        Ok(self.state()?.clock().to_string())
    }

    /// Another one that goes on from the same state.
    #[napi(catch_unwind)]
    pub fn copy(&self) -> Result<Self> {
        Ok(Self(Some(self.state()?.clone())))
    }

    /// Whether both are in the same state.
    #[napi(catch_unwind)]
    pub fn equals(&self, other: &Rollout) -> Result<bool> {
        Ok(self.state()? == other.state()?)
    }
}
