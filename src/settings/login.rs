//! `registry-username`, `registry-password` and `docker-config`: the credentials for the registry
//! of a `docker://` image.
//!
//! The credentials are sent only to the host of `image`, never to the registry that is pushed to.

use super::collect::ProblemCollector;
use crate::documents::docker_config::{self, Login};
use crate::inputs::Inputs;
use crate::registry::{Credentials, ImageReference};
use crate::runner::Runner;
use crate::secret::Secret;
use crate::workspace::Workspace;

/// The credentials for the source registry.
#[derive(Debug, Clone, Default)]
pub enum SourceLogin {
    /// Credentials for it.
    With(Credentials),
    /// Credentials exist, but cannot be read; the reason.
    OutOfReach(String),
    /// No credentials.
    #[default]
    Anonymous,
}

impl SourceLogin {
    /// The credentials, if there are any.
    pub fn credentials(&self) -> Option<&Credentials> {
        match self {
            Self::With(credentials) => Some(credentials),
            Self::OutOfReach(_) | Self::Anonymous => None,
        }
    }
}

pub(super) fn settings(
    inputs: &Inputs,
    runner: &Runner,
    reference: &ImageReference,
    collect: &mut ProblemCollector,
) -> SourceLogin {
    let name = match reference {
        ImageReference::Registry(name) => name,
        ImageReference::Bare(name) if name.host().is_some() => name,
        ImageReference::Bare(_)
        | ImageReference::Engine(_)
        | ImageReference::Layout { .. }
        | ImageReference::OciArchive { .. }
        | ImageReference::DockerArchive { .. } => {
            refuse_unused(inputs, "image is not in a registry (docker://…)", collect);
            return SourceLogin::Anonymous;
        }
    };
    let (host, _) = name.address();
    from_inputs(inputs, collect).map_or_else(
        || from_config(inputs, runner, &host, collect),
        SourceLogin::With,
    )
}

/// Without an image in a registry, the credentials have no use.
pub(super) fn refuse_unused(inputs: &Inputs, why: &str, collect: &mut ProblemCollector) {
    let all = [
        ("registry-username", &inputs.registry_username),
        ("registry-password", &inputs.registry_password),
        ("docker-config", &inputs.docker_config),
    ];
    for (input, _) in all.into_iter().filter(|(_, value)| value.is_some()) {
        collect.add_problem(
            input,
            format!("it is given, but {why}"),
            "leave it out, or write image as docker://HOST/NAME:TAG",
        );
    }
}

fn from_inputs(inputs: &Inputs, collect: &mut ProblemCollector) -> Option<Credentials> {
    match (&inputs.registry_username, &inputs.registry_password) {
        (Some(user), Some(password)) => Some(Credentials {
            user: user.clone(),
            password: Secret::new(password.clone()),
        }),
        (None, None) => None,
        (Some(_), None) => {
            collect.add_problem(
                "registry-password",
                "it is missing, and registry-username is given",
                "set both, or neither",
            );
            None
        }
        (None, Some(_)) => {
            collect.add_problem(
                "registry-username",
                "it is missing, and registry-password is given",
                "set both, or neither",
            );
            None
        }
    }
}

/// A file that an input names must exist; the one that a login may have left need not.
fn from_config(
    inputs: &Inputs,
    runner: &Runner,
    host: &str,
    collect: &mut ProblemCollector,
) -> SourceLogin {
    let Some(path) = &inputs.docker_config else {
        return from_default_config(runner, host).unwrap_or_default();
    };
    collect.note_substitute_file("docker-config", path, runner);
    let is_folder = runner
        .workspace
        .find(path)
        .is_ok_and(|found| found.is_dir());
    let path = if is_folder {
        format!("{}/config.json", path.trim_end_matches('/'))
    } else {
        path.clone()
    };
    let read = runner
        .workspace
        .read(&path)
        .map_err(|error| format!("{path} {error}"));
    match read.and_then(|text| {
        docker_config::find_login(&text, host)
            .map_err(|why| format!("{path} cannot be used: {why}"))
    }) {
        Ok(login) => from_login(login, &path),
        Err(why) => {
            collect.add_problem(
                "docker-config",
                why,
                "give the folder or the file of a Docker configuration in the workspace",
            );
            SourceLogin::Anonymous
        }
    }
}

fn from_default_config(runner: &Runner, host: &str) -> Option<SourceLogin> {
    let path = default_config_path(runner)?;
    let text = Workspace::read_environment_file(&path).ok()?;
    Some(match docker_config::find_login(&text, host) {
        Ok(login) => from_login(login, &path),
        Err(why) => SourceLogin::OutOfReach(format!("{path} is not read for credentials: {why}")),
    })
}

fn from_login(login: Login, path: &str) -> SourceLogin {
    match login {
        Login::Password { user, password } => SourceLogin::With(Credentials { user, password }),
        Login::None => SourceLogin::Anonymous,
        Login::Helper(program) => SourceLogin::OutOfReach(format!(
            "{path} leaves the credentials to {program}, a program of the host that the action's container does not have"
        )),
        Login::IdentityToken => SourceLogin::OutOfReach(format!(
            "{path} holds an identity token, which is not exchanged for a password here"
        )),
    }
}

/// `DOCKER_CONFIG`, or `.docker` in the container's home: `/github/home`, to which steps of other
/// actions do not write.
fn default_config_path(runner: &Runner) -> Option<String> {
    let named = runner
        .variables
        .get("DOCKER_CONFIG")
        .filter(|folder| !folder.is_empty())
        .cloned();
    let folder = named.or_else(|| {
        runner
            .variables
            .get("HOME")
            .map(|home| format!("{home}/.docker"))
    })?;
    Some(format!("{folder}/config.json"))
}
