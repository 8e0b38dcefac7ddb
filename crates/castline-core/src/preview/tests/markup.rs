//! Just enough of XML to check what is written.

use std::collections::BTreeMap;

/// Checks that elements nest, that every entity is known, and returns all attributes with their elements.
pub(super) fn attributes(document: &str) -> Vec<(String, BTreeMap<String, String>)> {
    const VOID: [&str; 2] = ["meta", "br"];
    let mut open: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    let mut rest = document.strip_prefix("<!doctype html>").unwrap_or(document);
    while let Some((before, tagged)) = rest.split_once('<') {
        assert!(!before.contains('>') || open.last() == Some(&"style"), "a bare > in {before:?}");
        for entity in before.split('&').skip(1) {
            let known = ["amp;", "lt;", "gt;", "quot;", "#39;"];
            assert!(known.iter().any(|known| entity.starts_with(known)), "the entity {entity:?}");
        }
        let (tag, after) = tagged.split_once('>').expect("a tag ends");
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "before {}", after.chars().take(80).collect::<String>());
            continue;
        }
        let (name, mut list) = tag.trim_end_matches('/').split_once(' ').unwrap_or((tag, ""));
        let mut of = BTreeMap::new();
        while let Some((key, value)) = list.split_once("=\"") {
            let (value, left) = value.split_once('"').expect("a value ends");
            assert!(of.insert(key.trim().to_owned(), value.to_owned()).is_none(), "{key} twice");
            list = left;
        }
        assert!(matches!(list.trim(), "" | "open"), "{tag}");
        found.push((name.to_owned(), of));
        if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?} are open");
    found
}

/// The points of a path of `M`, `L`, `H` and `V`.
fn points(path: &str) -> Vec<(f64, f64)> {
    let mut points = Vec::new();
    let (mut x, mut y) = (0.0, 0.0);
    let mut rest = path;
    while let Some(command) = rest.chars().next() {
        let end =
            rest[1..].find(|character: char| character.is_ascii_uppercase()).map_or(rest.len(), |at| at + 1);
        let numbers: Vec<f64> =
            rest[1..end].split_whitespace().map(|number| number.parse().expect("a number")).collect();
        match (command, &numbers[..]) {
            ('M' | 'L', [to, down]) => (x, y) = (*to, *down),
            ('H', [to]) => x = *to,
            ('V', [down]) => y = *down,
            ('Z', []) => {}
            other => panic!("{other:?} in {path}"),
        }
        points.push((x, y));
        rest = &rest[end..];
    }
    points
}

/// Checks that a drawing is well-formed and stays within its view box; its size.
pub(super) fn check(drawing: &str) -> usize {
    let elements = attributes(drawing);
    let (name, root) = &elements[0];
    assert_eq!((&**name, &*root["role"]), ("svg", "img"));
    let size: Vec<f64> = root["viewBox"].split(' ').map(|number| number.parse().expect("a number")).collect();
    let inside = |x: f64, y: f64, what: &BTreeMap<String, String>| {
        let fits = (0.0..=size[2]).contains(&x) && (0.0..=size[3]).contains(&y);
        assert!(fits, "{x}, {y} of {what:?} are not within {size:?}");
    };
    for (name, of) in &elements[1..] {
        let number = |key: &str| of.get(key).map_or(0.0, |text| text.parse::<f64>().expect("a number"));
        match &**name {
            "rect" => {
                inside(number("x"), number("y"), of);
                inside(number("x") + number("width"), number("y") + number("height"), of);
            }
            "text" => inside(number("x"), number("y"), of),
            "path" => points(&of["d"]).into_iter().for_each(|(x, y)| inside(x, y, of)),
            _ => {}
        }
    }
    drawing.len()
}
