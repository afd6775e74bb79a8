//! The document's `testers`: tools in containers, on the runner or as tasks.
//!
//! A command is taken as it is: our variables are not replaced in it, because its shell may have
//! variables of the same form.
//!
//! One file, because it is one form: the type of every key of a tester, and its tests.

use std::time::Duration;

use ecs_bluegreen_registry::ImageName;

use crate::command;
use crate::document::{Content, Entry, Node};
use crate::form::{FromNamedEntry, FromNode, Named, OneOrMore, Spanned, read_all};
use crate::moment::Moment;
use crate::reader::{Fields, Reader};
use crate::template::{Template, is_variable_name};
use crate::tester::{
    RESERVED, ReportPath, RunnerPlace, TaskPlace, Tester, TesterPlace, WHOLE_WORKSPACE, is_inside,
};
use crate::{document_form, document_schema, document_words};

use super::test::{Moments, PlainName, UniqueNames};
use super::transport::Timeout;

/// Longer than most suites; a rollout waits for it.
const TIMEOUT: Duration = Duration::from_mins(10);

/// Enough for a browser with its tests; a memory leak must not take down the runner, which has to
/// finish the rollout.
const DEFAULT_MEMORY: u64 = 4 << 30;
/// Browsers have hundreds of threads; a fork bomb has more.
const DEFAULT_PROCESSES: u32 = 4096;
/// The engine's minimum is 6 MiB, with which no tool can run.
const MIN_MEMORY: u64 = 16 << 20;

/// Keys that mean something in one place only.
const RUNNER_KEYS: &[&str] = &[
    "image",
    "junit",
    "working-directory",
    "network",
    "writes",
    "memory",
    "processes",
];
const TASK_KEYS: &[&str] = &["task-definition", "container"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    Runner,
    Task,
}

document_words!(Where: WHERE);

const WHERE: &[(&str, Where)] = &[("runner", Where::Runner), ("task", Where::Task)];

document_form! {
    /// A tool in a container: its exit code is the result.
    #[schemars(rename = "Tester")]
    pub(super) struct TesterForm: "a tester", check check_place {
        /// Words for the log and the summary; each tester has its own.
        #[required("Write `name:` with words for the log and the summary")]
        name: PlainName,
        /// The image, where it runs on the runner.
        image: Option<TesterImage>,
        /// What the container runs: a list, or a text that is split at white space outside of
        /// quotes; what the image says when absent.
        command: Option<TesterCommand>,
        /// When it runs; on green when absent.
        on: Option<Moments>,
        /// Where it runs; on the runner when absent.
        r#where: Option<Where>,
        /// Variables besides `BASE_URL`, `VERSION`, `IMAGE_DIGEST`, `REVISION`, `MOMENT` and `CI`.
        environment: Option<Named<TesterVariable>>,
        /// The longest it may take; 10m when absent.
        timeout: Option<Timeout>,
        /// Its JUnit reports: a path in the workspace, with one star in the file's name or none.
        junit: Option<Spanned<ReportPath>>,
        /// The folder of the workspace in which it runs.
        working_directory: Option<WorkspaceFolder>,
        /// Folders of the workspace that it may write to (runner only); `.` is all of it. That of
        /// `junit` is one.
        writes: Option<OneOrMore<WritableFolder>>,
        /// Memory that it may take (runner only), such as 512m; 4g when absent.
        memory: Option<Memory>,
        /// Processes and threads that it may have (runner only); 4096 when absent.
        processes: Option<Processes>,
        /// The engine's network; its default when absent, and the machine's own for a URL of
        /// localhost.
        network: Option<NetworkName>,
        /// The task definition of the task, as `family` or `family:revision`; the deployed revision
        /// when absent.
        task_definition: Option<String>,
        /// The container of the task whose command is replaced; not needed where there is only one.
        container: Option<String>,
    }
}

/// Checks the keys that are allowed and required where the tester runs.
fn check_place(reader: &mut Reader<'_>, tester: &Node, fields: &Fields<'_>, _: &str) {
    match fields.get("where").map(|node| &node.content) {
        Some(Content::Text(place)) if place == "task" => {
            let why = "means something on the runner only: a task has the image of its task definition, and its files stay in it";
            let remedy = "Leave it out, or leave `where` out";
            check_misplaced(reader, fields, RUNNER_KEYS, (why, remedy));
            if fields.get("command").is_none() {
                let remedy = "Write `command:`; without one the task would run what the service runs, and never end";
                reader.report(
                    tester.place,
                    "A tester that is a task has no `command`",
                    remedy,
                );
            }
        }
        Some(Content::Text(place)) if place != "runner" => {}
        Some(_) | None => {
            let why = "means something with `where: task` only";
            let remedy = "Leave it out, or write `where: task`";
            check_misplaced(reader, fields, TASK_KEYS, (why, remedy));
            if fields.get("image").is_none() {
                reader.report(
                    tester.place,
                    "A tester has no `image`",
                    "Write `image:` with the tool's image, or `where: task`",
                );
            }
        }
    }
}

