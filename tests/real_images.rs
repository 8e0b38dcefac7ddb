//! Real images, made by others, give the verdict that they should. See `xtask::images`.

use castline::{
    Finding, Level, Options, Platforms, Report, Watch,
    sources::{Reference, Source},
};
use xtask::images::{self, Expected, RealImage};

fn verify(reference: &str, options: &Options) -> Report {
    let reference: Reference = reference.parse().expect("a reference");
    let source = Source::open(&reference).expect("opens");
    castline::verify(&source, options, &Watch::none()).expect("verifies").report
}

fn errors(report: &Report) -> Vec<Expected> {
    let errors = report.findings.iter().filter(|finding| finding.level == Level::Error);
    errors.map(expected).collect()
}

fn expected(finding: &Finding) -> Expected {
    Expected { code: finding.code.to_string(), place: finding.referenced_by.first().cloned() }
}

/// What an index lists and is not here is not missing: nobody fetches every platform.
fn of_platforms(image: &RealImage) -> Vec<Expected> {
    let errors = image.errors.iter().cloned();
    errors
        .map(|error| Expected { code: error.code.replace("blob-missing", "platform-absent"), ..error })
        .collect()
}

#[test]
fn real_images_get_their_verdict() {
    let Some(images) = images::real() else { return };
    let scratch = tempfile::tempdir().expect("a folder");
    assert!(images.len() > 20, "only {} images", images.len());
    for image in images {
        let reference = image.reference(scratch.path()).expect("a reference");
        let report = verify(&reference, &Options::default());
        for digest in &image.digests {
            let listed = report.images.iter().any(|found| found.digest.to_string() == *digest);
            assert!(listed, "{}: no image {digest}", image.name);
        }
        if image.partial {
            assert!(report.intact, "{}: {:?}", image.name, errors(&report));
            let absent =
                report.findings.iter().filter(|finding| finding.level == Level::Warning).map(expected);
            assert_eq!(absent.collect::<Vec<_>>(), of_platforms(&image), "{}", image.name);
            let all = verify(&reference, &Options::default().with_platforms(Platforms::All));
            assert!(!all.intact);
            assert_eq!(errors(&all), of_platforms(&image), "{}", image.name);
        } else {
            assert_eq!(report.intact, image.errors.is_empty(), "{}", image.name);
            let (mut found, mut wanted) = (errors(&report), image.errors.clone());
            found.sort();
            wanted.sort();
            assert_eq!(found.len(), wanted.len(), "{}: {found:?} instead of {wanted:?}", image.name);
            for (found, wanted) in found.iter().zip(&wanted) {
                assert_eq!(found.code, wanted.code, "{}", image.name);
                assert!(
                    wanted.place.is_none() || found.place == wanted.place,
                    "{}: {found:?} instead of {wanted:?}",
                    image.name
                );
            }
        }
    }
}
