//! JSON as people write it: with comments, with a comma at the end, and with mistakes.

use super::parse::parse_any;

fn read(text: &str) -> String {
    parse_any(text, "td.json", "task-definition").map_or_else(
        |problems| problems[0].to_string(),
        |value| value.to_string(),
    )
}

#[test]
fn comments_of_every_kind_are_skipped_and_swallow_nothing() {
    let table = [
        ("{\n  // one\n  \"a\": 1\n}", r#"{"a":1}"#),
        ("{ \"a\": 1, // one\n  \"b\": 2 }", r#"{"a":1,"b":2}"#),
        ("{ \"a\": 1 // one\n}", r#"{"a":1}"#),
        (
            "{ /* one\n two */ \"a\": [1, /* x */ 2, // y\n] }",
            r#"{"a":[1,2]}"#,
        ),
        (
            "// head\n/* more */ { \"a\": \"x\" // \"b\": 1,\n}\n// tail",
            r#"{"a":"x"}"#,
        ),
        (
            "{ \"a\": // one\n \"http://x/*y*/\", \"b\":// two\n \"\\\"// no\" }",
            r#"{"a":"http://x/*y*/","b":"\"// no"}"#,
        ),
        ("[ // one\n {\"a\": 1} ]", r#"[{"a":1}]"#),
        ("\u{feff}{ \"é\": 1, /* ü */ \"b\": 2 }", r#"{"é":1,"b":2}"#),
    ];
    for (text, expected) in table {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn the_three_files_that_lost_a_key_keep_all_of_them() {
    let pointers = [
        (
            include_str!("testdata/td-line.json"),
            "/containerDefinitions/0/environment/0/name",
            "DATABASE_URL",
        ),
        (
            include_str!("testdata/td-eol.json"),
            "/taskRoleArn",
            "arn:aws:iam::123456789012:role/web",
        ),
        (
            include_str!("testdata/td-block.json"),
            "/containerDefinitions/0/secrets/0/valueFrom",
            "/prod/db",
        ),
    ];
    for (text, pointer, expected) in pointers {
        let value = parse_any(text, "td.json", "task-definition").unwrap();
        assert_eq!(
            value.pointer(pointer).and_then(serde_json::Value::as_str),
            Some(expected),
            "{text}"
        );
        let keys = value
            .as_object()
            .unwrap()
            .keys()
            .chain(value["containerDefinitions"][0].as_object().unwrap().keys());
        assert!(keys.into_iter().all(|key| !key.contains('/')), "{value}");
    }
}

#[test]
fn yaml_with_slashes_stays_as_it_was_and_a_comment_of_json_in_it_is_refused() {
    assert_eq!(
        read("url: http://x\nglob: a/*\nboth: [//x, /*]"),
        r#"{"url":"http://x","glob":"a/*","both":["//x","/*"]}"#
    );
    assert_eq!(
        read("{url: http://x, glob: a/*}"),
        r#"{"url":"http://x","glob":"a/*"}"#
    );
    for text in [
        "family: a\n// note: x\n",
        "{family: a,\n// prod only\ncpu: 256}",
        "a:\n  /* old */ b: 1\n",
    ] {
        assert!(
            read(text)
                .contains(": a comment of JSON in YAML: it would be read as a part of the key"),
            "{}",
            read(text)
        );
    }
}

#[test]
fn mistakes_in_json_are_told_in_its_own_words_at_their_place() {
    let table = [
        (
            "{\n  \"a\": 1\n  \"b\": 2\n}",
            "td.json:3:3: it is not JSON: expected `,` or `}`",
        ),
        (
            "{\n  \"a\": [1, 2\n",
            "td.json:3:1: it is not JSON: the text ends inside a list",
        ),
        (
            "{ \"a\": [1, } }",
            "td.json:1:12: it is not JSON: expected `,` or `]`",
        ),
        (
            "{ \"a\": tru, // x\n }",
            "td.json:1:11: it is not JSON: expected true, false or null",
        ),
        (
            "{ \"a\": 1, /* open\n }",
            "td.json:1:11: the comment that begins here has no end",
        ),
        (
            "{ \"a\": 1, // x\n  b: 2 }",
            "td.json:2:3: it is not JSON: key must be a string",
        ),
        (
            "{ \"a\": 1, \"a\": 2 // x\n }",
            "td.json:1:11: the key `a` appears twice, keys must be unique",
        ),
    ];
    for (text, expected) in table {
        assert_eq!(read(text), format!("task-definition: {expected}"), "{text}");
    }
}
