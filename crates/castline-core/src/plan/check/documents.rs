//! Whether a plan and the documents belong together.

use std::collections::BTreeMap;

use super::{Violation, ViolationCode};
use crate::{
    Document,
    plan::{Plan, PlannedService, Target},
};

/// A service of a plan, and what is to become of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Service<'a> {
    pub(super) planned: &'a PlannedService,
    pub(super) target: &'a Target,
}

impl<'a> Service<'a> {
    pub(super) fn name(&self) -> &'a str {
        &self.planned.service
    }
}

/// A plan, the documents that it was made for, and the position of each stage's service.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub(super) plan: &'a Plan,
    pub(super) services: Vec<Service<'a>>,
    pub(super) service_of: Vec<usize>,
}

impl<'a> Case<'a> {
    pub(super) fn new(plan: &'a Plan, targets: &'a [Target]) -> Result<Self, Violation> {
        plan.validate().map_err(|reason| Violation::new(ViolationCode::Malformed, reason))?;
        let mut wanted = BTreeMap::new();
        for target in targets {
            let name = &**target.fleet.service();
            if wanted.insert(name, target).is_some() {
                return Err(differ(format!("there are two fleets of {name}")));
            }
        }
        let mut services = Vec::with_capacity(wanted.len());
        for planned in &plan.services {
            let Some(target) = wanted.remove(&*planned.service) else {
                return Err(differ(format!(
                    "the plan is for {}, once, and no such fleet is given",
                    planned.service
                )));
            };
            belong(planned, target)?;
            services.push(Service { planned, target });
        }
        if let Some((name, _)) = wanted.first_key_value() {
            return Err(differ(format!("the plan is not for {name}")));
        }
        if !services.is_sorted_by_key(Service::name) {
            return Err(Violation::new(ViolationCode::Malformed, "the services are not sorted by name"));
        }
        let position = |name: &str| services.binary_search_by(|service| service.name().cmp(name));
        let service_of =
            plan.stages.iter().map(|stage| position(&stage.service).unwrap_or_default()).collect();
        Ok(Self { plan, services, service_of })
    }

    pub(super) fn service(&self, name: &str) -> Option<usize> {
        self.services.binary_search_by(|service| service.name().cmp(name)).ok()
    }

    /// The stages of a service, in their order.
    pub(super) fn stages_of(&self, service: usize) -> impl Iterator<Item = usize> {
        let of = self.service_of.iter().enumerate();
        of.filter(move |(_, one)| **one == service).map(|(stage, _)| stage)
    }
}

fn belong(planned: &PlannedService, target: &Target) -> Result<(), Violation> {
    let (name, Target { fleet, release, policy }) = (&planned.service, target);
    if release.service() != name {
        return Err(differ(format!("the release of {name} is one of {}", release.service())));
    }
    if let Some(other) = policy.service.as_ref().filter(|other| ***other != **name) {
        return Err(differ(format!("the policy of {name} is one of {other}")));
    }
    for (what, planned, actual) in [
        ("fleet", &planned.fleet, fleet.digest()),
        ("release", &planned.release, release.digest()),
        ("policy", &planned.policy, policy.digest()),
    ] {
        if *planned != actual {
            return Err(differ(format!(
                "the plan is for the {what} {planned} of {name}; this one is {actual}"
            )));
        }
    }
    let revision = release.revision();
    if planned.revision != revision {
        let stated = &planned.revision;
        return Err(differ(format!("the plan launches {stated} of {name}; the release is {revision}")));
    }
    Ok(())
}

fn differ(message: String) -> Violation {
    Violation::new(ViolationCode::DocumentsDiffer, message)
}
