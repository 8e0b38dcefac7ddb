//! The JSON Schemas of what commands alone print are those in `schemas/`. `cargo xtask schema` writes them. Those of what the library has
//! are made by its own test.

use std::{env, fs, path::Path};

use schemars::Schema;

fn all() -> Vec<(&'static str, Schema)> {
    let mut all = Vec::from(crate::engine::schemas());
    #[cfg(feature = "registry")]
    all.extend(crate::registry::schemas());
    #[cfg(target_os = "linux")]
    all.push(("build.json", schemars::schema_for!(castline::sources::Built)));
    all
}

#[test]
fn the_schemas_of_what_commands_print_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas");
    for (name, schema) in all() {
        let mut text = serde_json::to_string_pretty(&schema).expect("JSON");
        text.push('\n');
        if env::var_os("CASTLINE_WRITE_SCHEMAS").is_some() {
            fs::write(folder.join(name), &text).expect("the schema is written");
        }
        let committed = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(committed == text, "schemas/{name} is not current: run `cargo xtask schema`");
    }
}
