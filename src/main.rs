//! The process: reads the environment once, listens to signals, and turns an outcome into an exit
//! code.
//!
//! `ecs-bluegreen` runs the mode that the inputs name, which a person gives as options; `ecs-bluegreen post` (or the image's
//! `/ecs-bluegreen-post`) undoes what a cancelled or killed run left armed; `ecs-bluegreen replay
//! JOURNAL` renders a run's summary again.
//!
//! One file, because these three invocations share the set-up of the process.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use ecs_bluegreen::aws::{Aws, RoleAssumedBy, RoleNotice};
use ecs_bluegreen::checks::command;
use ecs_bluegreen::clock::{self, Clock, to_milliseconds};
use ecs_bluegreen::command_line::{self, Invocation};
use ecs_bluegreen::config_file;
use ecs_bluegreen::engine::{self, Ending};
use ecs_bluegreen::error::Failure;
use ecs_bluegreen::event::fact::{AssumedBy, AwsFact, SessionFact};
use ecs_bluegreen::event::{Event, RefusedInputs, RunEnd, RunStart, Stamped};
use ecs_bluegreen::github::commands::{self, LogStyle};
use ecs_bluegreen::inputs::{self, Inputs};
use ecs_bluegreen::outcome::{DEFECT, Mode, Outcome, REFUSED, Reason};
use ecs_bluegreen::planner::Planner;
use ecs_bluegreen::problem::Problem;
use ecs_bluegreen::run::{Observers, Run};
use ecs_bluegreen::runner::Runner;
use ecs_bluegreen::scrub;
use ecs_bluegreen::secret::Secret;
use ecs_bluegreen::settings::{self, DEFAULT_CLUSTER, Settings, codedeploy_names};
use ecs_bluegreen::sinks::comment::CommentTarget;
use ecs_bluegreen::sinks::recorder::{self, Recorder, UNDO_STATE, print};
use ecs_bluegreen::sinks::{self, background, journal, outputs, replay};
use ecs_bluegreen::text::Text;
use ecs_bluegreen::undo::saved::{self, RestoredUndos, UndoOwner, UnusableUndo};
use ecs_bluegreen::unwind;
use tokio::signal::unix::{SignalKind, signal};

/// The name of the runner's state with what the configuration file says.
const CONFIG_STATE: &str = "config";

/// Variables with credentials, which are masked wherever they appear.
const SECRET_VARIABLES: &[&str] = &[
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "GITHUB_TOKEN",
    "GH_TOKEN",
];

fn main() -> ExitCode {
    let clock = Clock::start();
    let mut variables = read_environment();
    let _ = rustls::crypto::ring::default_provider().install_default();
    init_debug_log(&variables);
    install_panic_hook(variables.get("GITHUB_STEP_SUMMARY").map(PathBuf::from));
    SECRET_VARIABLES
        .iter()
        .filter_map(|name| variables.get(*name))
        .for_each(|value| scrub::register(&Secret::new(value.clone())));
    let code = match parse_command_line() {
        Invocation::Replay(journal) => replay(&journal),
        Invocation::Run(options) => {
            variables.extend(options);
            block_on_runtime(run(clock, &variables))
        }
        Invocation::Post => block_on_runtime(post(clock, &variables)),
        Invocation::Print(lines) => print_and_end(&lines, 0),
        Invocation::Refuse(problems) => print_and_end(&problems, REFUSED),
    };
    ExitCode::from(code)
}

/// A panic ends the process with the exit code of a defect, not with that of refused inputs.
#[expect(
    clippy::exit,
    reason = "a panic ends the process here, with the exit code of a defect"
)]
fn install_panic_hook(summary: Option<PathBuf>) {
    std::panic::set_hook(Box::new(move |panic| {
        background::stop_if_sink();
        recorder::report_defect(summary.as_deref(), &panic.to_string());
        std::process::exit(i32::from(DEFECT))
    }));
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the environment"
)]
fn read_environment() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

fn parse_command_line() -> Invocation {
    let mut arguments = std::env::args();
    let program = arguments.next().unwrap_or_default();
    command_line::parse(&program, &arguments.collect::<Vec<_>>())
}

fn print_and_end(lines: &[String], code: u8) -> u8 {
    print(lines);
    code
}

fn block_on_runtime(work: impl Future<Output = u8>) -> u8 {
    match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => {
            let code = runtime.block_on(work);
            runtime.shutdown_background();
            code
        }
        Err(error) => {
            recorder::report_defect(None, &format!("the process cannot start: {error}"));
            DEFECT
        }
    }
}

/// With RUNNER_DEBUG=1 every call to AWS is logged as a debug line, without bodies and headers.
fn init_debug_log(variables: &BTreeMap<String, String>) {
    if variables
        .get("RUNNER_DEBUG")
        .is_some_and(|value| value == "1")
    {
        let filter = tracing_subscriber::EnvFilter::new("ecs_bluegreen=debug");
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .without_time()
            .with_ansi(false)
            .with_writer(std::io::stderr)
            .init();
    }
}

