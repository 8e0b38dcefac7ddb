//! What the header declares, and a program that calls all of it as it must not be called.

use std::{collections::BTreeSet, fmt::Write as _, io};

/// A function of the header.
struct Function<'h> {
    result: &'h str,
    name: &'h str,
    parameters: Vec<Parameter<'h>>,
}

/// A parameter: its type, with its stars, and its name.
struct Parameter<'h> {
    kind: String,
    name: &'h str,
}

/// Where a declaration begins.
const MARK: &str = "\nCASTLINE_API";

fn functions(header: &str) -> io::Result<Vec<Function<'_>>> {
    let declared = header.split(MARK).skip(1).map(|rest| {
        let (declaration, _) = rest.split_once(");")?;
        let (head, parameters) = declaration.split_once('(')?;
        let at = head.rfind("castline_")?;
        let parameters = parameters.split(',').filter(|text| text.trim() != "void");
        let parameters = parameters.map(parameter).collect::<Option<Vec<_>>>()?;
        Some(Function { result: head[..at].trim(), name: head[at..].trim(), parameters })
    });
    declared.collect::<Option<Vec<_>>>().ok_or_else(|| io::Error::other("the header has a form of its own"))
}

fn parameter(text: &str) -> Option<Parameter<'_>> {
    let text = text.trim();
    let at = text.rfind(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '_'))? + 1;
    Some(Parameter { kind: text[..at].split_whitespace().collect::<Vec<_>>().join(" "), name: &text[at..] })
}

/// The names of all functions.
pub(super) fn names(header: &str) -> io::Result<BTreeSet<String>> {
    Ok(functions(header)?.iter().map(|function| function.name.to_owned()).collect())
}

/// The types that a program sees as pointers only.
fn opaque(header: &str) -> BTreeSet<&str> {
    let types = header.lines().filter_map(|line| line.strip_prefix("typedef struct castline_"));
    types.filter_map(|rest| rest.split_once(' ')?.1.strip_suffix(';')).collect()
}

/// A program that calls every function with NULL and 0, with handles that were freed, and with handles of another
/// kind. What returns a status must refuse; nothing may fault or write.
pub(super) fn misuse(header: &str) -> io::Result<String> {
    let functions = functions(header)?;
    let opaque = opaque(header);
    let mut program = PROLOGUE.to_owned();
    for function in &functions {
        let arguments = function.parameters.iter().map(|parameter| {
            let pointer = parameter.kind.ends_with('*') || parameter.kind.starts_with("castline_on_");
            if pointer { "NULL" } else { "0" }.to_owned()
        });
        program += &call(function, arguments);
    }
    program += BETWEEN;
    for function in &functions {
        let handle = |parameter: &Parameter<'_>| {
            let kind = parameter.kind.trim_start_matches("const ").strip_suffix(" *")?;
            opaque.get(kind).copied().filter(|_| parameter.name != "error_out")
        };
        if !function.parameters.iter().any(|parameter| handle(parameter).is_some()) {
            continue;
        }
        let arguments = function.parameters.iter().map(|parameter| {
            if let Some(kind) = handle(parameter) {
                // A live handle of this very kind would be right.
                let other = if kind == "castline_cancel" { "of_ledger" } else { "of_cancel" };
                format!("({kind} *)(which == 0 ? freed : {other})")
            } else if parameter.name == "error_out" {
                "&error".to_owned()
            } else if parameter.name.ends_with("_out") {
                "(void *)out".to_owned()
            } else if parameter.kind == "const char *" {
                "\"x\"".to_owned()
            } else if parameter.name.ends_with("length") {
                "1".to_owned()
            } else if parameter.kind.ends_with('*') || parameter.kind.starts_with("castline_on_") {
                "NULL".to_owned()
            } else {
                "0".to_owned()
            }
        });
        program += &call(function, arguments);
    }
    writeln!(program, "{EPILOGUE}").map_err(io::Error::other)?;
    Ok(program)
}

fn call(function: &Function<'_>, arguments: impl Iterator<Item = String>) -> String {
    let name = function.name;
    let call = format!("{name}({})", arguments.collect::<Vec<_>>().join(", "));
    match function.result {
        "castline_status" => format!("    refused(\"{name}\", {call});\n"),
        _ => format!("    (void){call};\n"),
    }
}

const PROLOGUE: &str = r#"/* Made of the header. */
#include "support.h"

static castline_error *error;
static char out[256];
static unsigned long calls;

static void refused(const char *name, castline_status status)
{
    size_t index;
    if (status == CASTLINE_OK) {
        fprintf(stderr, "%s takes what it must not\n", name);
        exit(1);
    }
    for (index = 0; index < sizeof out; index++)
        CHECK(out[index] == 0);
    castline_error_free(error);
    error = NULL;
    calls++;
}

static void nothing(void)
{
"#;

const BETWEEN: &str = r"}

static void wrong(int which, void *freed, void *of_cancel, void *of_ledger)
{
";

const EPILOGUE: &str = r#"}

int main(void)
{
    castline_cancel *cancel;
    castline_ledger *ledger;
    castline_policy *policy;
    OK(castline_cancel_new(&cancel, &error));
    OK(castline_ledger_new(&ledger, &error));
    OK(castline_policy_from_json("{}", 2, &policy, &error));
    castline_policy_free(policy);
    nothing();
    wrong(0, policy, cancel, ledger);
    wrong(1, policy, cancel, ledger);
    castline_cancel_request(cancel);
    CHECK(castline_cancel_is_requested(cancel) && castline_ledger_entry_count(ledger) == 0);
    castline_cancel_free(cancel);
    castline_ledger_free(ledger);
    printf("misuse: %lu calls were refused\n", calls);
    return 0;
}"#;

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "typedef struct castline_a castline_a;\n\
        CASTLINE_API void castline_a_free(castline_a *a);\n\
        CASTLINE_API\nconst char *castline_a_name(const castline_a *a,\n    size_t length);\n\
        CASTLINE_API uint32_t castline_b(void);\n";

    #[test]
    fn declarations_are_read() {
        let names: Vec<String> = names(HEADER).expect("read").into_iter().collect();
        assert_eq!(names, ["castline_a_free", "castline_a_name", "castline_b"]);
        let functions = functions(HEADER).expect("read");
        let kinds: Vec<&str> = functions[1].parameters.iter().map(|parameter| &*parameter.kind).collect();
        assert_eq!((functions[1].result, kinds), ("const char *", vec!["const castline_a *", "size_t"]));
        assert!(functions[2].parameters.is_empty());
        assert_eq!(opaque(HEADER).into_iter().collect::<Vec<_>>(), ["castline_a"]);
    }
}
