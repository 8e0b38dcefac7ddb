mod laws;
mod markup;

use markup::{attributes, check};

use super::{html, samples, svg, text};
use crate::{
    plan::{
        Plan,
        simulate::{Life, Sample, Timeline},
    },
    policy::Gate,
};

fn check_all(plan: &Plan, timeline: Option<&Timeline>) {
    let drawing = svg(plan, timeline);
    assert!(check(&drawing) <= 500 * 1024, "{} bytes", drawing.len());
    let page = html(plan, timeline);
    attributes(&page);
    assert!(page.len() <= 1024 * 1024, "{} bytes", page.len());
    let shown = text(plan, timeline, 100);
    assert!(!shown.contains(|character: char| character.is_control() && character != '\n'), "{shown:?}");
}

#[test]
fn drawings_and_pages_are_well_formed_and_within_their_box() {
    for plan in [samples::six(), samples::canary(), samples::two(), samples::many(10_000)] {
        check_all(&plan, None);
        check_all(&plan, Some(&samples::run(&plan)));
    }
    check_all(&samples::plan(Vec::new(), Vec::new(), Vec::new()), None);
    check_all(&samples::plan(Vec::new(), Vec::new(), Vec::new()), Some(&Timeline::default()));
}

#[test]
fn the_same_values_give_the_same_text() {
    let plan = samples::many(1000);
    let timeline = samples::run(&plan);
    for timeline in [None, Some(&timeline)] {
        assert_eq!(text(&plan, timeline, 80), text(&plan.clone(), timeline, 80));
        assert_eq!(svg(&plan, timeline), svg(&plan.clone(), timeline));
        assert_eq!(html(&plan, timeline), html(&plan.clone(), timeline));
    }
}

#[test]
fn names_are_never_markup_and_steer_no_terminal() {
    let evil = "</title></style><script>alert(1)</script>\" onload='x' \x1b[31m\u{202e}]]>";
    let mut plan = samples::six();
    plan.services[0].service = evil.into();
    plan.limits[0].name = evil.into();
    plan.limits[0].of.services = vec![evil.into()];
    let stage = &mut plan.stages[0];
    (stage.name, stage.service) = (evil.into(), evil.into());
    stage.gate = Gate { approval: Some(evil.into()), ..Gate::analysis(evil) };
    for one in &mut stage.replacements {
        one.retire.as_mut().expect("both").id = evil.into();
        one.launch.as_mut().expect("both").zone = evil.into();
        one.launch.as_mut().expect("both").slot = Some(evil.into());
    }
    let mut timeline = samples::run(&plan);
    timeline.outcome = evil.into();
    for timeline in [None, Some(&timeline)] {
        check_all(&plan, timeline);
        for document in [svg(&plan, timeline), html(&plan, timeline)] {
            assert!(document.contains("&lt;script&gt;"));
            for (element, attributes) in attributes(&document) {
                assert!(element != "script", "{document}");
                assert!(attributes.keys().all(|name| !name.starts_with("on")));
            }
        }
    }
}

#[test]
fn a_page_needs_no_network_and_allows_none() {
    let page = html(&samples::canary(), None);
    assert!(page.contains("content=\"default-src 'none'; style-src 'sha256-"));
    let addresses: Vec<_> =
        page.match_indices("http").map(|(at, _)| page[at..].chars().take(26).collect::<String>()).collect();
    // A name space is no address, and `http-equiv` none either.
    assert_eq!(addresses, ["http-equiv=\"Content-Securi", "http://www.w3.org/2000/svg"]);
    assert!(!page.contains("@import") && !page.contains(" style=") && !page.contains("<script"));
    assert_eq!(page.matches("url(").count(), page.matches("url(#castline-").count());
}

#[test]
fn the_digests_to_approve_are_on_the_page_and_in_the_text() {
    use crate::Document as _;
    let plan = samples::canary();
    let (page, shown) = (html(&plan, None), text(&plan, None, 80));
    let service = &plan.services[0];
    assert!(shown.contains(&plan.digest().to_string()));
    for digest in
        [&plan.digest(), &service.fleet, &service.release, &service.policy, service.revision.digest()]
    {
        assert!(page.contains(&digest.to_string()));
    }
}

