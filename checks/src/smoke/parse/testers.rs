//! The document's `testers`: tools in containers, on the runner or as tasks.
//!
//! A command is taken as it is: no variable of ours stands in it, because its own shell may have
//! variables that look the same.

use std::collections::BTreeSet;
use std::time::Duration;

use ecs_bluegreen_registry::ImageName;

use super::keys::TESTER_KEYS;
use crate::command;
use crate::document::{Content, Entry, Node};
use crate::moment::Moment;
use crate::reader::{Fields, Reader};
use crate::template::Template;
use crate::tester::{
    RESERVED, ReportPath, RunnerPlace, TaskPlace, Tester, TesterPlace, WHOLE, is_inside,
    is_variable,
};

/// Longer than most suites; a rollout waits for it.
const TIMEOUT: Duration = Duration::from_mins(10);

/// Enough for a browser with its tests; a leak ends before the runner does, which has the rollout
/// to finish.
const MEMORY: u64 = 4 << 30;
/// Browsers have hundreds of threads; a fork bomb has more.
const PROCESSES: u32 = 4096;
/// The engine takes no less than 6 MiB, and no tool can live with that.
const LEAST_MEMORY: u64 = 16 << 20;

/// Keys that mean something in one place only.
const OF_RUNNER: &[&str] = &[
    "image",
    "junit",
    "working-directory",
    "network",
    "writes",
    "memory",
    "processes",
];
const OF_TASK: &[&str] = &["task-definition", "container"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    Runner,
    Task,
}

const WHERE: &[(&str, Where)] = &[("runner", Where::Runner), ("task", Where::Task)];

pub(super) fn testers(reader: &mut Reader<'_>, node: &Node) -> Vec<Tester> {
    let Some(items) = reader.list(node, "`testers`") else {
        return Vec::new();
    };
    if items.is_empty() {
        reader.report(
            node.place,
            "`testers` is empty",
            "Write at least one tester, or leave `testers` out",
        );
    }
    let mut names = BTreeSet::new();
    items
        .iter()
        .filter_map(|item| tester(reader, item, &mut names))
        .collect()
}

fn tester(reader: &mut Reader<'_>, node: &Node, names: &mut BTreeSet<String>) -> Option<Tester> {
    let fields = reader.fields(node, "a tester", TESTER_KEYS)?;
    let name = super::name(reader, node, &fields, names);
    let on = super::on(reader, &fields, &[Moment::Green]);
    let command = fields
        .get("command")
        .map_or_else(|| Some(Vec::new()), |node| command(reader, node));
    let environment = fields
        .get("environment")
        .map_or_else(|| Some(Vec::new()), |node| environment(reader, node));
    let timeout = fields.get("timeout").map_or(Some(TIMEOUT), |node| {
        super::timeout(reader, node, "`timeout`")
    });
    let place = match fields.get("where").map_or(Some(Where::Runner), |node| {
        reader.word(node, "`where`", WHERE)
    })? {
        Where::Runner => runner(reader, node, &fields)
            .map(Box::new)
            .map(TesterPlace::Runner),
        Where::Task => task(reader, node, &fields).map(TesterPlace::Task),
    };
    Some(Tester {
        name: name?,
        on: on?,
        command: command?,
        environment: environment?,
        timeout: timeout?,
        place: place?,
    })
}

fn runner(reader: &mut Reader<'_>, tester: &Node, fields: &Fields<'_>) -> Option<RunnerPlace> {
    misplaced(
        reader,
        fields,
        OF_TASK,
        "means something with `where: task` only",
        "Leave it out, or write `where: task`",
    );
    let junit = fields.get("junit").map(|node| report(reader, node));
    let working_directory = fields
        .get("working-directory")
        .map(|node| folder(reader, node));
    let network = fields.get("network").map(|node| network(reader, node));
    let writes = fields
        .get("writes")
        .map_or_else(|| Some(Vec::new()), |node| writes(reader, node));
    let memory = fields
        .get("memory")
        .map_or(Some(MEMORY), |node| memory(reader, node));
    let processes = fields
        .get("processes")
        .map_or(Some(PROCESSES), |node| processes(reader, node));
    if let (Some(Some(path)), Some(writes), Some(node)) = (&junit, &writes, fields.get("junit")) {
        in_a_folder(reader, node, path, writes);
    }
    let Some(node) = fields.get("image") else {
        reader.report(
            tester.place,
            "A tester has no `image`",
            "Write `image:` with the tool's image, or `where: task`",
        );
        return None;
    };
    let image = image(reader, node);
    // What is there and cannot be read is a problem that was reported.
    let (junit, working_directory, network) =
        (given(junit)?, given(working_directory)?, given(network)?);
    Some(RunnerPlace {
        image: image?,
        junit,
        working_directory,
        network,
        writes: writes?,
        memory: memory?,
        processes: processes?,
    })
}

