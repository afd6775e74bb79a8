//! PURE: the command line. Every input is a long option, so that a person can run the same binary
//! without GitHub.

use crate::inputs::{self, TABLE, variable};

/// What the process was started for.
#[derive(Debug, PartialEq, Eq)]
pub enum Invocation {
    /// The mode that the inputs name. The pairs are variables (`INPUT_MODE`) that the options set.
    Run(Vec<(String, String)>),
    /// The post step.
    Post,
    /// Rendering the journal at a path.
    Replay(String),
    /// Printing these lines.
    Print(Vec<String>),
    /// Refusing the command line for these reasons.
    Refuse(Vec<String>),
}

/// How wide the help is.
const WIDTH: usize = 100;
const USAGE: &str = "Usage: ecs-bluegreen --INPUT VALUE …";

/// Parses what the process was started with. The runner gives the same arguments to main and post,
/// so the post step is told by the name of the program too.
pub fn parse(program: &str, arguments: &[String]) -> Invocation {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["replay", journal] => Invocation::Replay((*journal).to_owned()),
        ["replay", ..] => Invocation::Refuse(vec!["replay needs the path of one journal".into()]),
        ["post", ..] => Invocation::Post,
        _ if program.ends_with("-post") => Invocation::Post,
        ["--version"] => {
            Invocation::Print(vec![format!("ecs-bluegreen {}", env!("CARGO_PKG_VERSION"))])
        }
        options => parse_options(options),
    }
}

fn parse_options(words: &[&str]) -> Invocation {
    let (mut variables, mut problems) = (Vec::new(), Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if matches!(*word, "--help" | "-h") {
            return Invocation::Print(help());
        }
        let Some(option) = word.strip_prefix("--") else {
            problems.push(format!("`{word}` is no option: options begin with --"));
            continue;
        };
        let (name, value) = match option.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (option, words.next().copied()),
        };
        match (inputs::find(name).is_some(), value) {
            (false, _) => problems.push(unknown_option(name)),
            (true, None) => problems.push(format!("--{name} needs a value")),
            (true, Some(value)) => variables.push((variable(name), value.to_owned())),
        }
    }
    if problems.is_empty() {
        Invocation::Run(variables)
    } else {
        problems.push(format!("{USAGE} (--help lists the inputs)"));
        Invocation::Refuse(problems)
    }
}

fn unknown_option(name: &str) -> String {
    let hint = inputs::find_similar(name)
        .map(|nearest| format!("; did you mean --{nearest}?"))
        .unwrap_or_default();
    format!("there is no option --{name}{hint}")
}

fn help() -> Vec<String> {
    let mut lines = vec![
        USAGE.to_owned(),
        "       ecs-bluegreen replay JOURNAL".to_owned(),
        String::new(),
    ];
    lines.extend(wrap(
        "Deploys to Amazon ECS by blue/green, rolls back, answers gates, tests. Every input of the action is an option; its outcome is the last line and the exit code. Credentials come from the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION). Secrets are better given as variables, such as INPUT_REGISTRY-PASSWORD, than as options, which other users of the machine can see.",
        "",
    ));
    let mut group = "";
    for input in TABLE {
        if input.group != group {
            group = input.group;
            lines.extend([String::new(), format!("{group}:")]);
        }
        lines.push(format!("  --{} VALUE", input.name));
        lines.extend(wrap(input.text, "      "));
        lines.extend(wrap(&format!("Default: {}.", input.default), "      "));
    }
    lines
}

fn wrap(text: &str, indent: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = indent.to_owned();
    for word in text.split(' ') {
        let is_first = line.len() == indent.len();
        if !is_first && line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(std::mem::replace(&mut line, indent.to_owned()));
        } else if !is_first {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(words: &[&str]) -> Invocation {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        parse("/ecs-bluegreen", &words)
    }

    #[test]
    fn options_become_the_variables_of_inputs() {
        let words = [
            "--mode",
            "rollback",
            "--cluster=prod",
            "--skip-checks",
            "true",
        ];
        let variables = [
            ("INPUT_MODE", "rollback"),
            ("INPUT_CLUSTER", "prod"),
            ("INPUT_SKIP-CHECKS", "true"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(parse_words(&words), Invocation::Run(variables.to_vec()));
        assert_eq!(parse_words(&[]), Invocation::Run(Vec::new()));
    }

    #[test]
    fn a_value_may_begin_with_dashes_and_hold_equals_signs() {
        let Invocation::Run(variables) =
            parse_words(&["--command", "--port=80", "--docker-labels=a=b"])
        else {
            panic!("a run");
        };
        assert_eq!(variables[0].1, "--port=80");
        assert_eq!(variables[1].1, "a=b");
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let Invocation::Refuse(problems) = parse_words(&["--clusters", "prod", "api", "--service"])
        else {
            panic!("a refusal");
        };
        assert_eq!(
            problems[..3],
            [
                "there is no option --clusters; did you mean --cluster?",
                "`api` is no option: options begin with --",
                "--service needs a value",
            ]
        );
    }

    #[test]
    fn the_post_step_is_told_by_its_word_or_the_name_of_the_program() {
        assert_eq!(parse_words(&["post"]), Invocation::Post);
        assert_eq!(parse("/ecs-bluegreen-post", &[]), Invocation::Post);
        assert_eq!(
            parse_words(&["replay", "a.jsonl"]),
            Invocation::Replay("a.jsonl".into())
        );
        assert!(matches!(parse_words(&["replay"]), Invocation::Refuse(_)));
    }

    #[test]
    fn the_help_has_every_input_within_its_width() {
        let Invocation::Print(lines) = parse_words(&["--mode", "deploy", "--help"]) else {
            panic!("help");
        };
        for input in TABLE {
            assert!(lines.contains(&format!("  --{} VALUE", input.name)));
        }
        let is_word = |line: &String| !line.trim().contains(' ');
        let wide = lines
            .iter()
            .find(|line| line.chars().count() > WIDTH && !is_word(line));
        assert_eq!(wide, None);
    }
}
