//! Who uses whom, read from the sources: what each module imports, and what follows from that.
//!
//! Two kinds of use are distinguished. To *name* a type (or a constant) of another module is to
//! hold its data, and goes no further. To *call* into a module, by a function of it or by the
//! module itself, is to do whatever that module does. A type that does things by itself, because it
//! holds a connection or a way to the disk, is listed as such.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// Where the modules of each crate are; the action's own have no prefix.
const CRATES: &[(&str, &str)] = &[
    ("", "src"),
    ("checks", "checks/src"),
    ("registry", "registry/src"),
];
/// Modules of other crates that a crate shows under a name of its own.
const SHOWN: &[(&str, &str)] = &[
    ("checks::scrub", "registry::scrub"),
    ("checks::secret", "registry::secret"),
    ("duration", "checks::duration"),
    ("nearest", "checks::nearest"),
    ("problem", "checks::problem"),
    ("scrub", "registry::scrub"),
    ("secret", "registry::secret"),
];
/// What acts, or depends on anything but what it is given.
const ACTS: &[&str] = &[
    "tokio::",
    "reqwest::",
    "aws_sdk",
    "aws_config",
    "std::fs",
    "std::net",
    "std::process",
    "std::env",
    "Instant::now",
    "SystemTime::now",
];
/// What of these libraries is only data.
const DATA: &[&str] = &[
    "use tokio::time::Instant;",
    "reqwest::header",
    "reqwest::Method",
    "reqwest::StatusCode",
];
/// Types whose methods act.
const ACTORS: &[&str] = &[
    "Run",
    "Aws",
    "Clock",
    "Runner",
    "Workspace",
    "Github",
    "IssueComments",
];
/// Files that are no part of the product.
const NO_PRODUCT: &[&str] = &[
    "tests",
    "schema",
    "agreement",
    "properties",
    "simulation",
    "generated",
    "json_tests",
    "main",
];

static PATH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"\b(crate|self|super|ecs_bluegreen_checks|ecs_bluegreen_registry)::((?:\w+::)*(?:\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|\w+|\*))",
    )
    .expect("a pattern")
});
static RELATIVE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?:^|[^\w:])(\w+)::(\{[^}]*\}|\w+|\*)").expect("a pattern"));
static CHILD: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"(?m)^(?:pub(?:\([^)]*\))? )?mod (\w+);").expect("a pattern"));
static VISIBILITY: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"pub\(in [^)]*\)").expect("a pattern"));
static MACRO: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"#\[macro_export\]\s+macro_rules! (\w+)").expect("a pattern"));
static TESTS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^#\[cfg\(test\)\]\n(?:#\[(?s:.)*?\)\]\n)?(?:pub\(crate\) )?mod tests \{")
        .expect("a pattern")
});
static FOR_TESTS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^ *#\[cfg\(test\)\]\n(?: *#\[[^\n]*\n)* *(?:pub(?:\([^)]*\))? )?(?:mod|use) [^;{]*;\n")
        .expect("a pattern")
});

/// The sources of the product, by the names of their modules.
struct Modules {
    code: BTreeMap<String, String>,
    /// The macros that they show to each other.
    macros: BTreeSet<String>,
    /// What each of them uses of others, and of its own children.
    uses: BTreeMap<String, BTreeSet<Use>>,
    /// Those that say of themselves that they are pure.
    pure: BTreeSet<String>,
}

/// What a module uses of another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Use {
    module: String,
    /// Its item; none for the module itself.
    item: Option<String>,
}

impl Use {
    /// Whether what the module does is done by this.
    fn is_call(&self) -> bool {
        self.item
            .as_deref()
            .is_none_or(|item| item == "*" || item.starts_with(char::is_lowercase))
    }
}

static PRODUCT: LazyLock<Modules> = LazyLock::new(Modules::of_product);