fn task(reader: &mut Reader<'_>, tester: &Node, fields: &Fields<'_>) -> Option<TaskPlace> {
    let why = "means something on the runner only: a task has the image of its task definition, and its files stay in it";
    misplaced(
        reader,
        fields,
        OF_RUNNER,
        why,
        "Leave it out, or leave `where` out",
    );
    if fields.get("command").is_none() {
        let remedy =
            "Write `command:`; without one the task would run what the service runs, and never end";
        reader.report(
            tester.place,
            "A tester that is a task has no `command`",
            remedy,
        );
    }
    let definition = fields
        .get("task-definition")
        .map(|node| reader.text(node, "`task-definition`"));
    let container = fields
        .get("container")
        .map(|node| reader.text(node, "`container`"));
    Some(TaskPlace {
        definition: given(definition)?,
        container: given(container)?,
    })
}

/// Absent, or there and read; none where what is there could not be read.
#[expect(
    clippy::option_option,
    reason = "absent and wrong are different answers to whoever collects problems"
)]
fn given<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(read) => read.map(Some),
    }
}

fn misplaced(reader: &mut Reader<'_>, fields: &Fields<'_>, keys: &[&str], why: &str, remedy: &str) {
    for entry in fields.among(keys) {
        reader.report(entry.place, format!("`{}` {why}", entry.key), remedy);
    }
}

fn image(reader: &mut Reader<'_>, node: &Node) -> Option<ImageName> {
    let text = reader.text(node, "`image`")?;
    let image = text.parse::<ImageName>();
    image
        .map_err(|error| {
            reader.report(
                node.place,
                error.to_string(),
                "Write a name such as `grafana/k6:1.3.0`",
            );
        })
        .ok()
}

