//! `image`, `repository`, `create-repository`, `tags`, `tags-when-deployed` and `push`.

use super::collect::ProblemCollector;
use super::login;
use super::repository;
use super::{ImageSettings, Push, Repository};
use crate::documents::new_repository::NewRepository;
use crate::inputs::Inputs;
use crate::outcome::Mode;
use crate::registry::{ImageName, ImageReference, Tag};
use crate::runner::Runner;

pub(super) fn settings(
    mode: Mode,
    inputs: &Inputs,
    runner: &Runner,
    collect: &mut ProblemCollector,
) -> Option<ImageSettings> {
    let push = collect.read_choice(
        "push",
        inputs.push.as_deref(),
        &[
            ("auto", Push::Auto),
            ("always", Push::Always),
            ("never", Push::Never),
        ],
    );
    let repository = inputs
        .repository
        .as_deref()
        .and_then(|text| read_repository(text, collect));
    let Some(text) = inputs.image.as_deref() else {
        refuse_without_image(mode, inputs, collect);
        return None;
    };
    let reference = match text.parse::<ImageReference>() {
        Ok(reference) => reference,
        Err(error) => {
            collect.add_problem("image", error.to_string(), image_remedy(text, error.hint()));
            read_tags_when_deployed(inputs, collect);
            inputs
                .tags
                .as_deref()
                .inspect(|given| drop(parse_tags("tags", given, collect)));
            repository::settings(inputs, runner, collect);
            return None;
        }
    };
    if inputs.repository.is_none() && (is_local(&reference) || push == Some(Push::Always)) {
        collect.add_problem(
            "repository",
            "it is missing: the image is to be pushed",
            "set the ECR repository, such as team/api",
        );
    }
    let tags_when_deployed = read_tags_when_deployed(inputs, collect);
    let mut tags = read_tags(inputs, runner, &reference, collect);
    tags.extend(
        tags_when_deployed
            .iter()
            .filter(|tag| !tags.contains(tag))
            .cloned()
            .collect::<Vec<_>>(),
    );
    let push = push.unwrap_or(Push::Auto);
    let create = read_new_repository(inputs, runner, push, collect);
    // With invalid credentials the image is not searched.
    let login =
        collect.without_problems(|collect| login::settings(inputs, runner, &reference, collect))?;
    Some(ImageSettings {
        reference,
        repository,
        login,
        create,
        tags,
        tags_when_deployed,
        push,
    })
}

/// Only a pushed image needs a repository.
fn read_new_repository(
    inputs: &Inputs,
    runner: &Runner,
    push: Push,
    collect: &mut ProblemCollector,
) -> Option<NewRepository> {
    let create = repository::settings(inputs, runner, collect)?;
    if inputs.repository.is_none() {
        collect.add_problem(
            "create-repository",
            "it is given without a repository",
            "set repository, or leave it out",
        );
    } else if push == Push::Never {
        collect.add_problem(
            "create-repository",
            "nothing is pushed, so no repository is needed",
            "leave it out, or leave push out",
        );
    }
    Some(create)
}

fn refuse_without_image(mode: Mode, inputs: &Inputs, collect: &mut ProblemCollector) {
    login::refuse_unused(inputs, "there is no image", collect);
    let others = [
        ("repository", &inputs.repository),
        ("tags", &inputs.tags),
        ("tags-when-deployed", &inputs.tags_when_deployed),
        ("push", &inputs.push),
        ("create-repository", &inputs.create_repository),
    ];
    for (input, value) in others {
        let is_cleaned = mode == Mode::Cleanup && input == "repository";
        if value.is_some() && !is_cleaned {
            collect.add_problem(
                input,
                "it is given without an image",
                "set image, or leave it out",
            );
        }
    }
}

fn is_local(reference: &ImageReference) -> bool {
    match reference {
        ImageReference::Engine(_)
        | ImageReference::Layout { .. }
        | ImageReference::OciArchive { .. }
        | ImageReference::DockerArchive { .. } => true,
        ImageReference::Bare(_) | ImageReference::Registry(_) => false,
    }
}

