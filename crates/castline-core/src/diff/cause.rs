use serde::Serialize;

use super::{FieldDifference, LayerDifference, LayerVerdict};

/// What is likely to have made two images differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Cause {
    /// A stable word for it: `content`, `layers`, `times`, `owners`, `modes`, `xattrs`, `order`, `encoding`, `compression`,
    /// `created`, `config`, `annotations`, `formatting`.
    pub code: &'static str,
    /// It in a sentence, with what to do.
    pub message: String,
}

/// The causes, the most telling first: what differs in a file outweighs what is said of it.
pub(super) fn of(fields: &[FieldDifference], layers: &[LayerDifference]) -> Vec<Cause> {
    let mut causes = Vec::new();
    let mut add = |code, places: Vec<String>, what: &str| {
        if !places.is_empty() {
            causes.push(Cause { code, message: format!("{}: {what}", places.join(", ")) });
        }
    };
    let of = |wanted: &dyn Fn(&LayerDifference) -> bool| -> Vec<String> {
        layers.iter().filter(|layer| wanted(layer)).map(|layer| format!("layer {}", layer.position)).collect()
    };
    let has =
        |layer: &LayerDifference, names: &[&str]| names.iter().any(|name| layer.attributes.contains(name));
    add(
        "layers",
        of(&|layer| matches!(layer.verdict, LayerVerdict::OnlyFirst | LayerVerdict::OnlySecond)),
        "only one of the images has it",
    );
    add(
        "content",
        of(&|layer| layer.verdict == LayerVerdict::Content),
        "other files, or other contents: the inputs differ, or what made them is not reproducible",
    );
    add(
        "owners",
        of(&|layer| has(layer, &["uid", "gid"])),
        "other owners: built under another account; give all files one owner",
    );
    add("modes", of(&|layer| has(layer, &["mode"])), "other modes: another umask, as a rule; normalise them");
    add(
        "xattrs",
        of(&|layer| has(layer, &["xattrs"])),
        "other extended attributes: another filesystem or security module; leave them out",
    );
    add(
        "times",
        of(&|layer| has(layer, &["mtime"])),
        "other times of modification: set them to one moment, such as SOURCE_DATE_EPOCH",
    );
    add(
        "order",
        of(&|layer| layer.reordered),
        "the entries stand in another order: a folder was walked in the filesystem's; sort by name",
    );
    add(
        "encoding",
        of(&|layer| layer.verdict == LayerVerdict::Encoding),
        "the same entries, written by another program, or in another format of tar",
    );
    add(
        "compression",
        of(&|layer| layer.verdict == LayerVerdict::Compression),
        "the same tar, compressed by another program, version or level; as files they are the same",
    );
    let fields_of = |wanted: &dyn Fn(&FieldDifference) -> bool| -> Vec<String> {
        let found = fields.iter().filter(|field| wanted(field));
        found.map(|field| format!("{} {}", field.document, field.path)).collect()
    };
    let is_time =
        |field: &FieldDifference| field.path.rsplit('.').next().is_some_and(|name| name == "created");
    let is_annotation = |field: &FieldDifference| field.path.starts_with("annotations");
    let formatted = |field: &FieldDifference| field.path.is_empty();
    add("created", fields_of(&is_time), "built at another moment; give the moment as an input");
    add("annotations", fields_of(&|field| is_annotation(field) && !is_time(field)), "other annotations");
    add(
        "config",
        fields_of(&|field| !is_time(field) && !is_annotation(field) && !formatted(field)),
        "other settings",
    );
    add("formatting", fields_of(&formatted), "the same values in other bytes: written by another program");
    causes
}