/// A list of words, or a text that is split as the input `command` is.
fn command(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<String>> {
    let command = if let Content::List(items) = &node.content {
        let items: Vec<_> = items
            .iter()
            .map(|item| reader.text(item, "A word of `command`"))
            .collect();
        items.into_iter().collect::<Option<Vec<String>>>()?
    } else {
        let text = reader.text(node, "`command`")?;
        let split = command::words(&text);
        if split.is_none() {
            reader.report(
                node.place,
                "A quote in `command` is not closed",
                command::UNCLOSED,
            );
        }
        split?
    };
    if command.is_empty() {
        reader.report(
            node.place,
            "`command` is empty",
            "Write what the container runs, or leave `command` out",
        );
    }
    Some(command)
}

fn environment(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<(String, Template)>> {
    let entries = reader.entries(node, "`environment`")?;
    let pairs: Vec<_> = entries
        .iter()
        .map(|entry| variable(reader, entry))
        .collect();
    pairs.into_iter().collect()
}

fn variable(reader: &mut Reader<'_>, entry: &Entry) -> Option<(String, Template)> {
    if RESERVED.contains(&entry.key.as_str()) {
        reader.report(
            entry.place,
            format!("`{}` is set for every tester", entry.key),
            "Choose another name, or leave it out",
        );
    } else if !is_variable(&entry.key) {
        let remedy = "Write letters, digits and `_`, no digit first";
        reader.report(
            entry.place,
            format!("`{}` is not the name of an environment variable", entry.key),
            remedy,
        );
    }
    Some((
        entry.key.clone(),
        reader.template(&entry.value, &format!("Variable `{}`", entry.key))?,
    ))
}

fn report(reader: &mut Reader<'_>, node: &Node) -> Option<ReportPath> {
    let text = reader.text(node, "`junit`")?;
    let remedy = "Write a path in the workspace such as `reports/junit.xml` or `reports/*.xml`";
    ReportPath::parse(&text)
        .map_err(|why| {
            reader.report(node.place, format!("`{text}` {why}"), remedy);
        })
        .ok()
}

fn folder(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let text = reader.text(node, "`working-directory`")?;
    if !is_inside(&text) {
        reader.report(
            node.place,
            format!("`{text}` is not a path inside the workspace"),
            "Write a path such as `tests/e2e`",
        );
    }
    Some(text)
}

/// Reports are written to a folder of their own: the workspace itself is for reading.
fn in_a_folder(reader: &mut Reader<'_>, node: &Node, path: &ReportPath, writes: &[String]) {
    if path.folder().is_empty() && !writes.iter().any(|folder| folder == WHOLE) {
        let remedy = "Have the report written to a folder, such as `reports/junit.xml`; or write `writes: .`, if the tester may change everything";
        reader.report(
            node.place,
            "`junit` is in no folder: a tester cannot write to the workspace itself",
            remedy,
        );
    }
}

/// Folders of the workspace, one or a list.
fn writes(reader: &mut Reader<'_>, node: &Node) -> Option<Vec<String>> {
    let items = node.one_or_more();
    let folders: Vec<_> = items
        .iter()
        .map(|item| written_folder(reader, item))
        .collect();
    folders.into_iter().collect()
}

fn written_folder(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let text = reader.text(node, "`writes`")?;
    if text != WHOLE && !is_inside(&text) {
        reader.report(
            node.place,
            format!("`{text}` is not a path inside the workspace"),
            "Write a folder such as `test-results`, or `.`",
        );
    }
    Some(text)
}

/// `512m` or `4g`, in bytes.
fn memory(reader: &mut Reader<'_>, node: &Node) -> Option<u64> {
    let text = reader.text(node, "`memory`")?;
    let (digits, unit) = text.split_at(
        text.find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(text.len()),
    );
    let shift = match unit.trim().to_ascii_lowercase().as_str() {
        "m" | "mib" => Some(20),
        "g" | "gib" => Some(30),
        _ => None,
    };
    let bytes = shift
        .and_then(|shift| digits.parse::<u64>().ok()?.checked_mul(1 << shift))
        .filter(|bytes| *bytes >= LEAST_MEMORY);
    if bytes.is_none() {
        reader.report(
            node.place,
            format!("`{text}` is not an amount of memory"),
            "Write `512m`, `4g` or the like, at least `16m`",
        );
    }
    bytes
}

fn processes(reader: &mut Reader<'_>, node: &Node) -> Option<u32> {
    let text = reader.text(node, "`processes`")?;
    let number = text.parse().ok().filter(|number| *number > 0);
    if number.is_none() {
        reader.report(
            node.place,
            format!("`{text}` is not a number of processes"),
            "Write a number such as `4096`",
        );
    }
    number
}

fn network(reader: &mut Reader<'_>, node: &Node) -> Option<String> {
    let text = reader.text(node, "`network`")?;
    let fits = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
    if text.is_empty() || !text.chars().all(fits) {
        reader.report(
            node.place,
            format!("`{text}` is not the name of a network"),
            "Write `host`, `bridge` or the name of a network",
        );
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::secret::Secret;
    use crate::smoke::{Suite, no_files, outside, parse};
    use crate::template::Values;

    /// A document with one tester that has these lines besides its name.
    fn with(lines: &str) -> Result<Suite, Vec<String>> {
        let document = format!("testers:\n- name: a\n  {}\n", lines.replace('\n', "\n  "));
        parse(&document, "t.yml", outside(&no_files)).map_err(|problems| {
            problems
                .iter()
                .map(|problem| problem.to_string().replacen("smoke-tests: t.yml:", "", 1))
                .collect()
        })
    }

    #[test]
    fn a_tester_is_read_with_its_defaults_and_needs_no_tests_beside_it() {
        let suite = with("image: grafana/k6:1.3.0").unwrap();
        let [tester] = suite.testers() else {
            panic!("{suite:?}")
        };
        assert_eq!(
            (tester.name.as_str(), tester.on.as_slice(), tester.timeout),
            ("a", [Moment::Green].as_slice(), TIMEOUT)
        );
        assert!(tester.command.is_empty() && suite.count(Moment::Green) == 0);
        let suite =
            with("where: task\ncommand: newman run \"a b.json\"\non: [green, production]").unwrap();
        assert_eq!(suite.testers()[0].command, ["newman", "run", "a b.json"]);
        assert_eq!(
            suite.testers()[0].place_in_words(),
            "a task of the deployed revision"
        );
        let suite = with("image: a\ncommand: [sh, -c, 'echo ${BASE_URL} ${x:-1}', 5]").unwrap();
        assert_eq!(
            suite.testers()[0].command,
            ["sh", "-c", "echo ${BASE_URL} ${x:-1}", "5"]
        );
    }

    #[test]
    fn a_tester_writes_to_the_folders_it_names_and_has_limits() {
        let place = |lines: &str| match with(lines).unwrap().testers()[0].place.clone() {
            TesterPlace::Runner(place) => *place,
            TesterPlace::Task(place) => panic!("{place:?}"),
        };
        let usual = place("image: a\njunit: reports/*.xml\nwrites: [test-results]");
        assert_eq!(
            usual.writable().into_iter().collect::<Vec<_>>(),
            ["reports", "test-results"]
        );
        assert_eq!(
            (usual.memory, usual.processes, usual.writes_everything()),
            (4 << 30, 4096, false)
        );
        let own = place("image: a\nmemory: 512m\nprocesses: 64\njunit: junit.xml\nwrites: .");
        assert_eq!(
            (own.memory, own.processes, own.writes_everything()),
            (512 << 20, 64, true)
        );
    }

    #[test]
    fn a_tester_is_given_where_and_what_it_tests() {
        let suite = with("image: a\nenvironment: { TOKEN: \"t-${env.SMOKE_TOKEN}\", PORT: 8080, V: \"${version}\" }").unwrap();
        assert_eq!(suite.needs_env(), ["SMOKE_TOKEN"]);
        let environment = [("SMOKE_TOKEN".to_owned(), Secret::new("hunter22"))].into();
        let values = Values {
            version: "v1".into(),
            digest: "sha256:ab".into(),
            revision: "api:7".into(),
            environment,
            ..Values::default()
        };
        let given = suite.testers()[0].environment(
            Moment::Bake,
            &Url::parse("https://a.example:8443/").unwrap(),
            &values,
        );
        let given: Vec<String> = given
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let expected = [
            "BASE_URL=https://a.example:8443",
            "VERSION=v1",
            "IMAGE_DIGEST=sha256:ab",
            "REVISION=api:7",
            "MOMENT=bake",
            "CI=true",
            "TOKEN=t-hunter22",
            "PORT=8080",
            "V=v1",
        ];
        assert_eq!(given, expected);
    }

    #[test]
    fn every_mistake_names_its_line_and_column() {
        let table = [
            ("command: x", "2:3: A tester has no `image`"),
            (
                "image: A/b",
                "3:10: `A/b` is not an image name: a repository is written in lower case",
            ),
            (
                "image: a\nimages: b",
                "4:3: Unknown key `images` in a tester",
            ),
            ("image: a\nwhere: cloud", "4:10: `where` cannot be `cloud`"),
            (
                "image: a\ncontainer: b",
                "4:3: `container` means something with `where: task` only",
            ),
            (
                "where: task\nimage: a\ncommand: b",
                "4:3: `image` means something on the runner only: a task has the image",
            ),
            (
                "where: task",
                "2:3: A tester that is a task has no `command`",
            ),
            (
                "image: a\ncommand: it's",
                "4:12: A quote in `command` is not closed",
            ),
            ("image: a\ncommand: []", "4:12: `command` is empty"),
            (
                "image: a\nenvironment: { BASE_URL: x }",
                "4:18: `BASE_URL` is set for every tester",
            ),
            (
                "image: a\nenvironment: { A-B: x }",
                "4:18: `A-B` is not the name of an environment variable",
            ),
            (
                "image: a\nenvironment: { A: \"${env}\" }",
                "4:21: Unknown variable `${env}`",
            ),
            (
                "image: a\njunit: /tmp/a.xml",
                "4:10: `/tmp/a.xml` is not a path inside the workspace",
            ),
            (
                "image: a\njunit: a/*/b*.xml",
                "4:10: `a/*/b*.xml` has a star elsewhere than once in the file's name",
            ),
            (
                "image: a\nworking-directory: ../b",
                "4:22: `../b` is not a path inside the workspace",
            ),
            (
                "image: a\njunit: junit.xml",
                "4:10: `junit` is in no folder: a tester cannot write to the workspace itself",
            ),
            (
                "image: a\nwrites: ../b",
                "4:11: `../b` is not a path inside the workspace",
            ),
            (
                "image: a\nmemory: 4t",
                "4:11: `4t` is not an amount of memory",
            ),
            (
                "image: a\nprocesses: 0",
                "4:14: `0` is not a number of processes",
            ),
            (
                "image: a\nnetwork: a b",
                "4:12: `a b` is not the name of a network",
            ),
            ("image: a\ntimeout: 0s", "4:12: `timeout` is zero"),
            ("image: a\non: [gren]", "4:8: `on` cannot be `gren`"),
        ];
        for (lines, expected) in table {
            let problems = with(lines).unwrap_err();
            assert!(
                problems.len() == 1 && problems[0].starts_with(expected),
                "{lines}: {problems:?}"
            );
        }
        assert!(
            parse("testers: []", "t.yml", outside(&no_files)).is_err()
                && parse(
                    "testers: [{ name: a, image: a }, { name: a, image: a }]",
                    "t.yml",
                    outside(&no_files)
                )
                .is_err()
        );
    }
}