fn check_misplaced(
    reader: &mut Reader<'_>,
    fields: &Fields<'_>,
    keys: &[&str],
    (why, remedy): (&str, &str),
) {
    for entry in fields.entries_with(keys) {
        reader.report(entry.place, format!("`{}` {why}", entry.key), remedy);
    }
}

/// The testers of a document.
#[derive(Debug, Clone)]
pub(super) struct Testers(Vec<TesterForm>);

impl FromNode for Testers {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let items = reader.list(node, what)?;
        if items.is_empty() {
            reader.report(
                node.place,
                format!("{what} is empty"),
                format!("Write at least one tester, or leave {what} out"),
            );
        }
        let mut names = UniqueNames::default();
        let testers = items.iter().filter_map(|item| {
            names.record(reader, item);
            TesterForm::from_node(reader, item, what)
        });
        Some(Self(testers.collect()))
    }
}

impl Testers {
    pub(super) fn into_testers(self, reader: &mut Reader<'_>) -> Vec<Tester> {
        let forms = self.0.into_iter();
        forms.filter_map(|form| form.into_tester(reader)).collect()
    }
}

impl TesterForm {
    fn into_tester(self, reader: &mut Reader<'_>) -> Option<Tester> {
        let environment = self.environment.clone().map(|variables| variables.0);
        let environment = environment.unwrap_or_default().into_iter();
        Some(Tester {
            name: self.name.0.clone(),
            on: self
                .on
                .clone()
                .map_or_else(|| vec![Moment::Green], |on| on.0),
            command: self
                .command
                .clone()
                .map(|command| command.0)
                .unwrap_or_default(),
            environment: environment
                .map(|TesterVariable(name, value)| (name, value))
                .collect(),
            timeout: self.timeout.map_or(TIMEOUT, |timeout| timeout.0),
            place: match self.r#where {
                Some(Where::Task) => TesterPlace::Task(TaskPlace {
                    definition: self.task_definition,
                    container: self.container,
                }),
                Some(Where::Runner) | None => {
                    TesterPlace::Runner(Box::new(self.into_runner(reader)?))
                }
            },
        })
    }

    fn into_runner(self, reader: &mut Reader<'_>) -> Option<RunnerPlace> {
        let writes = self.writes.map(|folders| folders.0).unwrap_or_default();
        let writes: Vec<String> = writes.into_iter().map(|folder| folder.0).collect();
        if let Some(junit) = &self.junit
            && junit.value.folder().is_empty()
            && !writes.iter().any(|folder| folder == WHOLE_WORKSPACE)
        {
            // Reports are written to a folder of their own: the workspace itself is read-only.
            let remedy = "Have the report written to a folder, such as `reports/junit.xml`; or write `writes: .`, if the tester may change everything";
            reader.report(
                junit.place,
                "`junit` is in no folder: a tester cannot write to the workspace itself",
                remedy,
            );
        }
        Some(RunnerPlace {
            image: self.image?.0,
            junit: self.junit.map(|junit| junit.value),
            working_directory: self.working_directory.map(|folder| folder.0),
            network: self.network.map(|network| network.0),
            writes,
            memory: self.memory.map_or(DEFAULT_MEMORY, |memory| memory.0),
            processes: self
                .processes
                .map_or(DEFAULT_PROCESSES, |processes| processes.0),
        })
    }
}

#[derive(Debug, Clone)]
pub(super) struct TesterImage(ImageName);

impl FromNode for TesterImage {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        match text.parse::<ImageName>() {
            Ok(image) => Some(Self(image)),
            Err(error) => {
                let remedy = "Write a name such as `grafana/k6:1.3.0`";
                reader.refuse(node.place, error.to_string(), remedy)
            }
        }
    }
}

document_schema!(TesterImage as String);

/// A list of words, or a text that is split as the input `command` is.
#[derive(Debug, Clone)]
pub(super) struct TesterCommand(Vec<String>);