impl Modules {
    fn of_product() -> Self {
        let mut sources = Vec::new();
        for (prefix, root) in CRATES {
            let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
            for file in super::contracts::files(&root) {
                let relative = file.strip_prefix(&root).expect("a file of the crate");
                let mut parts: Vec<String> = relative
                    .with_extension("")
                    .iter()
                    .map(|part| part.to_string_lossy().into_owned())
                    .collect();
                if parts.iter().any(|part| NO_PRODUCT.contains(&part.as_str())) {
                    continue;
                }
                parts.pop_if(|last| last == "mod" || last == "lib");
                let prefix = Some((*prefix).to_owned()).filter(|prefix| !prefix.is_empty());
                let name: Vec<String> = prefix.into_iter().chain(parts).collect();
                sources.push((
                    name.join("::"),
                    std::fs::read_to_string(&file).expect("a source"),
                ));
            }
        }
        Self::new(sources)
    }

    fn new(sources: impl IntoIterator<Item = (String, String)>) -> Self {
        let (mut code, mut pure) = (BTreeMap::new(), BTreeSet::new());
        for (name, text) in sources {
            if text.starts_with("//! PURE:") {
                pure.insert(name.clone());
            }
            let text = VISIBILITY.replace_all(&text, "pub");
            code.insert(name, product_code(&text));
        }
        let macros = code
            .values()
            .flat_map(|code| MACRO.captures_iter(code))
            .map(|found| found[1].to_owned())
            .collect();
        let mut modules = Self {
            code,
            macros,
            uses: BTreeMap::new(),
            pure,
        };
        modules.uses = modules
            .code
            .iter()
            .map(|(module, code)| (module.clone(), modules.used_in(module, code)))
            .collect();
        modules
    }

    fn used_in(&self, module: &str, code: &str) -> BTreeSet<Use> {
        let mut found = BTreeSet::new();
        for path in PATH.captures_iter(code) {
            for path in expanded(&path[1], &path[2]) {
                found.extend(self.resolved(module, &path));
            }
        }
        let children: BTreeSet<&str> = CHILD
            .captures_iter(code)
            .filter_map(|child| Some(child.get(1)?.as_str()))
            .collect();
        let of_children = RELATIVE
            .captures_iter(code)
            .filter(|path| children.contains(&path[1]));
        for path in of_children {
            for path in expanded(&format!("self::{}", &path[1]), &path[2]) {
                found.extend(self.resolved(module, &path));
            }
        }
        found.retain(|used| used.module != module);
        found
    }

    /// The module that a path leads to, and what is left of the path.
    fn resolved(&self, module: &str, path: &str) -> Option<Use> {
        let home = CRATES
            .iter()
            .map(|(prefix, _)| *prefix)
            .find(|prefix| !prefix.is_empty() && module.split("::").next() == Some(*prefix))
            .unwrap_or_default();
        let mut here: Vec<&str> = module.split("::").filter(|part| !part.is_empty()).collect();
        let mut rest = path.split("::").peekable();
        let mut base = match rest.next()? {
            "ecs_bluegreen_checks" => vec!["checks"],
            "ecs_bluegreen_registry" => vec!["registry"],
            "self" => here,
            "super" => {
                here.pop();
                while rest.next_if_eq(&"super").is_some() {
                    here.pop();
                }
                here
            }
            _ if home.is_empty() => Vec::new(),
            _ => vec![home],
        };
        base.extend(rest);
        let shown = SHOWN
            .iter()
            .map(|(name, place)| (name.split("::").collect::<Vec<_>>(), place))
            .find(|(name, _)| base.starts_with(name));
        if let Some((name, place)) = shown {
            base.splice(..name.len(), place.split("::"));
        }
        // A macro is at the root of its crate, wherever it is written.
        if base.last().is_some_and(|name| self.is_macro(name)) {
            return None;
        }
        (0..=base.len()).rev().find_map(|length| {
            let name = base[..length].join("::");
            self.code.contains_key(&name).then(|| Use {
                module: name,
                item: base.get(length).map(|item| (*item).to_owned()),
            })
        })
    }

    fn is_macro(&self, name: &str) -> bool {
        self.macros.contains(name)
    }

    /// Why a module is not pure by itself.
    fn acts(&self, module: &str) -> Option<String> {
        let code = DATA.iter().fold(self.code[module].clone(), |code, data| {
            code.replace(data, "")
        });
        let library = ACTS.iter().find(|word| code.contains(**word));
        let actor = self.uses[module]
            .iter()
            .filter_map(|used| used.item.as_deref())
            .find(|item| ACTORS.contains(item));
        library.copied().or(actor).map(str::to_owned)
    }

