//! Images of the sample application without Docker: OCI image layouts, the same bytes for the same input.

mod layout;
mod push;

pub use layout::{SampleImage, write_layout};
pub(super) use push::push_layout;

/// What is wrong with a version of the sample application. `examples/app/README.md` tells what each does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is as it should be.
    None,
    /// It starts and is healthy, and answers wrongly.
    Wrong,
    /// It answers rightly on the test listener, and wrongly in production.
    Production,
    /// It does not start.
    Crash,
}

impl Fault {
    /// The value of `APP_FAULT`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Wrong => "wrong",
            Self::Production => "production",
            Self::Crash => "crash",
        }
    }
}

/// The versions of the sample application that the stories are told with.
pub const SAMPLE_VERSIONS: [(&str, Fault); 5] =
    [("1.0.0", Fault::None), ("1.1.0", Fault::None), ("1.2.0", Fault::Wrong), ("1.3.0", Fault::Production), ("1.4.0", Fault::Crash)];
