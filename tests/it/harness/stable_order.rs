//! What depends on the time at which AWS was read, or on which of several tests was answered first,
//! reads the same in every run.

use regex::Regex;

/// A look at the rollout, in words.
const PROGRESS: &str = r"^[A-Za-z_]+(, production blue \d+ % green \d+ %)?(, green \d+ of \d+ tasks running(, \d+ failed)?)?$|^the (one-off task|migration|task of migrate-[a-z]+) is [A-Z_]+$";
const PASSED: &str = r"^✓ .+ on (green|production): [A-Z]+ /";
const WARNING: &str = r"^::(warning) title=";
const LIMITED: &str = r"^- (Limited): ";
const ROW: &str = r"^\| . \| [^|]+ \| (green|production) \| <code>";

/// The log without masks and without looks at the rollout (`the_log_follows_traffic_step_by_step`
/// tells those); what several reads or tests said at the same time is put in the order of its
/// words.
pub(super) fn log(lines: &[String]) -> String {
    let progress = Regex::new(PROGRESS).expect("a pattern");
    let shown = lines
        .iter()
        .filter(|line| !line.starts_with("::add-mask::") && !progress.is_match(line))
        .cloned()
        .collect();
    sort_runs(sort_runs(shown, PASSED), WARNING).join("\n")
}

/// The summary with its smoke tests in the order of sides and names, and what several reads said in
/// the order of its words.
pub(super) fn summary(text: &str) -> String {
    sort_runs(
        sort_runs(text.lines().map(str::to_owned).collect(), ROW),
        LIMITED,
    )
    .join("\n")
}

/// Every stretch of lines of a kind, sorted by side and text.
fn sort_runs(mut lines: Vec<String>, kind: &str) -> Vec<String> {
    let kind = Regex::new(kind).expect("a pattern");
    let side = |line: &String| {
        (
            kind.captures(line)
                .is_some_and(|found| &found[1] == "production"),
            line.clone(),
        )
    };
    for stretch in lines.chunk_by_mut(|one, other| kind.is_match(one) == kind.is_match(other)) {
        if stretch.first().is_some_and(|line| kind.is_match(line)) {
            stretch.sort_by_key(side);
        }
    }
    lines
}
