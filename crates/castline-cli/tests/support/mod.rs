//! What is printed is as its schema says: as much of JSON Schema as the schemas here use, and stricter, in that nothing that a
//! schema does not know may be there.

use std::{fs, path::Path};

use serde_json::Value;

/// Panics with the place where a document is not as `schemas/NAME` says.
pub(crate) fn assert_is_as_the_schema_says(name: &str, document: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas").join(name);
    let root: Value = serde_json::from_slice(&fs::read(path).expect("a schema")).expect("JSON");
    if let Err(reason) = (Schema { root: &root }).check(&root, document, "") {
        panic!("{name}: {reason}\n{document:#}");
    }
}

struct Schema<'s> {
    root: &'s Value,
}

impl<'s> Schema<'s> {
    fn resolved(&self, schema: &'s Value) -> &'s Value {
        match schema["$ref"].as_str() {
            Some(name) => self.root.pointer(name.trim_start_matches('#')).expect("a definition"),
            None => schema,
        }
    }

    fn check(&self, schema: &'s Value, value: &Value, place: &str) -> Result<(), String> {
        let schema = self.resolved(schema);
        if *schema == Value::Bool(true) {
            return Ok(());
        }
        for name in ["oneOf", "anyOf"] {
            let Some(branches) = schema[name].as_array() else { continue };
            let failures: Vec<String> =
                branches.iter().filter_map(|branch| self.matches(branch, value, place).err()).collect();
            let fitting = branches.len() - failures.len();
            if fitting == 0 || name == "oneOf" && fitting > 1 {
                return Err(format!("{place}: {fitting} alternatives fit: {}", failures.join("; ")));
            }
        }
        self.matches(schema, value, place)?;
        if let Some(members) = value.as_object() {
            let mut known = Vec::new();
            let open = self.properties(schema, &mut known);
            if let Some(name) = members.keys().find(|name| !open && !known.contains(&name.as_str())) {
                return Err(format!("{place}/{name}: the schema does not know it"));
            }
        }
        Ok(())
    }

    /// Whether a value is as a schema says, its alternatives aside; what the schema does not know is no fault yet.
    fn matches(&self, schema: &'s Value, value: &Value, place: &str) -> Result<(), String> {
        let schema = self.resolved(schema);
        let is = |name: &str| match name {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_u64() || value.is_i64(),
            "number" => value.is_number(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            other => panic!("what type is `{other}`?"),
        };
        let types: Vec<&str> = match &schema["type"] {
            Value::String(name) => vec![name],
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if !types.is_empty() && !types.iter().any(|name| is(name)) {
            return Err(format!("{place}: no {}: {value}", types.join(" or ")));
        }
        if schema.get("const").is_some_and(|only| only != value)
            || schema["enum"].as_array().is_some_and(|all| !all.contains(value))
        {
            return Err(format!("{place}: another value than there may be: {value}"));
        }
        if schema.get("oneOf").or_else(|| schema.get("anyOf")).is_some() && schema.get("properties").is_none()
        {
            let branches = schema.get("oneOf").or_else(|| schema.get("anyOf")).and_then(Value::as_array);
            let fits = |branch: &&Value| self.matches(branch, value, place).is_ok();
            if branches.is_some_and(|branches| branches.iter().filter(fits).count() == 0) {
                return Err(format!("{place}: no alternative fits: {value}"));
            }
        }
        for (name, member) in value.as_object().into_iter().flatten() {
            let place = format!("{place}/{name}");
            match (schema["properties"].get(name), schema.get("additionalProperties")) {
                (Some(of), _) | (None, Some(of)) if of.is_object() => self.check(of, member, &place)?,
                _ => {}
            }
        }
        for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if value.get(name).is_none() {
                return Err(format!("{place}: there is no `{name}`"));
            }
        }
        for (at, item) in value.as_array().into_iter().flatten().enumerate() {
            if let Some(of) = schema.get("items") {
                self.check(of, item, &format!("{place}/{at}"))?;
            }
        }
        Ok(())
    }

    /// Collects the members that a schema and its alternatives know; whether there may be others.
    fn properties(&self, schema: &'s Value, known: &mut Vec<&'s str>) -> bool {
        let schema = self.resolved(schema);
        let own = schema["properties"].as_object().into_iter().flatten();
        known.extend(own.map(|(name, _)| name.as_str()));
        let mut open = schema.get("additionalProperties").is_some_and(|others| *others != Value::Bool(false));
        for branch in ["oneOf", "anyOf"].iter().filter_map(|name| schema[name].as_array()).flatten() {
            open |= self.properties(branch, known);
        }
        open
    }
}
