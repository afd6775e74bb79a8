//! A small HTTP service to deploy: `sample-app` serves, `sample-app migrate [--fail]` is its
//! one-off task, `sample-app exit CODE` a command around it.
//!
//! The environment and the arguments are read here, once. What each version does is told in the
//! README beside.

mod answer;
mod guard;
mod items;
mod journal;
mod login;
mod migrate;
mod routes;
mod server;
mod session;
mod settings;
mod tasks;
mod trouble;
mod visits;

use std::process::ExitCode;

use settings::{Fault, Settings};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>()
        .as_slice()
    {
        [] | ["serve"] => serve().await,
        ["migrate"] => migrate::run(migrate::End::Well),
        ["migrate", "--fail"] => migrate::run(migrate::End::Badly),
        ["exit", code] => migrate::exit(code),
        other => {
            journal::error("unknown arguments", &other.join(" "));
            ExitCode::from(2)
        }
    }
}

async fn serve() -> ExitCode {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the environment"
    )]
    let settings = Settings::from_environment(|name| std::env::var(name).ok());
    let settings = match settings {
        Ok(settings) => settings,
        Err(problem) => {
            journal::error("the environment is not valid", &problem);
            return ExitCode::from(2);
        }
    };
    if settings.fault == Fault::Crash {
        journal::error(
            "cannot start",
            "the session store has a schema from the future",
        );
        return ExitCode::FAILURE;
    }
    match server::run(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            journal::error("cannot serve", &error.to_string());
            ExitCode::FAILURE
        }
    }
}