    /// Modules that are called pure and reach, call by call, what acts: each with the way there.
    fn impure(&self) -> Vec<String> {
        self.pure
            .iter()
            .filter_map(|module| self.way_to_an_act(module))
            .collect()
    }

    fn way_to_an_act(&self, start: &str) -> Option<String> {
        let mut ways = VecDeque::from([vec![start.to_owned()]]);
        let mut seen = BTreeSet::from([start.to_owned()]);
        while let Some(way) = ways.pop_front() {
            let module = way.last()?;
            if let Some(word) = self.acts(module) {
                return Some(format!("{} uses {word}", way.join(" → ")));
            }
            for used in self.uses[module].iter().filter(|used| used.is_call()) {
                if seen.insert(used.module.clone()) {
                    ways.push_back([way.as_slice(), std::slice::from_ref(&used.module)].concat());
                }
            }
        }
        None
    }

    /// Modules below some folders that use one of another folder, in whatever way.
    fn users_of(&self, folder: &str, among: &[&str]) -> Vec<String> {
        let is_among = |module: &&String| among.contains(&top(module));
        let uses = |module: &&String| {
            self.uses[module.as_str()]
                .iter()
                .any(|used| top(&used.module) == folder)
        };
        self.code
            .keys()
            .filter(is_among)
            .filter(uses)
            .cloned()
            .collect()
    }

    /// The folders of the action's own crate that use each other in a circle, in whatever way.
    fn circles(&self) -> Vec<String> {
        let mut arrows: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for module in self.code.keys() {
            let others = self.uses[module]
                .iter()
                .map(|used| top(&used.module).to_owned());
            let from = arrows.entry(top(module)).or_default();
            from.extend(others.filter(|other| !other.is_empty() && other != top(module)));
        }
        // What uses nothing that is left is in no circle, and is left out next.
        loop {
            let left: BTreeSet<&str> = arrows.keys().copied().collect();
            let is_end =
                |uses: &BTreeSet<String>| !uses.iter().any(|other| left.contains(other.as_str()));
            let ends: Vec<&str> = arrows
                .iter()
                .filter(|(_, uses)| is_end(uses))
                .map(|(folder, _)| *folder)
                .collect();
            if ends.is_empty() {
                break;
            }
            arrows.retain(|folder, _| !ends.contains(folder));
        }
        let left: BTreeSet<&str> = arrows.keys().copied().collect();
        let shown = |(folder, uses): (&&str, &BTreeSet<String>)| {
            let uses: Vec<&str> = uses
                .iter()
                .map(String::as_str)
                .filter(|other| left.contains(other))
                .collect();
            format!("{folder} uses {}", uses.join(", "))
        };
        arrows.iter().map(shown).collect()
    }
}

/// The folder, or the lone file, in which a module is.
fn top(module: &str) -> &str {
    module.split("::").next().unwrap_or_default()
}

/// The code of a file, without comments and without its tests.
fn product_code(text: &str) -> String {
    let product = TESTS.split(text).next().unwrap_or_default();
    let code: String = product
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| [line, "\n"])
        .collect();
    FOR_TESTS.replace_all(&code, "").into_owned()
}

/// `a::{b, c::{d, e}}` → `a::b`, `a::c::d`, `a::c::e`.
fn expanded(begin: &str, path: &str) -> Vec<String> {
    let path = path.trim();
    let Some((head, list)) = path.split_once('{') else {
        let name = path.split_whitespace().next().unwrap_or_default();
        return vec![format!("{begin}::{name}")];
    };
    let list = list.strip_suffix('}').unwrap_or(list);
    let begin = format!("{begin}::{head}");
    let begin = begin.trim_end_matches("::");
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for letter in list.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if letter == ',' && depth == 0 {
            parts.push(String::new());
        } else if let Some(part) = parts.last_mut() {
            part.push(letter);
        }
    }
    parts
        .iter()
        .filter(|part| !part.trim().is_empty())
        .flat_map(|part| match part.trim() {
            "self" => vec![begin.to_owned()],
            part => expanded(begin, part),
        })
        .collect()
}

