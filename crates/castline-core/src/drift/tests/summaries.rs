use std::fmt::Write as _;

use super::*;

fn summary(actual: &str) -> Vec<String> {
    let report = drift("usr/bin/a=f755:x usr/lib/b=f644:x srv=d755", actual, &Comparison::default());
    let line = |line: &DirectorySummary| {
        let counts = line.counts;
        format!(
            "{} {} +{} -{} ~{}",
            line.directory,
            line.severity.name(),
            counts.added,
            counts.removed,
            counts.modified
        )
    };
    report.summary.iter().map(line).collect()
}

#[test]
fn a_summary_has_a_line_for_each_folder_while_they_are_few() {
    assert_eq!(
        summary("usr/bin/a=f755:y usr/bin/c=f755:y usr/lib/b=f644:z srv/x=f644:z srv/y=f644:z"),
        ["srv warning +2 -0 ~0", "usr/bin critical +1 -0 ~1", "usr/lib warning +0 -0 ~1"]
    );
    assert_eq!(summary("usr/bin/a=f755:x usr/lib/b=f644:x srv=d755"), Vec::<String>::new());
}

#[test]
fn a_folder_that_is_new_as_a_whole_is_one_line() {
    let mut words = "usr/bin/a=f755:x usr/lib/b=f644:x srv=d755".to_owned();
    for at in 0..300 {
        write!(words, " srv/new/d{}/f{at}=f644:x", at % 7).expect("memory");
    }
    assert_eq!(summary(&words), ["srv/new warning +308 -0 ~0"]);
}

#[test]
fn many_folders_are_told_of_together() {
    let mut words = "usr/bin/a=f755:y usr/lib/b=f644:x srv=d755".to_owned();
    let mut shipped = words.replace(":y", ":x");
    for at in 0..200 {
        write!(words, " data/a/d{at}/f=f644:y").expect("memory");
        write!(shipped, " data/a/d{at}/f=f644:x").expect("memory");
    }
    let report = drift(&shipped, &words, &Comparison::default().with_max_findings(3));
    let folders: Vec<_> =
        report.summary.iter().map(|line| (&*line.directory, line.counts.modified)).collect();
    assert_eq!(folders, [("data/a", 200), ("usr/bin", 1)]);
    assert_eq!((report.findings.len(), report.more), (3, 198));
    assert_eq!(report.findings[2].path, "usr/bin/a", "the worst finding is kept");
    assert_eq!(report.summary[0].examples.len(), 3);
}
