//! Images of the sample application without Docker: OCI image layouts, the same bytes for the same
//! input.

mod layout;
mod push;

pub use layout::{ImageFile, SampleImage, write_layout, write_layout_with};
pub(super) use push::push_layout;

/// What is wrong with a version of the sample application. `examples/app/README.md` says what each
/// does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleFault {
    /// It is as it should be.
    None,
    /// It starts and is healthy, and answers wrongly.
    Wrong,
    /// It answers rightly on the test listener, and wrongly in production.
    Production,
    /// It does not start.
    Crash,
    /// Some of its answers fail.
    Errors,
    /// Some of its answers are late.
    Slow,
    /// It answers well, and writes error lines.
    Noisy,
}

impl SampleFault {
    /// The value of `APP_FAULT`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Wrong => "wrong",
            Self::Production => "production",
            Self::Crash => "crash",
            Self::Errors => "errors",
            Self::Slow => "slow",
            Self::Noisy => "noisy",
        }
    }
}

/// The versions of the sample application that the tests deploy.
pub const SAMPLE_VERSIONS: [(&str, SampleFault); 8] = [
    ("1.0.0", SampleFault::None),
    ("1.1.0", SampleFault::None),
    ("1.2.0", SampleFault::Wrong),
    ("1.3.0", SampleFault::Production),
    ("1.4.0", SampleFault::Crash),
    ("1.5.0", SampleFault::Errors),
    ("1.6.0", SampleFault::Slow),
    ("1.7.0", SampleFault::Noisy),
];
