//! `image`, `repository`, `create-repository`, `tags`, `tags-when-deployed` and `push`.

use super::collect::Collect;
use super::login;
use super::repository::{self, NewRepository};
use super::{ImageSettings, Push, Repository};
use crate::inputs::Inputs;
use crate::registry::{ImageReference, Tag};
use crate::runner::Runner;

pub(super) fn settings(inputs: &Inputs, runner: &Runner, collect: &mut Collect) -> Option<ImageSettings> {
    let push = collect.word("push", inputs.push.as_deref(), &[("auto", Push::Auto), ("always", Push::Always), ("never", Push::Never)]);
    let repository = inputs.repository.as_deref().map(name);
    let Some(text) = inputs.image.as_deref() else {
        without_image(inputs, collect);
        return None;
    };
    let parsed = text.parse::<ImageReference>();
    let reference = parsed.map_err(|error| collect.problem("image", error.to_string(), error.hint())).ok()?;
    if repository.is_none() && (is_local(&reference) || push == Some(Push::Always)) {
        collect.problem("repository", "it is missing: the image is to be pushed", "set the ECR repository, such as team/api");
    }
    let tags_when_deployed = tags_when_deployed(inputs, collect);
    let mut tags = tags(inputs, runner, &reference, collect);
    tags.extend(tags_when_deployed.iter().filter(|tag| !tags.contains(tag)).cloned().collect::<Vec<_>>());
    let push = push.unwrap_or(Push::Auto);
    let create = create(inputs, runner, push, collect);
    let login = login::settings(inputs, runner, &reference, collect);
    Some(ImageSettings { reference, repository, login, create, tags, tags_when_deployed, push })
}

/// Only what is pushed needs a repository.
fn create(inputs: &Inputs, runner: &Runner, push: Push, collect: &mut Collect) -> Option<NewRepository> {
    let create = repository::settings(inputs, runner, collect)?;
    if inputs.repository.is_none() {
        collect.problem("create-repository", "it is given without a repository", "set repository, or leave it out");
    } else if push == Push::Never {
        collect.problem("create-repository", "nothing is pushed, so no repository is needed", "leave it out, or leave push out");
    }
    Some(create)
}

fn without_image(inputs: &Inputs, collect: &mut Collect) {
    login::unread(inputs, "there is no image", collect);
    let others = [
        ("repository", &inputs.repository),
        ("tags", &inputs.tags),
        ("tags-when-deployed", &inputs.tags_when_deployed),
        ("push", &inputs.push),
        ("create-repository", &inputs.create_repository),
    ];
    for (input, value) in others {
        if value.is_some() {
            collect.problem(input, "it is given without an image", "set image, or leave it out");
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

/// `REGISTRY/NAME` when the first part looks like a host, `NAME` otherwise.
fn name(text: &str) -> Repository {
    let text = text.strip_prefix("https://").unwrap_or(text);
    match text.split_once('/') {
        Some((host, name)) if host.contains(['.', ':']) || host == "localhost" => Repository { host: Some(host.into()), name: name.into() },
        _ => Repository { host: None, name: text.into() },
    }
}

/// The given tags, else the version, else the commit, else the tag the image has.
fn tags(inputs: &Inputs, runner: &Runner, reference: &ImageReference, collect: &mut Collect) -> Vec<Tag> {
    let own = match reference {
        ImageReference::Engine(name) | ImageReference::Bare(name) | ImageReference::Registry(name) => {
            name.tag().map(|tag| tag.as_str().to_owned())
        }
        ImageReference::Layout { tag, .. } | ImageReference::OciArchive { tag, .. } => tag.clone(),
        ImageReference::DockerArchive { .. } => None,
    };
    let default = inputs.version.clone().or_else(|| runner.sha.clone()).or(own).unwrap_or_else(|| "latest".into());
    list("tags", &inputs.tags.clone().unwrap_or(default), collect)
}

/// Tags that wait until the image serves need a repository, and a deployment that is followed.
fn tags_when_deployed(inputs: &Inputs, collect: &mut Collect) -> Vec<Tag> {
    let Some(text) = inputs.tags_when_deployed.as_deref() else { return Vec::new() };
    if inputs.repository.is_none() {
        collect.problem("tags-when-deployed", "it is given without a repository", "set repository, or leave it out");
    }
    if inputs.service.is_none() {
        collect.problem("tags-when-deployed", "there is no service whose deployment they could wait for", "set service, or use tags");
    }
    list("tags-when-deployed", text, collect)
}

fn list(input: &str, text: &str, collect: &mut Collect) -> Vec<Tag> {
    let parts = text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty());
    parts.filter_map(|part| tag(input, part, collect)).collect()
}

fn tag(input: &str, text: &str, collect: &mut Collect) -> Option<Tag> {
    let parsed = text.parse::<Tag>();
    parsed.map_err(|error| collect.problem(input, error.to_string(), "use letters, digits, `_`, `.` and `-`, at most 128")).ok()
}
