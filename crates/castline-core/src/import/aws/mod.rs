//! What `aws ec2 describe-instances` and `aws autoscaling describe-auto-scaling-groups` print.

mod group;
mod machine;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    Bounds, Import, REVISION, Services,
    draft::Drafts,
    invalid,
    read::{self, At, Item, Reason},
};
use crate::{Health, Instance, Phase, Result, json::Json, policy::Policy, shown};
use group::{Group, Member};
use machine::Machine;

/// Fleets out of what `aws ec2 describe-instances` prints, what `aws autoscaling describe-auto-scaling-groups` prints, or,
/// best, both: the one has the images, the other how healthy instances are, how many there should be, and the policy.
///
/// The service is the Auto Scaling group, or the value of a tag. Tags become labels, and the launch template the label
/// `castline.launchTemplate`. An instance on standby counts as quarantined. A group's maintenance policy becomes a
/// budget, whose floor is rounded up.
///
/// # Errors
///
/// [`Error::InvalidDocument`](crate::Error::InvalidDocument) for what is neither, with the place.
pub fn aws(documents: &[&[u8]], services: &Services) -> Result<Import> {
    import(documents, services)
        .map_err(|reason| invalid("description of EC2 instances or Auto Scaling groups", &reason))
}

/// The tag that EC2 Auto Scaling puts on what it launches.
const GROUP: &str = "aws:autoscaling:groupName";

fn import(documents: &[&[u8]], services: &Services) -> Result<Import, Reason> {
    let documents = read::documents(documents)?;
    let mut drafts = Drafts::default();
    let mut machines: BTreeMap<&str, Machine<'_>> = BTreeMap::new();
    let mut groups: BTreeMap<&str, Group<'_>> = BTreeMap::new();
    let (mut known, mut described) = (HashMap::new(), false);
    for (place, document) in &documents {
        let at = At::root(place, document).as_object()?;
        let (reservations, listed) = (at.member("Reservations"), at.member("AutoScalingGroups"));
        if reservations.is_none() && listed.is_none() {
            return Err(at.fault("there is neither `Reservations` nor `AutoScalingGroups`"));
        }
        described |= reservations.is_some();
        for reservation in at.items("Reservations")? {
            for item in reservation.at().as_object()?.items("Instances")? {
                let id = item.at().as_object()?.required("InstanceId")?;
                if is_new("instance", id, &item, &mut known)? {
                    machines.insert(id, Machine::of(&item.at())?);
                }
            }
        }
        for item in at.items("AutoScalingGroups")? {
            let name = item.at().as_object()?.required("AutoScalingGroupName")?;
            if is_new("group", name, &item, &mut known)? {
                groups.insert(name, Group::of(&item.at(), name, &mut drafts.notes)?);
            }
        }
    }
    for (name, group) in &groups {
        begin(name, group, services, &mut drafts)?;
    }
    let mut members: BTreeMap<&str, (&str, &Member<'_>)> = BTreeMap::new();
    for (name, group) in &groups {
        for (id, member) in &group.members {
            if let Some((other, _)) = members.insert(id, (name, member)) {
                let (id, other, name) = (shown(id), shown(other), shown(name));
                return Err(format!("the instance `{id}` is in two groups, `{other}` and `{name}`"));
            }
        }
    }
    let all: BTreeSet<&str> = machines.keys().chain(members.keys()).copied().collect();
    for id in all {
        let (machine, member) = (machines.get(id), members.get(id).copied());
        if member.is_some() && machine.is_none() {
            let why = if described { "it is not among the instances" } else { "no instances are given" };
            drafts.notes.of(format!("{why}: its image is not known"), id);
        }
        if machine.is_some_and(|machine| machine.state().is_none()) {
            drafts.notes.of("it is terminated and left out", id);
            continue;
        }
        if let (None, Some(machine)) = (member, machine)
            && let Some(group) = machine.tags.get(GROUP)
            && groups.contains_key(group.as_str())
        {
            drafts.notes.of("its group does not list it, and it is left out", id);
            continue;
        }
        instance(id, machine, member, services, &mut drafts)?;
    }
    drafts.into_import()
}

/// Whether it has not stood in the documents before. What stands twice must be alike.
fn is_new<'j>(
    what: &'static str,
    name: &'j str,
    item: &Item<'_, 'j>,
    known: &mut HashMap<(&'static str, &'j str), &'j Json>,
) -> Result<bool, Reason> {
    let at = item.at();
    match known.insert((what, name), at.json) {
        None => Ok(true),
        Some(first) if first == at.json => Ok(false),
        Some(_) => Err(at.fault(format_args!("the {what} `{}` stands twice, and not alike", shown(name)))),
    }
}