async fn run(clock: Clock, variables: &BTreeMap<String, String>) -> u8 {
    let stop = stop_signal();
    let runner = Runner::from_variables(variables);
    let configured = match config_file::read(variables, &runner.workspace) {
        Ok(configured) => configured,
        // What else is missing is what the file was to say.
        Err(problems) => return refuse_inputs(&create_recorder(&runner, variables), &problems),
    };
    // The post step is given what was read here: by then the file may be another one, or gone.
    recorder::save_state(&runner, CONFIG_STATE, &configured.variables);
    let mut variables = variables.clone();
    variables.extend(configured.variables);
    let (mut inputs, mut problems) = inputs::read_all(&variables);
    inputs.definition_patch = configured.patch;
    let (settings, found) = Settings::draft(&inputs, &runner);
    problems.extend(found);
    let Some(settings) = settings else {
        return refuse_inputs(&create_recorder(&runner, &variables), &problems);
    };
    register_secrets(&settings, runner.log_style);
    let recorder = Arc::new(create_recorder(&runner, &variables));
    let aws = Aws::connect(&settings.aws).await;
    let owner = undo_owner(&inputs, &runner);
    let run = create_run(aws, runner, clock, owner, &recorder);
    // The version is left out if the inputs are invalid.
    let version = settings.version.clone().filter(|_| problems.is_empty());
    run.emit(start_event(&run, &settings, version));
    let planner = Planner::new(settings, &run.id);
    let ending = if problems.is_empty() {
        engine::run(&run, &planner, stop).await
    } else {
        engine::refuse_inputs(&run, &planner, problems, stop).await
    };
    let code = ending.exit_code();
    report_end(&run, ending);
    recorder.finish();
    code
}

/// Registers all secrets. The runner masks them too, except texts that occur in this run's outputs.
fn register_secrets(settings: &Settings, style: LogStyle) {
    let token = settings.control.github_token.iter();
    settings.secrets().chain(token).for_each(scrub::register);
    let names = settings.public_names();
    let is_in_outputs =
        |text: &str| outputs::is_in_outputs(text) || names.iter().any(|name| name.contains(text));
    if style == LogStyle::WorkflowCommands {
        for secret in settings.secrets() {
            print(&commands::mask_commands(secret.expose(), is_in_outputs));
        }
    }
}

/// Identifies the run whose undos are saved; only the same run may restore them.
fn undo_owner(inputs: &Inputs, runner: &Runner) -> UndoOwner {
    UndoOwner {
        attempt: runner.run_id.clone(),
        cluster: inputs.cluster.as_deref().unwrap_or(DEFAULT_CLUSTER).into(),
        service: inputs.service.as_deref().map(Into::into),
        group: codedeploy_names(inputs),
        migrate_undo: inputs
            .migrate_undo
            .as_deref()
            .and_then(command::split_words),
        answers: !matches!(
            Mode::from_input(inputs.mode.as_deref()),
            Some(Mode::Deploy | Mode::Migrate)
        ),
    }
}

fn start_event(run: &Run, settings: &Settings, version: Option<String>) -> Event {
    Event::Started(RunStart {
        run: run.id.clone(),
        time: clock::now().0,
        region: settings.aws.region.clone(),
        cluster: settings.cluster.clone(),
        service: settings.service.clone(),
        version,
        mode: settings.mode,
    })
}

fn report_end(run: &Run, ending: Ending) {
    if ending.outcome != Outcome::Refused {
        run.emit(Event::Ended(RunEnd {
            outcome: ending.outcome,
            reason: ending.reason,
            sentence: ending.sentence.into(),
        }));
    }
}

fn create_run(
    aws: Aws,
    runner: Runner,
    clock: Clock,
    owner: UndoOwner,
    recorder: &Arc<Recorder>,
) -> Run {
    let [observer, state_store, secret_masker, throttled, sessions] =
        [(); 5].map(|()| Arc::clone(recorder));
    aws.on_session(Box::new(move |notice| {
        sessions.record(&session_event(notice, clock));
    }));
    aws.on_throttled(Box::new(move |action, since| {
        throttled.record(&throttled_event(action, since, clock));
    }));
    let observers = Observers {
        observer: Box::new(move |event| observer.record(event)),
        state_store: Box::new(move |armed| state_store.save_undos(&owner, armed)),
        secret_masker: Box::new(move |secret| secret_masker.mask_secret(secret)),
    };
    let masker = Arc::clone(recorder);
    aws.on_secret(move |secret| masker.mask_secret(secret));
    Run::new(aws, runner, clock, observers)
}

/// The event that a write is repeated until AWS accepts it.
fn throttled_event(action: &str, since: Duration, clock: Clock) -> Stamped {
    Stamped {
        at_ms: to_milliseconds(clock.elapsed()),
        event: AwsFact::Throttled {
            action: action.to_owned(),
            milliseconds: to_milliseconds(since),
        }
        .into(),
    }
}

