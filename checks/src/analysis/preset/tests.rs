//! What is a preset, and what is not.

use super::*;

#[test]
fn presets_are_read_with_and_without_spaces() {
    let table = [
        ("error-rate < 5 %", "error-rate < 5 %", 5.0),
        ("error-rate<0.5%", "error-rate < 0.5 %", 0.5),
        ("success-rate >= 99.9 %", "success-rate >= 99.9 %", 99.9),
        ("p99 < 1 s", "p99 < 1 s", 1.0),
        ("p50   <=   800ms", "p50 <= 800ms", 0.8),
        ("p95 < 1.5 s", "p95 < 1.5 s", 1.5),
        ("requests > 500", "requests > 500", 500.0),
    ];
    for (text, name, expected) in table {
        let preset = Preset::parse(text).unwrap();
        assert_eq!(preset.name(), name);
        let Preset::Threshold { bound, .. } = preset else {
            panic!("a threshold")
        };
        assert!((bound - expected).abs() < 1e-12, "{text}");
    }
    assert_eq!(
        Preset::parse(" green no  worse than blue"),
        Ok(Preset::NoWorse)
    );
}

#[test]
fn what_is_no_preset_is_refused_with_a_remedy() {
    let table = [
        (
            "errorrate < 5 %",
            "`errorrate < 5 %` is not a preset",
            "Did you mean `error-rate`?",
        ),
        (
            "green no worse then blue",
            "`green no worse then blue` is not a preset",
            "Did you mean `green no worse than blue`?",
        ),
        (
            "error-rate > 5 %",
            "`error-rate > 5 %` would call good what is bad",
            "Write `error-rate < …`",
        ),
        (
            "success-rate < 5 %",
            "`success-rate < 5 %` would call good what is bad",
            "Write `success-rate > …`",
        ),
        (
            "error-rate < 0.05",
            "`error-rate < 0.05` has no bound that can be read",
            "Write a percentage",
        ),
        (
            "error-rate < 500 %",
            "`error-rate < 500 %` has no bound that can be read",
            "Write a percentage",
        ),
        (
            "p99 < 1",
            "`p99 < 1` has no bound that can be read",
            "Write a time with its unit",
        ),
        (
            "requests > many",
            "`requests > many` has no bound that can be read",
            "Write a whole number",
        ),
    ];
    for (text, message, remedy) in table {
        let error = Preset::parse(text).unwrap_err();
        assert_eq!(error.message, message);
        assert!(error.remedy.starts_with(remedy), "{}", error.remedy);
    }
}