#[test]
fn a_drawing_is_bounded_whatever_is_drawn() {
    let mut plan = samples::many(18_000);
    for (number, one) in plan.stages[0].replacements.iter_mut().enumerate() {
        one.launch.as_mut().expect("both").zone = format!("zone {}", number % 997).into();
        one.retire.as_mut().expect("both").id = format!("{number} {}", "<&>\"'".repeat(40)).into();
    }
    let limits = 0..40;
    plan.limits = limits
        .map(|n| samples::limit(&"<limit>".repeat(300 + n), &["web"], 18_000, 17_999, 18_001))
        .collect();
    plan.services = vec![samples::service("web", 18_000, 0); 300];
    let first = plan.stages[0].clone();
    plan.stages = (0..300)
        .map(|n| {
            let replacements = first.replacements[n * 60..(n + 1) * 60].to_vec();
            let name = format!("{n} {}", "<stage>".repeat(200));
            let gate = Gate::approval("<of>".repeat(1000));
            samples::stage(
                "web",
                &name,
                &(0..u32::try_from(n).expect("few")).collect::<Vec<_>>(),
                replacements,
                gate,
            )
        })
        .collect();
    let timeline = samples::run(&plan);
    check_all(&plan, None);
    check_all(&plan, Some(&timeline));
    assert!(text(&plan, None, 100).len() < 3 * 1024 * 1024);
    let longer = Life {
        instance: "<&>\"'".repeat(5000).into(),
        launched_millis: Some(1),
        available_millis: Some(timeline.makespan_millis / 3),
        retired_millis: Some(timeline.makespan_millis / 2),
        ..timeline.lives[0].clone()
    };
    let unrest = |at: u64| Sample {
        at_millis: timeline.makespan_millis / 5000 * at,
        present: 18_000 + at % 7 * 1000,
        available: 18_000 - at % 5 * 1000,
    };
    let capacity = vec![(0..5000).map(unrest).collect(); 40];
    let few = Timeline { lives: vec![longer; 200], capacity: capacity.clone(), ..timeline.clone() };
    check_all(&plan, Some(&few));
    check_all(&plan, Some(&Timeline { capacity, ..timeline }));
}

#[test]
fn a_chart_says_when_capacity_is_outside_of_its_limits() {
    let plan = samples::plan(
        vec![samples::service("web", 4, 4)],
        vec![samples::limit("fleet web", &["web"], 4, 3, 5)],
        Vec::new(),
    );
    let sample = |at_millis, present, available| Sample { at_millis, present, available };
    let samples = vec![sample(0, 4, 4), sample(60_000, 6, 4), sample(120_000, 5, 2), sample(180_000, 4, 4)];
    let timeline = Timeline {
        makespan_millis: 240_000,
        outcome: "paused".into(),
        capacity: vec![samples],
        ..Timeline::default()
    };
    let shown = text(&plan, Some(&timeline), 52);
    let chart = shown.split_once("\n\nfleet web").expect("a chart").1;
    assert_eq!(chart, EXPECTED, "{shown}");
    for document in [svg(&plan, Some(&timeline)), html(&plan, Some(&timeline))] {
        assert_eq!(document.matches("class=\"breach\"").count(), 1);
    }
    let page = html(&plan, Some(&timeline));
    assert!(page.contains("2, below the floor") && page.contains("6, above the ceiling"));
}

const EXPECTED: &str = "\
: available #, present +, floor =, ceiling -, outside of them !
        6 |          +++++++++++
ceiling 5 |----------!!!!!!!!!!!--------------------
        4 |####################+++++++++++##########
  floor 3 |====================!!!!!!!!!!!==========
        2 |#########################################
        1 |#########################################
        0 +-----------------------------------------
           0                   2 min
";

#[test]
fn a_small_plan_as_text() {
    let shown = text(&samples::six(), None, 60);
    assert_eq!(shown.split_once('\n').expect("lines").1, SIX);
}

const SIX: &str = "\
1 service: 6 replaced in 3 waves, 1 stage

web to revision 1@fb3d4d2ac85b, release 3b4d2c819a1c
  6 desired: 0 kept, 6 replaced; waves 1 to 3
    5 because it runs another image
    1 because its files were changed

limits
  fleet web: 6 to 8 of 6; sets the pace: 2 more than desired at a time

stage 1 of 1: web: rolling (6 replaced)
  wave  what                    order         reason
     1  web-0 -> new in zone a  launch first  it runs another image
     1  web-1 -> new in zone b  launch first  it runs another image
     2  web-2 -> new in zone c  launch first  it runs another image
     2  web-3 -> new in zone a  launch first  its files were changed
     3  web-4 -> new in zone b  launch first  it runs another image
     3  web-5 -> new in zone c  launch first  it runs another image

fleet web: available #, present +, floor =, ceiling -
ceiling 8 |-------------------------------------------------
        7 |+++++++++++++++++++++++++++++++++++++++++++++++++
  floor 6 |=================================================
        5 |#################################################
        4 |#################################################
        3 |#################################################
        2 |#################################################
        1 |#################################################
        0 +-------------------------------------------------
           0               wave 1          wave 2
";