/// The event that a role was assumed, or its session renewed.
fn session_event(notice: RoleNotice, clock: Clock) -> Stamped {
    let fact = match notice {
        RoleNotice::Begun { role, by } => SessionFact::Begun {
            role: role.arn,
            session: role.session,
            input: role.input.to_owned(),
            by: match by {
                RoleAssumedBy::IdToken => AssumedBy::IdToken,
                RoleAssumedBy::Credentials => AssumedBy::Credentials,
            },
        },
        RoleNotice::Renewed { role } => SessionFact::Renewed { role: role.arn },
        RoleNotice::NotRenewed { role, why, left } => SessionFact::NotRenewed {
            role: role.arn,
            why: Text::from_outside(&why),
            milliseconds: to_milliseconds(left),
        },
    };
    Stamped {
        at_ms: to_milliseconds(clock.elapsed()),
        event: fact.into(),
    }
}

fn create_recorder(runner: &Runner, variables: &BTreeMap<String, String>) -> Recorder {
    let comment = CommentTarget::from_variables(variables);
    Recorder::new(runner, sinks::for_runner(runner, comment))
}

fn refuse_inputs(recorder: &Recorder, problems: &[Problem]) -> u8 {
    recorder.record(&Stamped {
        at_ms: 0,
        event: Event::Refused(RefusedInputs {
            problems: problems.iter().map(engine::to_reported_problem).collect(),
            after_changes: false,
            reason: Reason::InvalidInputs,
        }),
    });
    recorder.finish();
    REFUSED
}

/// Completes at the first SIGINT or SIGTERM. Handlers are installed at once: as PID 1 the process
/// has no default ones.
fn stop_signal() -> impl Future<Output = ()> {
    let (interrupt, terminate) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    );
    async move {
        match (interrupt, terminate) {
            (Ok(mut interrupt), Ok(mut terminate)) => {
                tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
            }
            _ => std::future::pending().await,
        }
    }
}

/// The post step: runs all undos that are still armed. It has minutes; a cancelled main step has
/// seconds.
async fn post(clock: Clock, variables: &BTreeMap<String, String>) -> u8 {
    let state = variables
        .get(&format!("STATE_{UNDO_STATE}"))
        .map(String::as_str)
        .unwrap_or_default();
    let runner = Runner::from_variables(variables);
    let configured = variables
        .get(&format!("STATE_{CONFIG_STATE}"))
        .and_then(|text| serde_json::from_str::<BTreeMap<String, String>>(text).ok());
    let mut variables = variables.clone();
    variables.extend(configured.unwrap_or_default());
    let inputs = inputs::read(&variables).unwrap_or_default();
    if let Ok(settings) = Settings::from_inputs(&inputs, &runner) {
        register_secrets(&settings, runner.log_style);
    }
    let owner = undo_owner(&inputs, &runner);
    let restored = saved::restore(state, &owner);
    if restored == RestoredUndos::default() {
        print(&["Nothing is left to undo".to_owned()]);
        return 0;
    }
    let recorder = Arc::new(Recorder::new(&runner, sinks::for_runner(&runner, None)));
    let aws = Aws::connect(&settings::post_connection(&inputs, &runner)).await;
    let run = create_run(aws, runner, clock, owner, &recorder);
    let unusable = report_unusable(&run, restored.unusable);
    let unwound = unwind::undo_all(&run, &restored.undos).await;
    let result = match unusable {
        0 => unwound.summarize(&run, &restored.undos),
        _ if restored.undos.is_empty() => {
            "nothing was undone: the saved state cannot be used".into()
        }
        count => format!(
            "{count} saved undos could not be used and were skipped; the others: {}",
            unwound.summarize(&run, &restored.undos)
        ),
    };
    run.emit(Event::PostEnded {
        result: result.into(),
    });
    recorder.finish();
    if unwound.is_stuck() || unusable > 0 {
        Outcome::Stuck.exit_code()
    } else {
        0
    }
}

/// Reports saved undos that cannot be used like failed undos: a person has to look at them.
fn report_unusable(run: &Run, unusable: Vec<UnusableUndo>) -> usize {
    let count = unusable.len();
    for UnusableUndo { what, why } in unusable {
        let hint = "look at the log of this job's main step for what it did, and at the service, and undo by hand what is left (docs/stuck.md)";
        run.emit(Event::UndoFailed {
            what: what.into(),
            failure: Failure::new(Reason::InvalidInputs, why).with_hint(hint),
        });
    }
    count
}

fn replay(path: &str) -> u8 {
    match open_journal(path).and_then(journal::read) {
        Ok(events) => {
            print(&replay::lines(&events));
            0
        }
        Err(error) => {
            print(&[commands::sanitize(&format!(
                "{path} cannot be replayed: {error}"
            ))]);
            REFUSED
        }
    }
}

/// Only regular files: reading a pipe or a device might never end.
fn open_journal(path: &str) -> std::io::Result<BufReader<File>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::new(
            std::io::ErrorKind::InvalidInput,
            "it is no file",
        ));
    }
    File::open(path).map(BufReader::new)
}