fn service(
    group: Option<&str>,
    tags: &BTreeMap<String, String>,
    services: &Services,
) -> Option<(String, String)> {
    match services {
        Services::Workload | Services::Qualified => group.map(|name| (name.to_owned(), name.to_owned())),
        Services::Label(tag) => {
            tags.get(tag).filter(|value| !value.is_empty()).map(|value| (value.clone(), String::new()))
        }
        Services::One(name) => Some((name.clone(), String::new())),
    }
}

/// Begins the service of a group, which may have no instances yet.
fn begin(name: &str, group: &Group<'_>, services: &Services, drafts: &mut Drafts) -> Result<(), Reason> {
    let Some((service, origin)) = service(Some(name), &group.tags, services) else {
        drafts
            .notes
            .of("it has no tag that names its service: its desired number and policy are left out", name);
        return Ok(());
    };
    let draft = drafts.service(&service, &origin)?;
    if let Some(bounds) = draft.bounds.take() {
        draft.bounds =
            Some(Bounds { min: bounds.min + group.bounds.min, max: bounds.max + group.bounds.max });
        draft.desired = draft.desired.zip(group.desired).map(|(one, other)| one + other);
        draft.policy = None;
        drafts.notes.of("several groups are one service: it has no policy", &service);
    } else {
        draft.bounds = Some(group.bounds);
        draft.desired = group.desired;
        draft.policy = group.policy.clone().map(|policy| Policy { service: Some(service), ..policy });
    }
    Ok(())
}

fn instance(
    id: &str,
    machine: Option<&Machine<'_>>,
    member: Option<(&str, &Member<'_>)>,
    services: &Services,
    drafts: &mut Drafts,
) -> Result<(), Reason> {
    let mut tags = machine.map(|machine| machine.tags.clone()).unwrap_or_default();
    let group = member.map(|(name, _)| name.to_owned()).or_else(|| tags.get(GROUP).cloned());
    let Some((service, origin)) = service(group.as_deref(), &tags, services) else {
        drafts.notes.of("it is in no group, or has no tag that names its service, and is left out", id);
        return Ok(());
    };
    let lifecycle = member.map(|(_, member)| member.lifecycle);
    let state = machine.and_then(Machine::state);
    let (mut phase, mut health) = state.unwrap_or((Phase::Running, Health::Ready));
    if let (Some((_, member)), Phase::Pending | Phase::Running) = (member, phase) {
        match member.lifecycle {
            "InService" => {}
            state if state.starts_with("Pending") => (phase, health) = (Phase::Pending, Health::NotReady),
            state if state.starts_with("Terminating") => {
                (phase, health) = (Phase::Terminating, Health::NotReady);
            }
            "Detaching" => (phase, health) = (Phase::Terminating, Health::NotReady),
            "EnteringStandby" | "Standby" | "Quarantined" => phase = Phase::Quarantined,
            "Terminated" | "Detached" => {
                drafts.notes.of("its group has it no more, and it is left out", id);
                return Ok(());
            }
            state if state.starts_with("Warmed:") => {
                drafts.notes.of("it waits in the warm pool, and is left out", id);
                return Ok(());
            }
            other => {
                drafts.notes.of(format!("what the state `{}` means is not known", shown(other)), id);
                health = Health::Unknown;
            }
        }
        if !member.healthy && health == Health::Ready {
            health = Health::Failed;
        }
        if member.protected {
            drafts.notes.of("its group protects it from being scaled in", id);
        }
        if let Some(template) = &member.template {
            tags.insert("castline.launchTemplate".into(), template.clone());
        }
    } else if lifecycle.is_none() && health == Health::Ready {
        drafts.notes.of("no group says whether it is healthy: it is taken to be", id);
    }
    let image = machine.map_or("", |machine| machine.image);
    let zone = machine.and_then(|machine| machine.zone).or(member.map(|(_, member)| member.zone));
    let mut instance = Instance::new(id).with_phase(phase).with_health(health);
    instance.image = drafts.shared(image);
    instance.zone = drafts.shared(zone.unwrap_or_default());
    instance.created_at = machine.and_then(|machine| machine.launched_at);
    instance.revision = drafts.revision(tags.get(REVISION), id);
    instance.labels = tags.into();
    drafts.service(&service, &origin)?.instances.push(instance);
    Ok(())
}