/// A name that is invalid in every registry is refused here, and not by ECR after the image was
/// read.
fn read_repository(text: &str, collect: &mut ProblemCollector) -> Option<Repository> {
    let repository = split_registry_host(text);
    let (message, remedy) = match repository.name.parse::<ImageName>() {
        Ok(image) => match (image.tag(), image.digest()) {
            (None, None) => return Some(repository),
            (Some(tag), _) => (
                format!("`{}` has a tag, and a repository has none", repository.name),
                format!(
                    "write {} here, and tags: {}",
                    image.repository(),
                    tag.as_str()
                ),
            ),
            (None, Some(_)) => (
                format!(
                    "`{}` has a digest, and a repository has none",
                    repository.name
                ),
                "write the name alone, such as team/api".into(),
            ),
        },
        Err(error) => {
            let lower = repository.name.to_lowercase();
            let meant = lower != repository.name && lower.parse::<ImageName>().is_ok();
            let remedy = if meant {
                format!("did you mean `{lower}`?")
            } else {
                "write a name such as team/api".into()
            };
            (
                error
                    .to_string()
                    .replace("is not an image name", "is not the name of a repository"),
                remedy,
            )
        }
    };
    collect.add_problem("repository", message, remedy);
    None
}

/// `REGISTRY/NAME` when the first part looks like a host, `NAME` otherwise.
fn split_registry_host(text: &str) -> Repository {
    let text = text.strip_prefix("https://").unwrap_or(text);
    match text.split_once('/') {
        Some((host, name)) if host.contains(['.', ':']) || host == "localhost" => Repository {
            host: Some(host.into()),
            name: name.into(),
        },
        _ => Repository {
            host: None,
            name: text.into(),
        },
    }
}

/// The given tags, else the version, else the commit, else the tag the image has.
fn read_tags(
    inputs: &Inputs,
    runner: &Runner,
    reference: &ImageReference,
    collect: &mut ProblemCollector,
) -> Vec<Tag> {
    let own = match reference {
        ImageReference::Engine(name)
        | ImageReference::Bare(name)
        | ImageReference::Registry(name) => name.tag().map(|tag| tag.as_str().to_owned()),
        ImageReference::Layout { tag, .. } | ImageReference::OciArchive { tag, .. } => tag.clone(),
        ImageReference::DockerArchive { .. } => None,
    };
    let default = inputs
        .version
        .clone()
        .or_else(|| runner.sha.clone())
        .or(own)
        .unwrap_or_else(|| "latest".into());
    parse_tags("tags", &inputs.tags.clone().unwrap_or(default), collect)
}

/// Deferred tags need a repository, and a deployment that the run follows.
fn read_tags_when_deployed(inputs: &Inputs, collect: &mut ProblemCollector) -> Vec<Tag> {
    let Some(text) = inputs.tags_when_deployed.as_deref() else {
        return Vec::new();
    };
    if inputs.repository.is_none() {
        collect.add_problem(
            "tags-when-deployed",
            "it is given without a repository",
            "set repository, or leave it out",
        );
    }
    if inputs.service.is_none() {
        collect.add_problem(
            "tags-when-deployed",
            "there is no service whose deployment they could wait for",
            "set service, or use tags",
        );
    }
    parse_tags("tags-when-deployed", text, collect)
}

fn parse_tags(input: &str, text: &str, collect: &mut ProblemCollector) -> Vec<Tag> {
    let parts = collect.read_list(input, Some(text));
    parts
        .iter()
        .filter_map(|part| parse_tag(input, part, collect))
        .collect()
}

fn parse_tag(input: &str, text: &str, collect: &mut ProblemCollector) -> Option<Tag> {
    let parsed = text.parse::<Tag>();
    parsed
        .map_err(|error| collect.add_problem(input, error.to_string(), tag_remedy(text)))
        .ok()
}

/// Branch names may contain characters that tags may not.
fn tag_remedy(text: &str) -> String {
    let fits = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-');
    let tag: String = text
        .chars()
        .map(|letter| if fits(letter) { letter } else { '-' })
        .collect();
    let meant = if tag.parse::<Tag>().is_ok() {
        format!(": `{tag}` would be one")
    } else {
        String::new()
    };
    format!("use letters, digits, `_`, `.` and `-`, at most 128{meant}")
}

fn image_remedy(text: &str, hint: &str) -> String {
    let lower = text.to_lowercase();
    if lower != text && lower.parse::<ImageReference>().is_ok() {
        format!("did you mean `{lower}`?")
    } else {
        hint.to_owned()
    }
}
