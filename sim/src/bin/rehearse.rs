//! `make rehearse`: deploys the sample application three times on a simulated AWS, with the real
//! action, under load. Its argument is the strategy of the service.
//!
//! Ends with 1 when an outcome is not the expected one or a user's request failed, and with 130
//! after Ctrl-C.

use std::error::Error;
use std::process::ExitCode;

use ecs_bluegreen_sim::rehearse::Programs;
use ecs_bluegreen_sim::rehearse::job::StopSignals;
use ecs_bluegreen_sim::rehearse::mode::RehearsalMode;
use ecs_bluegreen_sim::rehearse::play::{RehearsalError, rehearse};
use ecs_bluegreen_sim::rehearse::screen::Screen;
use ecs_bluegreen_sim::rehearse::strategy::Strategy;
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// As shells say that Ctrl-C ended a command.
const INTERRUPTED: u8 = 130;

#[tokio::main]
async fn main() -> ExitCode {
    let screen = Screen::new();
    match run(screen).await {
        Ok(complaints) if complaints.is_empty() => {
            screen.print_bold("The rehearsal succeeded: no user request failed.");
            ExitCode::SUCCESS
        }
        Ok(complaints) => {
            screen.print_error("The rehearsal failed:");
            for complaint in complaints {
                screen.print_error(&format!("  {complaint}"));
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            report(screen, error.as_ref());
            let stopped = matches!(error.downcast_ref(), Some(RehearsalError::Stopped));
            if stopped {
                ExitCode::from(INTERRUPTED)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

async fn run(screen: Screen) -> Result<Vec<String>, Box<dyn Error>> {
    let strategy = Strategy::choose(std::env::args().nth(1).as_deref())?;
    let mut stop = StopSignals::new(signals()?);
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the rehearsal's own variable"
    )]
    let wanted = std::env::var("REHEARSE_ENGINE").ok();
    let mode = RehearsalMode::choose(wanted.as_deref()).await?;
    let programs = Programs::locate()?;
    let played = rehearse(&programs, mode, strategy, screen, &mut stop).await;
    if mode == RehearsalMode::Docker
        && matches!(
            played,
            Err(RehearsalError::Prepare(..) | RehearsalError::NotSteady(_))
        )
    {
        screen
            .print("hint: `REHEARSE_ENGINE=process make rehearse` plays without the Docker engine");
    }
    Ok(played?)
}

/// Ctrl-C and SIGTERM, as they come.
fn signals() -> std::io::Result<mpsc::Receiver<Signal>> {
    let (sender, receiver) = mpsc::channel(4);
    for (kind, forwarded) in [
        (SignalKind::interrupt(), Signal::INT),
        (SignalKind::terminate(), Signal::TERM),
    ] {
        let (mut signals, sender) = (signal(kind)?, sender.clone());
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                // A full channel holds enough of them.
                let _ = sender.try_send(forwarded);
            }
        });
    }
    Ok(receiver)
}

fn report(screen: Screen, error: &dyn Error) {
    screen.print_error(&format!("error: {error}"));
    let mut cause = error.source();
    while let Some(error) = cause {
        screen.print_error(&format!("Caused by: {error}"));
        cause = error.source();
    }
}
