//! From a plan to what came of it: shown, proved, approved of, executed.

use std::{
    fmt::Write as _,
    fs,
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use castline::{
    Digest, Document as _,
    engine::{Contents, Ended, EngineError, Planner, Prepared, Rolling, Told, under_way},
    plan::{
        self, Infeasible,
        check::{Proof, check},
        simulate::World,
    },
    preview,
    rollout::Status,
    shown_whole,
};

use super::{outcome, short, site::Site, view::View};
use crate::{Failure, Verdict, arguments::Go, documents::now, output, plan as planning};

/// What was decided on the command line, with paths that hold wherever we are.
#[expect(clippy::struct_excessive_bools, reason = "they are flags")]
pub(super) struct Orders {
    yes: bool,
    approve: Option<String>,
    html: Option<PathBuf>,
    pub(super) json: bool,
    pub(super) stay: bool,
    pub(super) dry_run: bool,
}

impl Orders {
    pub(super) fn of(go: &Go, dry_run: bool) -> Result<Self, Failure> {
        if let Some(approved) = &go.approve
            && let Err(error) = approved.parse::<Digest>()
        {
            let what = "a plan is approved of by its whole digest, as it is shown";
            return Err(format!("--approve: {what}: {error}").into());
        }
        Ok(Self {
            yes: go.yes,
            approve: go.approve.clone(),
            html: go.html.as_deref().map(std::path::absolute).transpose()?,
            json: go.json,
            stay: go.stay,
            dry_run,
        })
    }
}

/// What comes of looking at what runs, and at what should.
pub(super) enum Planned {
    /// A plan.
    Prepared(Box<Prepared>),
    /// There is none.
    Infeasible(Box<Infeasible>),
    /// Nothing is to be done, and why.
    Nothing(&'static str),
    /// It is not to be done, and why was said.
    Refused,
}

/// How a plan got on.
pub(super) enum Went {
    /// Nothing is to be done.
    Nothing,
    /// It was only shown, as asked for.
    Shown,
    /// It is not safe, or nobody approved of it: nothing was done.
    Refused,
    /// It was executed.
    Executed(Box<Ended>),
    /// It was left while it was executed.
    Left,
}

impl Went {
    pub(super) fn verdict(&self) -> Verdict {
        match self {
            Self::Nothing | Self::Shown => Verdict::Clean,
            Self::Executed(ended) if ended.is_success() => Verdict::Clean,
            _ => Verdict::Findings,
        }
    }

    /// The verdict of who wanted it to go back.
    pub(super) fn back_verdict(&self) -> Verdict {
        match self {
            Self::Executed(ended) if matches!(ended.status, Status::RolledBack { .. }) => Verdict::Clean,
            _ => Verdict::Findings,
        }
    }
}

/// Tells why there is no plan.
fn refuse(infeasible: Box<Infeasible>, json: bool) -> Result<Verdict, Failure> {
    if json {
        View::new(true).show(&Told::Infeasible { infeasible });
        return Ok(Verdict::Findings);
    }
    planning::refuse(&infeasible, false)
}

/// Makes a plan, shows it, proves that it is safe, has it approved of, and executes it.
///
/// The ledger is only held once somebody has approved: until then, others may write to it, and things happen. So the plan is made
/// again by then, and where it is another one, it is as if nobody had approved of anything.
pub(super) async fn carry_out(
    site: &Site,
    orders: &Orders,
    plan: impl AsyncFn(&Planner) -> Result<Planned, Failure>,
) -> Result<Went, Failure> {
    let before = site.planner()?;
    if !orders.dry_run {
        site.refuse_if_held(before.contents())?;
    }
    let mut planned = plan(&before).await?;
    let mut holding = None;
    loop {
        let prepared = match planned {
            Planned::Prepared(prepared) => prepared,
            Planned::Infeasible(infeasible) => {
                refuse(infeasible, orders.json)?;
                return Ok(Went::Refused);
            }
            Planned::Nothing(why) => {
                if orders.json {
                    View::new(true).show(&Told::Nothing { reason: why.to_owned() });
                } else {
                    output::print(&format!("{why}\n"))?;
                }
                return Ok(Went::Nothing);
            }
            Planned::Refused => return Ok(Went::Refused),
        };
        if !orders.dry_run {
            // Before anybody thinks about it.
            before.ready(&prepared.plan, &prepared.targets).await?;
        }
        if let Some(went) = consent(&prepared, orders)? {
            if orders.dry_run && is_hindered(&before, &prepared).await? {
                return Ok(Went::Refused);
            }
            return Ok(went);
        }
        let (executor, prepared) = if let Some(executor) = holding.take() {
            (executor, prepared)
        } else {
            let executor = site.executor(orders.stay)?;
            match plan(&executor.planner()).await? {
                Planned::Prepared(again) if again.plan == prepared.plan => (executor, again),
                other => {
                    output::note("something has changed since the plan was made: it is made again")?;
                    planned = other;
                    // Whoever approves of any plan is not asked again: it is carried out as it is now.
                    holding = orders.yes.then_some(executor);
                    continue;
                }
            }
        };
        if !prepared.plan.is_empty() {
            executor.approve(&prepared.plan, &site.actor).await?;
        }
        let rolling = executor.apply(*prepared, &site.actor).await?;
        return watch(rolling, orders.json, &site.actor).await;
    }
}

/// Says before anybody thinks about a plan that it cannot be begun now.
pub(super) fn none_under_way<'s>(
    contents: &Contents,
    services: impl Iterator<Item = &'s Arc<str>>,
) -> Result<(), Failure> {
    let under_way = contents.under_way();
    for service in services {
        if let Some(other) = under_way.iter().find(|other| other.services.contains(service)) {
            let back = if contents.way_back_of(&other.rollout).is_ok() {
                "stop it by `castline resume --abort`, or go back by `castline rollback`"
            } else {
                "or stop it by `castline resume --abort`"
            };
            let rollout = short(&other.rollout);
            return Err(format!(
                "the rollout {rollout} of {service} is not over: go on with it by `castline resume`, {back}"
            )
            .into());
        }
    }
    Ok(())
}

/// Says, beside a plan that is only shown, why it could not be carried out now, if it could not.
async fn is_hindered(planner: &Planner, prepared: &Prepared) -> Result<bool, Failure> {
    let services = || prepared.plan.services.iter().map(|planned| &planned.service);
    let mut hindered = false;
    for one in under_way(planner.contents().ledger()) {
        if let Some(service) = services().find(|service| one.services.contains(service)) {
            hindered = true;
            let rollout = short(&one.rollout);
            output::note(&format!(
                "it could not be begun now: the rollout {rollout} of {service} is not over"
            ))?;
        }
    }
    if let Err(error) = planner.ready(&prepared.plan, &prepared.targets).await {
        hindered = true;
        hinders(&error)?;
    }
    Ok(hindered)
}

/// Says why what was only shown could not be done now.
pub(super) fn hinders(error: &EngineError) -> Result<(), Failure> {
    let why = match error {
        EngineError::Driver { source, .. } => source.to_string(),
        error => error.to_string(),
    };
    output::note(&format!("it could not be begun now: {why}"))?;
    Ok(())
}

/// Shows a plan, proves that it is safe, and has it approved of; else says how it went.
fn consent(prepared: &Prepared, orders: &Orders) -> Result<Option<Went>, Failure> {
    let digest = prepared.plan.digest();
    if orders.approve.as_deref().is_some_and(|approved| approved != digest.to_string()) {
        show(prepared, None, orders)?;
        return Err(format!(
            "the plan is another one than was approved of, since something has changed: it is {digest} now, as shown above; nothing was done"
        )
        .into());
    }
    let proof = match check(&prepared.plan, &prepared.targets) {
        Ok(proof) => proof,
        Err(violation) => {
            show(prepared, None, orders)?;
            let message = format!("NOT SAFE, and so nothing was done: {violation}\n");
            let lines: Vec<String> = message.lines().map(shown_whole).collect();
            output::unless_closed(writeln!(io::stderr(), "{}", lines.join("\n")))?;
            return Ok(Some(Went::Refused));
        }
    };
    show(prepared, Some(&proof), orders)?;
    if orders.dry_run {
        return Ok(Some(Went::Shown));
    }
    if !prepared.plan.is_empty() && !is_approved(orders, &digest.to_string())? {
        output::note("not approved of: nothing was done")?;
        return Ok(Some(Went::Refused));
    }
    Ok(None)
}

/// Executes a rollout, in view. The first Ctrl-C pauses it, the second leaves it as it is.
pub(super) async fn watch(rolling: Rolling, json: bool, actor: &str) -> Result<Went, Failure> {
    let (rollout, handle) = (rolling.rollout().clone(), rolling.handle());
    let view = Mutex::new(View::new(json).staying(rolling.stays()));
    let seen = || view.lock().unwrap_or_else(PoisonError::into_inner);
    let mut signals = Signals::new()?;
    let mut run = Box::pin(rolling.run(|told| seen().show(&told)));
    let mut heard = false;
    let ended = loop {
        tokio::select! {
            ended = &mut run => break ended?,
            () = signals.next() => {
                if heard {
                    seen().say(&format!(
                        "left as it is; go on with: castline resume {}",
                        short(&rollout)
                    ));
                    return Ok(Went::Left);
                }
                heard = true;
                seen().say("pausing: what was begun is finished; once more to leave at once");
                seen().leaves();
                handle.pause(actor);
                handle.leave();
            }
        }
    };
    drop(run);
    drop(view);
    if !json {
        output::print(&outcome::after(&ended))?;
    }
    Ok(Went::Executed(Box::new(ended)))
}

/// Ctrl-C, and what asks a program to end.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    fn new() -> io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

fn show(prepared: &Prepared, proof: Option<&Proof>, orders: &Orders) -> Result<(), Failure> {
    let Prepared { plan, targets, .. } = prepared;
    let timeline = plan::simulate(plan, targets, &[], &World::default(), now())?;
    if let Some(path) = &orders.html {
        write(path, &preview::html(plan, Some(&timeline)))?;
    }
    if orders.json {
        let plan = Box::new(plan.clone());
        View::new(true).show(&Told::Planned { digest: plan.digest(), proved: proof.is_some(), plan });
        return Ok(());
    }
    let mut text = preview::text(plan, Some(&timeline), output::width());
    if !plan.is_empty() {
        text.push_str(&planning::bounds(plan, targets, &World::default(), timeline.makespan_millis));
        if let Some(proof) = proof {
            let waves = output::counted(proof.waves.into(), "wave");
            let replacements = output::counted(proof.replacements, "replacement");
            let _ = writeln!(text, "proved safe: {replacements} in {waves}");
        }
        text.push('\n');
    }
    output::print(&text)?;
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Whether somebody approves of the plan: on the command line, or at the terminal.
fn is_approved(orders: &Orders, digest: &str) -> Result<bool, Failure> {
    if orders.yes || orders.approve.is_some() {
        return Ok(true);
    }
    if orders.json || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(format!(
            "nobody is here to approve of the plan, and nothing was done: add `--approve {digest}`, or `--yes` for whatever the plan is"
        )
        .into());
    }
    write!(io::stderr(), "Shall it be done? Type `yes`: ")?;
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim() == "yes")
}
