use super::*;

#[test]
fn a_long_command_is_cut_and_none_is_none() {
    let command = |words: Value| command_in(&json!({ "name": "app", "command": words }));
    assert_eq!(
        command(json!(["alembic", "upgrade", "head"])).as_deref(),
        Some("alembic upgrade head")
    );
    assert_eq!(command(json!([])), None);
    assert_eq!(command_in(&json!({ "name": "app" })), None);
    let long = command(json!(["x".repeat(200)])).unwrap();
    assert_eq!(
        (long.chars().count(), long.ends_with('…')),
        (MAX_COMMAND + 1, true)
    );
}