impl FromNode for TesterCommand {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let command = if let Content::List(items) = &node.content {
            let what = format!("A word of {what}");
            read_all(reader, items, |reader, item| reader.text(item, &what))?
        } else {
            let text = reader.text(node, what)?;
            let Some(command) = command::split_words(&text) else {
                let message = format!("A quote in {what} is not closed");
                return reader.refuse(node.place, message, command::UNCLOSED);
            };
            command
        };
        if command.is_empty() {
            return reader.refuse(
                node.place,
                format!("{what} is empty"),
                format!("Write what the container runs, or leave {what} out"),
            );
        }
        Some(Self(command))
    }
}

/// A variable of a tester's environment.
#[derive(Debug, Clone)]
pub(super) struct TesterVariable(String, Template);

impl FromNamedEntry for TesterVariable {
    fn from_named_entry(reader: &mut Reader<'_>, entry: &Entry) -> Option<Self> {
        if RESERVED.contains(&entry.key.as_str()) {
            reader.report(
                entry.place,
                format!("`{}` is set for every tester", entry.key),
                "Choose another name, or leave it out",
            );
        } else if !is_variable_name(&entry.key) {
            reader.report(
                entry.place,
                format!("`{}` is not the name of an environment variable", entry.key),
                "Write letters, digits and `_`, no digit first",
            );
        }
        let value = reader.template(&entry.value, &format!("Variable `{}`", entry.key))?;
        Some(Self(entry.key.clone(), value))
    }
}

document_schema!(TesterVariable as Template);

impl FromNode for ReportPath {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        match Self::parse(&text) {
            Ok(path) => Some(path),
            Err(why) => reader.refuse(
                node.place,
                format!("`{text}` {why}"),
                "Write a path in the workspace such as `reports/junit.xml` or `reports/*.xml`",
            ),
        }
    }
}

document_schema!(ReportPath as String);

#[derive(Debug, Clone)]
pub(super) struct WorkspaceFolder(String);

impl FromNode for WorkspaceFolder {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        if !is_inside(&text) {
            return reader.refuse(
                node.place,
                format!("`{text}` is not a path inside the workspace"),
                "Write a path such as `tests/e2e`",
            );
        }
        Some(Self(text))
    }
}

document_schema!(WorkspaceFolder as String);

/// A folder of the workspace, or all of it.
#[derive(Debug, Clone)]
pub(super) struct WritableFolder(String);

impl FromNode for WritableFolder {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        if text != WHOLE_WORKSPACE && !is_inside(&text) {
            return reader.refuse(
                node.place,
                format!("`{text}` is not a path inside the workspace"),
                "Write a folder such as `test-results`, or `.`",
            );
        }
        Some(Self(text))
    }
}

document_schema!(WritableFolder as String);

/// `512m` or `4g`, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory(u64);

impl FromNode for Memory {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        let end = text.find(|letter: char| !letter.is_ascii_digit());
        let (digits, unit) = text.split_at(end.unwrap_or(text.len()));
        let shift = match unit.trim().to_ascii_lowercase().as_str() {
            "m" | "mib" => Some(20),
            "g" | "gib" => Some(30),
            _ => None,
        };
        let bytes = shift
            .and_then(|shift| digits.parse::<u64>().ok()?.checked_mul(1 << shift))
            .filter(|bytes| *bytes >= MIN_MEMORY);
        match bytes {
            Some(bytes) => Some(Self(bytes)),
            None => reader.refuse(
                node.place,
                format!("`{text}` is not an amount of memory"),
                "Write `512m`, `4g` or the like, at least `16m`",
            ),
        }
    }
}

document_schema!(Memory as String);

#[derive(Debug, Clone, Copy)]
pub(super) struct Processes(u32);

impl FromNode for Processes {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        match text.parse() {
            Ok(number) if number > 0 => Some(Self(number)),
            Ok(_) | Err(_) => reader.refuse(
                node.place,
                format!("`{text}` is not a number of processes"),
                "Write a number such as `4096`",
            ),
        }
    }
}

document_schema!(Processes as u32);

#[derive(Debug, Clone)]
pub(super) struct NetworkName(String);