#[test]
fn after_the_plan_nobody_knows_the_settings() {
    let modules = &*PRODUCT;
    let walkers = ["engine", "steps", "unwind", "observe", "aws", "undo", "run"];
    assert_eq!(modules.users_of("settings", &walkers), Vec::<String>::new());
}

#[test]
fn what_is_called_pure_calls_nothing_that_acts() {
    let modules = &*PRODUCT;
    assert!(modules.pure.len() > 40, "{:?}", modules.pure);
    assert_eq!(modules.impure(), Vec::<String>::new());
}

#[test]
fn folders_use_each_other_in_no_circle() {
    let modules = &*PRODUCT;
    assert!(modules.users_of("plan", &["steps"]).len() > 10);
    assert_eq!(modules.circles(), Vec::<String>::new());
}

fn planted(sources: &[(&str, &str)]) -> Modules {
    Modules::new(
        sources
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned())),
    )
}

#[test]
fn a_planted_act_is_found_behind_calls_and_not_behind_types() {
    let called = "use crate::run::Run;\npub struct Snapshot;\npub async fn look(run: &Run) {}\n";
    let table = [
        // By a function, by its module, by a re-export of a child.
        (
            "//! PURE: x\nuse crate::survey::look;\n",
            Some("plan → survey uses Run"),
        ),
        (
            "//! PURE: x\nuse crate::{secret, survey};\n",
            Some("plan → survey uses Run"),
        ),
        (
            "//! PURE: x\nfn f() { crate::survey::look() }\n",
            Some("plan → survey uses Run"),
        ),
        (
            "//! PURE: x\nmod child;\nfn f() { child::g() }\n",
            Some("plan → plan::child uses std::fs"),
        ),
        (
            "//! PURE: x\nmod child;\npub use child::{G, g};\n",
            Some("plan → plan::child uses std::fs"),
        ),
        (
            "//! PURE: x\nuse crate::middle::calls;\n",
            Some("plan → middle → survey uses Run"),
        ),
        ("//! PURE: x\nuse crate::run::Run;\n", Some("plan uses Run")),
        (
            "//! PURE: x\nfn f() { tokio::spawn(g) }\n",
            Some("plan uses tokio::"),
        ),
        // Data.
        ("//! PURE: x\nuse crate::survey::{Snapshot, LIMIT};\n", None),
        (
            "//! PURE: x\nmod child;\nuse child::G;\nuse tokio::time::Instant;\n",
            None,
        ),
        (
            "//! PURE: x\n// std::fs\n#[cfg(test)]\nmod tests {\n use crate::survey::look;\n}\n",
            None,
        ),
        // It does not say so.
        ("//! Not so.\nuse crate::survey::look;\n", None),
    ];
    for (plan, expected) in table {
        let modules = planted(&[
            ("plan", plan),
            (
                "plan::child",
                "pub struct G;\npub fn g() { std::fs::read(x) }\n",
            ),
            (
                "middle",
                "use super::survey;\npub fn calls() { survey::look() }\n",
            ),
            ("survey", called),
            ("run", "use crate::aws::Aws;\npub struct Run;\n"),
            ("aws", "use aws_sdk_ecs::Client;\npub struct Aws;\n"),
        ]);
        assert_eq!(
            modules.impure(),
            expected.into_iter().collect::<Vec<_>>(),
            "{plan}"
        );
    }
}

#[test]
fn a_planted_circle_is_found_and_its_arrows_are_named() {
    let straight = [
        (
            "engine",
            "use crate::steps::task;\nuse crate::plan::Plan;\n",
        ),
        ("steps::task", "use crate::plan::{Plan, TaskPlan};\n"),
        ("plan", "pub struct Plan;\n"),
    ];
    assert_eq!(planted(&straight).circles(), Vec::<String>::new());
    let bent = [
        straight[0],
        (
            "steps::task",
            "use crate::engine::queue;\nuse crate::plan::Plan;\n",
        ),
        straight[2],
    ];
    assert_eq!(
        planted(&bent).circles(),
        ["engine uses steps", "steps uses engine"]
    );
    assert_eq!(
        planted(&bent).users_of("engine", &["steps"]),
        ["steps::task"]
    );
}
