//! The one-off task: what a schema migration looks like from outside. It changes nothing.

use std::process::ExitCode;

use serde_json::json;

use crate::journal;

/// How it is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Well,
    Badly,
}

/// Tells what it does, and ends with 0 or 3.
pub(crate) fn run(end: End) -> ExitCode {
    journal::info(
        "migration started",
        &json!({ "from": "0007", "to": "0008" }),
    );
    journal::info(
        "migration step",
        &json!({ "step": "add column sessions.expires_at" }),
    );
    match end {
        End::Well => {
            journal::info("migration finished", &json!({ "at": "0008" }));
            ExitCode::SUCCESS
        }
        End::Badly => {
            journal::error(
                "migration failed",
                "column \"expires_at\" of relation \"sessions\" already exists",
            );
            ExitCode::from(3)
        }
    }
}

/// Ends with a code: what a command around a migration looks like from outside.
pub(crate) fn exit(code: &str) -> ExitCode {
    journal::info("looked at the schema", &json!({ "code": code }));
    code.parse::<u8>().map_or(ExitCode::from(2), ExitCode::from)
}