impl FromNode for NetworkName {
    fn from_node(reader: &mut Reader<'_>, node: &Node, what: &str) -> Option<Self> {
        let text = reader.text(node, what)?;
        let fits = |letter: char| letter.is_ascii_alphanumeric() || "_.-".contains(letter);
        if text.is_empty() || !text.chars().all(fits) {
            return reader.refuse(
                node.place,
                format!("`{text}` is not the name of a network"),
                "Write `host`, `bridge` or the name of a network",
            );
        }
        Some(Self(text))
    }
}

document_schema!(NetworkName as String);

#[cfg(test)]
mod schema {
    use schemars::JsonSchema;

    use super::{TesterCommand, TesterForm, Testers};
    use crate::document_schema;

    #[derive(JsonSchema)]
    #[schemars(untagged)]
    #[expect(dead_code, reason = "read by its derive only")]
    enum Command {
        Text(String),
        Words(#[schemars(length(min = 1))] Vec<String>),
    }

    #[derive(JsonSchema)]
    #[schemars(inline)]
    #[expect(dead_code, reason = "read by its derive only")]
    struct TesterList(#[schemars(length(min = 1))] Vec<TesterForm>);

    document_schema!(TesterCommand as Command);
    document_schema!(Testers as TesterList);
}

#[cfg(test)]
mod tests {
    use url::Url;

    use super::*;
    use crate::secret::Secret;
    use crate::smoke::{Suite, no_files, parse, test_resources};
    use crate::template::Values;

    /// A document with one tester that has these lines besides its name.
    fn parse_tester(lines: &str) -> Result<Suite, Vec<String>> {
        let document = format!("testers:\n- name: a\n  {}\n", lines.replace('\n', "\n  "));
        parse(&document, "t.yml", test_resources(&no_files)).map_err(|problems| {
            problems
                .iter()
                .map(|problem| problem.to_string().replacen("smoke-tests: t.yml:", "", 1))
                .collect()
        })
    }

    #[test]
    fn a_tester_is_read_with_its_defaults_and_needs_no_tests_beside_it() {
        let suite = parse_tester("image: grafana/k6:1.3.0").unwrap();
        let [tester] = suite.testers() else {
            panic!("{suite:?}")
        };
        assert_eq!(
            (tester.name.as_str(), tester.on.as_slice(), tester.timeout),
            ("a", [Moment::Green].as_slice(), TIMEOUT)
        );
        assert!(tester.command.is_empty() && suite.count_tests(Moment::Green) == 0);
        let suite =
            parse_tester("where: task\ncommand: newman run \"a b.json\"\non: [green, production]")
                .unwrap();
        assert_eq!(suite.testers()[0].command, ["newman", "run", "a b.json"]);
        assert_eq!(
            suite.testers()[0].describe_place(),
            "a task of the deployed revision"
        );
        let suite =
            parse_tester("image: a\ncommand: [sh, -c, 'echo ${BASE_URL} ${x:-1}', 5]").unwrap();
        assert_eq!(
            suite.testers()[0].command,
            ["sh", "-c", "echo ${BASE_URL} ${x:-1}", "5"]
        );
    }

    #[test]
    fn a_tester_writes_to_the_folders_it_names_and_has_limits() {
        let place = |lines: &str| match parse_tester(lines).unwrap().testers()[0].place.clone() {
            TesterPlace::Runner(place) => *place,
            TesterPlace::Task(place) => panic!("{place:?}"),
        };
        let usual = place("image: a\njunit: reports/*.xml\nwrites: [test-results]");
        assert_eq!(
            usual.writable_folders().into_iter().collect::<Vec<_>>(),
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
        let suite = parse_tester("image: a\nenvironment: { TOKEN: \"t-${env.SMOKE_TOKEN}\", PORT: 8080, V: \"${version}\" }").unwrap();
        assert_eq!(suite.required_env(), ["SMOKE_TOKEN"]);
        let environment = [("SMOKE_TOKEN".to_owned(), Secret::new("hunter22"))].into();
        let values = Values {
            version: "v1".into(),
            digest: "sha256:ab".into(),
            revision: "api:7".into(),
            environment,
            ..Values::default()
        };
        let given = suite.testers()[0].render_environment(
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
            let problems = parse_tester(lines).unwrap_err();
            assert!(
                problems.len() == 1 && problems[0].starts_with(expected),
                "{lines}: {problems:?}"
            );
        }
        assert!(
            parse("testers: []", "t.yml", test_resources(&no_files)).is_err()
                && parse(
                    "testers: [{ name: a, image: a }, { name: a, image: a }]",
                    "t.yml",
                    test_resources(&no_files)
                )
                .is_err()
        );
    }
}
