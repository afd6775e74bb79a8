//! The JSON Schemas in `docs/`, and the proof that they are what the types say. `make generate`
//! writes them.

use std::path::Path;

use serde_json::Value;

#[test]
fn generated_smoke_test_schema_is_what_the_types_say() {
    assert_current("docs/smoke-tests.schema.json", &crate::smoke::schema());
}

#[test]
fn generated_analysis_schema_is_what_the_types_say() {
    assert_current("docs/analysis.schema.json", &crate::analysis::schema());
}

#[test]
fn generated_gates_schema_is_what_the_types_say() {
    assert_current("docs/gates.schema.json", &crate::gates::schema());
}

fn assert_current(path: &str, schema: &Value) {
    // Doc comments are wrapped, descriptions in editors are not.
    let text = serde_json::to_string_pretty(schema)
        .unwrap()
        .replace("\\n", " ")
        + "\n";
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    if wants_generation() {
        std::fs::write(&file, &text).unwrap();
    }
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        there == text,
        "{path} is not what the code says: run `make generate`"
    );
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test asks whether it is to write"
)]
fn wants_generation() -> bool {
    std::env::var("GENERATE").is_ok_and(|value| value == "1")
}
