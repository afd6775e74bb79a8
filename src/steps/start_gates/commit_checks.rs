//! The gate `checks`: the checks of the commit on GitHub, without those of this workflow run, which
//! cannot have ended yet.

use super::GateReading;
use crate::checks::gates::{CommitChecks, GateFinding, GateKind};
use crate::error::cause_chain;
use crate::github::api::{CheckRun, Github};
use crate::github::client::GithubError;
use crate::plan::StartGatesPlan;
use crate::run::Run;

/// Conclusions with which GitHub lets a pull request be merged.
const GREEN: [&str; 3] = ["success", "neutral", "skipped"];
/// What the job's token needs.
const PERMISSION: &str =
    "give the job `permissions: checks: read`, and leave github-token as it is";
/// How many checks are named.
const MAX_NAMED: usize = 8;

pub(super) async fn read(run: &Run, plan: &StartGatesPlan, asked: &CommitChecks) -> GateReading {
    let finding = find(run, plan, asked).await;
    GateReading::new(GateKind::Checks, "", finding)
}

async fn find(run: &Run, plan: &StartGatesPlan, asked: &CommitChecks) -> GateFinding {
    let (Some(workflow), Some(sha), Some(token)) =
        (&run.runner.workflow, &run.runner.sha, &plan.github_token)
    else {
        let why = "there is no commit, or no token to read its checks with";
        return GateFinding::unreadable(why, "run in a workflow, and leave github-token as it is");
    };
    let found = match Github::connect(workflow, token) {
        Ok(github) => github.list_check_runs(sha).await,
        Err(error) => Err(error),
    };
    match found {
        Ok(found) => {
            let own = run.runner.run_id.split('-').next().unwrap_or_default();
            evaluate_checks(&found, asked, own)
        }
        Err(error) => from_github_error(&error),
    }
}

fn from_github_error(error: &GithubError) -> GateFinding {
    let remedy = if error.is_denied() {
        PERMISSION
    } else {
        "try again later"
    };
    GateFinding::unreadable(cause_chain(error).join(": "), remedy)
}

fn evaluate_checks(found: &[CheckRun], asked: &CommitChecks, own_run: &str) -> GateFinding {
    let counts = |check: &&CheckRun| {
        !asked.ignored.contains(&check.name)
            && !check.is_of_run(own_run)
            && (asked.required.is_empty() || asked.required.contains(&check.name))
    };
    let counted: Vec<&CheckRun> = found.iter().filter(counts).collect();
    let missing: Vec<String> = asked
        .required
        .iter()
        .filter(|name| !counted.iter().any(|check| check.name == **name))
        .map(|name| format!("{name} is missing"))
        .collect();
    let open = |check: &&CheckRun| check.conclusion.is_none();
    let running: Vec<String> = counted
        .iter()
        .copied()
        .filter(open)
        .map(|check| format!("{} is {}", check.name, check.status))
        .collect();
    let red: Vec<String> = counted
        .iter()
        .filter_map(|check| describe_red(check))
        .collect();
    let opens = match (red.is_empty(), running.is_empty() && missing.is_empty()) {
        (false, _) => "when they are run again and are green",
        (true, false) => "when they have ended well",
        (true, true) if counted.is_empty() => {
            let why = "the commit has no checks besides those of this run";
            return GateFinding::closed(why, "when some have ended well");
        }
        (true, true) => {
            return GateFinding::open(match counted.len() {
                1 => "1 check is green".to_owned(),
                green => format!("{green} checks are green"),
            });
        }
    };
    let all: Vec<String> = red.into_iter().chain(missing).chain(running).collect();
    let more = match all.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let named = all.into_iter().take(MAX_NAMED).collect::<Vec<_>>();
    GateFinding::closed(format!("{}{more}", named.join(", ")), opens)
}

fn describe_red(check: &CheckRun) -> Option<String> {
    let conclusion = check.conclusion.as_deref()?;
    (!GREEN.contains(&conclusion)).then(|| format!("{} ended with {conclusion}", check.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, conclusion: Option<&str>) -> CheckRun {
        CheckRun {
            name: name.to_owned(),
            status: if conclusion.is_some() {
                "completed"
            } else {
                "in_progress"
            }
            .to_owned(),
            conclusion: conclusion.map(str::to_owned),
            details_url: None,
        }
    }

    #[test]
    fn only_checks_that_count_and_are_not_of_this_run_decide() {
        let own = CheckRun {
            details_url: Some("https://github.com/o/r/actions/runs/4711/job/1".to_owned()),
            ..check("deploy", None)
        };
        let (good, bad) = (Some("success"), Some("failure"));
        let asked = |required: &[&str], ignored: &[&str]| CommitChecks {
            required: required.iter().map(|name| (*name).to_owned()).collect(),
            ignored: ignored.iter().map(|name| (*name).to_owned()).collect(),
        };
        let all = asked(&[], &[]);
        let found = [own.clone(), check("build", good), check("lint", bad)];
        assert_eq!(
            evaluate_checks(&found, &all, "4711"),
            GateFinding::closed(
                "lint ended with failure",
                "when they are run again and are green"
            )
        );
        for open in [asked(&[], &["lint"]), asked(&["build"], &[])] {
            let finding = evaluate_checks(&found, &open, "4711");
            assert_eq!(finding, GateFinding::open("1 check is green"));
        }
        let finding = evaluate_checks(&found, &asked(&["build", "test"], &[]), "4711");
        let opens = "when they have ended well";
        assert_eq!(finding, GateFinding::closed("test is missing", opens));
        let finding = evaluate_checks(&[check("build", None)], &all, "4711");
        assert_eq!(finding, GateFinding::closed("build is in_progress", opens));
        let why = "the commit has no checks besides those of this run";
        let finding = evaluate_checks(&[own], &all, "4711");
        assert_eq!(
            finding,
            GateFinding::closed(why, "when some have ended well")
        );
    }
}
