//! Image references: a text parses and prints back the same, or is refused.
#![no_main]
use ecs_bluegreen_fuzz::ImageReference;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(reference) = text.parse::<ImageReference>() {
        assert_eq!(
            reference.to_string().parse::<ImageReference>().as_ref(),
            Ok(&reference),
            "{text}"
        );
    }
});
