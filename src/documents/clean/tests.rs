//! Golden values of the cleaning: each expected text was computed by a port of the official rules.

use super::*;
use crate::documents::parse::parse;

fn clean_text(text: &str, kept: &str) -> CleanedDefinition {
    clean(
        &parse(text, "td.json", "task-definition").unwrap(),
        &KeptKeys::parse(kept).unwrap(),
    )
}

#[test]
fn empty_values_go_and_environment_values_come_back() {
    let table = [
        (
            "family: f\ncontainerDefinitions:\n- {name: a, image: '', command: [''], entryPoint: [], dockerLabels: {k: ''}, environment: [{name: A, value: ''}, {name: B}, {name: '', value: ''}]}",
            r#"{"family":"f","containerDefinitions":[{"name":"a","environment":[{"name":"A","value":""},{"name":"B","value":""}]}]}"#,
        ),
        (
            r#"{"family":"f","cpu":0,"x":false,"y":{"z":null,"q":[null,"",[],{}]},"brandNewField":{"a":1},"containerDefinitions":[{"name":"a","newThing":1,"healthCheck":{"command":["CMD-SHELL",""]}}]}"#,
            r#"{"family":"f","cpu":"0","x":false,"brandNewField":{"a":1},"containerDefinitions":[{"name":"a","newThing":1,"healthCheck":{"command":["CMD-SHELL"]}}]}"#,
        ),
        (
            "version: 0123\na: [[], [[]], [['']], [[0]]]\nb: [{a: ''}, {a: 0}]\nc: [false, null, 0, '']",
            r#"{"version":123,"a":[[[0]]],"b":[{"a":0}],"c":[false,0]}"#,
        ),
        (
            "volumes:\n- {name: v, host: {}}\n- {name: w, efsVolumeConfiguration: {fileSystemId: fs-1, authorizationConfig: {iam: ''}}}\nplacementConstraints: []",
            r#"{"volumes":[{"name":"v"},{"name":"w","efsVolumeConfiguration":{"fileSystemId":"fs-1"}}]}"#,
        ),
        (
            "x-default: &d {cpu: 1, tag: ''}\ncontainerDefinitions:\n- *d\n- {name: b, more: *d}",
            r#"{"x-default":{"cpu":1},"containerDefinitions":[{"cpu":1},{"name":"b","more":{"cpu":1}}]}"#,
        ),
    ];
    for (text, expected) in table {
        assert_eq!(
            clean_text(text, "").definition.to_string(),
            expected,
            "{text}"
        );
    }
}

#[test]
fn app_mesh_properties_get_both_keys_back_and_others_do_not() {
    let table = [
        (
            "{type: APPMESH, properties: [{name: A, value: ''}, {name: '', value: B}, {name: '', value: ''}]}",
            r#"[{"name":"A","value":""},{"value":"B","name":""}]"#,
        ),
        (
            "{type: OTHER, properties: [{name: A, value: ''}]}",
            r#"[{"name":"A"}]"#,
        ),
    ];
    for (proxy, expected) in table {
        let cleaned = clean_text(&format!("proxyConfiguration: {proxy}"), "");
        assert_eq!(
            cleaned.definition["proxyConfiguration"]["properties"].to_string(),
            expected
        );
    }
}

#[test]
fn what_only_aws_sets_goes_with_the_official_warning() {
    let cleaned = clean_text(
        r#"{"family":"f","revision":3,"status":"ACTIVE","compatibilities":[],"requiresAttributes":[{"name":"n"}],"registeredBy":"me","deregisteredAt":null}"#,
        "",
    );
    assert_eq!(cleaned.definition.to_string(), r#"{"family":"f"}"#);
    assert_eq!(
        cleaned.ignored,
        ["requiresAttributes", "revision", "status", "registeredBy"]
    );
    assert!(ignored_warning("revision").starts_with(
        "Ignoring property 'revision' in the task definition file. This property is returned by"
    ));
}

#[test]
fn named_keys_stay_at_any_depth() {
    let options = |text: &str| format!("logConfiguration: {{logDriver: splunk, options: {text}}}");
    let table = [
        (
            options("{tag: '', splunk-url: x}"),
            "tag",
            r#"{"logConfiguration":{"logDriver":"splunk","options":{"tag":"","splunk-url":"x"}}}"#,
        ),
        // The official action drops the whole of `options` here (B12).
        (
            options("{tag: ''}"),
            "tag",
            r#"{"logConfiguration":{"logDriver":"splunk","options":{"tag":""}}}"#,
        ),
        (
            options("{tag: ''}"),
            r#"["tag"]"#,
            r#"{"logConfiguration":{"logDriver":"splunk","options":{"tag":""}}}"#,
        ),
        (
            "command: ['', x]\nfoo: {tag: null, other: ''}".to_owned(),
            " command, foo",
            r#"{"command":["x"],"foo":{}}"#,
        ),
        (
            "command: []\nother: []".to_owned(),
            "command",
            r#"{"command":[]}"#,
        ),
    ];
    for (text, kept, expected) in table {
        assert_eq!(
            clean_text(&text, kept).definition.to_string(),
            expected,
            "{text} {kept}"
        );
    }
}

#[test]
fn a_list_of_kept_keys_that_is_not_one_of_texts_is_a_problem() {
    assert_eq!(
        KeptKeys::parse("[{}]").unwrap_err()[0].input,
        "keep-null-value-keys"
    );
}
