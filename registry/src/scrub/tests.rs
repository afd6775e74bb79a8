use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::spellings::escape_html;
use super::*;

fn scrubber(secrets: &[&str]) -> Scrubber {
    Scrubber::new(
        &secrets
            .iter()
            .map(|text| Secret::new(*text))
            .collect::<Vec<_>>(),
    )
}

#[test]
fn a_secret_is_masked_in_every_spelling() {
    let secret = "p@ss \"wörd/<1>";
    let scrubber = scrubber(&[secret]);
    let spelled = [
        secret.to_owned(),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        "p%40ss+%22w%c3%b6rd%2f%3c1%3e".to_owned(),
        "p\\u0040".to_owned() + secret,
        serde_json::to_string(secret).unwrap(),
        "p@ss \\\"w\\u00f6rd\\/<1>".replace("\\/", "/"),
        escape_html(secret),
    ];
    for text in spelled {
        let shown = scrubber.scrub(&format!("before {text} after"));
        assert!(
            shown.contains(MASK) && !shown.contains("rd"),
            "{text} → {shown}"
        );
    }
}

#[test]
fn a_secret_is_masked_inside_base64_at_every_offset() {
    let scrubber = scrubber(&["correct horse battery"]);
    for before in ["", "u", "us", "user:"] {
        let encoded = STANDARD.encode(format!("{before}correct horse battery!"));
        let shown = scrubber.scrub(&encoded);
        assert!(
            shown.contains(MASK) && shown.len() <= MASK.len() + 14,
            "{before}: {encoded} → {shown}"
        );
    }
}

#[test]
fn escapes_of_a_url_are_lower_case_and_its_letters_are_not() {
    let scrubber = scrubber(&["A/B?C D"]);
    for text in ["A%2FB%3FC%20D", "A%2fB%3fC%20D", "A%2fB%3fC+D"] {
        assert_eq!(scrubber.scrub(text), MASK, "{text}");
    }
    assert_eq!(scrubber.scrub("a%2fb%3fc%20d"), "a%2fb%3fc%20d");
}

#[test]
fn a_secret_is_masked_in_html() {
    let scrubber = scrubber(&["<a&b>\"c'"]);
    assert_eq!(scrubber.scrub("(&lt;a&amp;b&gt;&quot;c&#39;)"), "(***)");
}

#[test]
fn overlapping_secrets_leave_nothing_of_either() {
    assert_eq!(
        scrubber(&["abcdef", "defghi"]).scrub("x abcdefghi y"),
        "x *** y"
    );
    assert_eq!(scrubber(&["aaaa"]).scrub("aaaaaa b"), "*** b");
    assert_eq!(scrubber(&["éééé"]).scrub("ééééé!"), "***!");
}

#[test]
fn lines_of_a_secret_are_secrets() {
    assert_eq!(
        scrubber(&["-----BEGIN\nMIIEabc\n"]).scrub("found MIIEabc there"),
        "found *** there"
    );
}

#[test]
fn very_short_secrets_are_not_looked_for() {
    assert_eq!(
        scrubber(&["yes", ""]).scrub("yes, 200 bytes"),
        "yes, 200 bytes"
    );
    assert_eq!(Scrubber::default().scrub("as it is"), "as it is");
}

#[test]
fn an_arn_and_a_longer_number_stay_whole() {
    let scrubber = scrubber(&[
        "eu-central-1",
        "8080",
        "prod",
        "arn:aws:iam::123456789012:role/prod",
    ]);
    for text in [
        "denied on resource: arn:aws:ecs:eu-central-1:123456788080:service/prod/api.",
        "(arn:aws:iam::123456789012:role/prod)",
        "port 18080 of 80801",
    ] {
        assert_eq!(scrubber.scrub(text), text);
    }
    assert_eq!(
        scrubber.scrub("in eu-central-1: 8080 (production)"),
        "in ***: *** (***uction)"
    );
    assert_eq!(scrubber.scrub("warn:prod arn: prod"), "warn:*** arn: ***");
    let before = "é".repeat(1500);
    assert_eq!(
        scrubber.scrub(&format!("{before}xprod")),
        format!("{before}x***")
    );
}

#[test]
fn a_sentence_is_only_searched_for_what_no_word_of_ours_can_be() {
    let words = [
        "deploy",
        "nothing-to-return-to",
        "blue serves 100 % of production",
        "eu-central-1",
        "123456789012",
        "correct horse",
        "sha256:0a1b2c3d4e5f",
        "arn:aws:ecs:eu1:x9y8z7w6",
        "x9y8z7.amazonaws.com",
        "x9y8z7 w6v5u4",
    ];
    let tokens = [
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "AKIAIOSFODNN7EXAMPLE",
        "a1b2c3d4e5f6",
    ];
    words
        .iter()
        .chain(&tokens)
        .for_each(|text| register(&Secret::new(*text)));
    let sentence = words.join(", ");
    assert_eq!(mask_tokens(&sentence), sentence);
    assert_eq!(mask_tokens(&tokens.join(", ")), "***, ***, ***");
    assert_eq!(mask("a horse: correct horse"), "a horse: ***");
    assert_eq!(mask("to deploy"), "to ***");
}

#[test]
fn what_is_short_or_punctuation_is_not_looked_for() {
    assert_eq!(
        scrubber(&["abc", "----", "éé", "{ }"]).scrub("abc ---- éé { }"),
        "abc ---- éé { }"
    );
}
