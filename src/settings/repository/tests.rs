//! Tables of the form: its values, and every problem it can have.

use super::*;

fn problems(text: &str) -> Vec<String> {
    parse(text, "inline")
        .unwrap_err()
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn everything_can_be_said_and_nothing_must_be() {
    let whole = "{ scan-on-push: true, keep: 30, immutable-tags: { except: [latest, dev-*] }, kms-key: arn:aws:kms:eu-central-1:1:key/a }";
    let expected = NewRepository {
        scan_on_push: Some(true),
        max_images: Some(30),
        tags: Some(TagRule::ImmutableExcept(vec![
            "latest".into(),
            "dev-*".into(),
        ])),
        kms_key: Some("arn:aws:kms:eu-central-1:1:key/a".into()),
    };
    assert_eq!(parse(whole, "inline").unwrap(), expected);
    assert_eq!(parse("{}", "inline").unwrap(), NewRepository::default());
    let tags = |text: &str| parse(text, "inline").unwrap().tags;
    assert_eq!(tags("immutable-tags: true"), Some(TagRule::Immutable));
    assert_eq!(tags("immutable-tags: false"), Some(TagRule::Mutable));
    assert_eq!(
        tags("immutable-tags: { only: v* }"),
        Some(TagRule::ImmutableOnly(vec!["v*".into()]))
    );
}

#[test]
fn every_problem_is_told_with_its_place() {
    let table: [(&str, &[&str]); 5] = [
        (
            "{ scan: true, keep: 0 }",
            &[
                "create-repository: inline:1:3: Unknown key `scan` in the repository",
                "create-repository: inline:1:21: `keep` must be a whole number from 2 on: the image that runs and the one that a rollback needs",
            ],
        ),
        (
            "immutable-tags: [release-*]",
            &["create-repository: inline:1:17: `immutable-tags` must be true, false or a mapping"],
        ),
        (
            "immutable-tags: { except: [a], only: [b] }",
            &["create-repository: inline:1:17: `immutable-tags` takes one of `except` and `only`"],
        ),
        (
            "immutable-tags: { except: [a b, c*d*e*] }",
            &[
                "create-repository: inline:1:28: `a b` is not a filter of tags",
                "create-repository: inline:1:33: `c*d*e*` is not a filter of tags",
            ],
        ),
        (
            "scan-on-push: often\nkms-key: ' '",
            &[
                "create-repository: inline:1:15: `scan-on-push` must be true or false, and is a text",
                "create-repository: inline:2:10: `kms-key` is empty",
            ],
        ),
    ];
    for (text, expected) in table {
        assert_eq!(problems(text), expected, "{text}");
    }
}
