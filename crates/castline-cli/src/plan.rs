use std::fs;

use castline::{
    plan::{self, Infeasible, Target, simulate::World},
    preview,
};

use crate::{Failure, Verdict, arguments::Plan, documents, output};

/// `castline plan`: how a fleet gets from what runs to what should.
pub(crate) fn run(arguments: &Plan) -> Result<Verdict, Failure> {
    let targets = documents::targets(&arguments.targets)?;
    let plan = match plan::plan(&targets) {
        Ok(plan) => plan,
        Err(infeasible) => return refuse(&infeasible, arguments.json),
    };
    let world = world(arguments)?;
    let timeline = plan::simulate(&plan, &targets, &[], &world, documents::now())?;
    if let Some(path) = &arguments.html {
        let page = preview::html(&plan, Some(&timeline));
        fs::write(path, page).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    if arguments.json {
        output::print_json(&plan)?;
    } else {
        let mut text = preview::text(&plan, Some(&timeline), output::width());
        text.push_str(&bounds(&plan, &targets, &world, timeline.makespan_millis));
        output::print(&text)?;
    }
    Ok(Verdict::Clean)
}

/// How long it takes, beside the least that anything could.
pub(crate) fn bounds(plan: &plan::Plan, targets: &[Target], world: &World, makespan: u64) -> String {
    if plan.is_empty() {
        return String::new();
    }
    let bounds = plan::bounds(plan, targets, world);
    format!(
        "\n{} (at least {} under these limits); {} s as simulated (at least {} s)\n",
        output::counted(bounds.waves, "wave"),
        bounds.least_waves,
        makespan / 1000,
        bounds.least_makespan_millis / 1000
    )
}

fn world(arguments: &Plan) -> Result<World, Failure> {
    let Some(path) = &arguments.world else { return Ok(World::default()) };
    let bytes = documents::bytes(path)?;
    castline::from_json(&bytes).map_err(|error| format!("{}: {error}", path.display()).into())
}

/// Tells why there is no plan.
pub(crate) fn refuse(infeasible: &Infeasible, json: bool) -> Result<Verdict, Failure> {
    if json {
        output::print_json(infeasible)?;
    } else {
        output::print(&format!("INFEASIBLE: {}\n", shown(&infeasible.to_string())))?;
    }
    Ok(Verdict::Findings)
}

/// Text of several lines, each of them harmless.
fn shown(text: &str) -> String {
    text.lines().map(castline::shown_whole).collect::<Vec<_>>().join("\n")
}
