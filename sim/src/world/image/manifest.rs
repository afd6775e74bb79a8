//! The parts of a manifest and of an image's configuration that running it needs.

use serde::Deserialize;

/// What a manifest's `Accept` must name, so that the registry converts nothing.
pub(crate) const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";

/// A manifest or an index: an index has `manifests`, a manifest has the rest.
#[derive(Debug, Deserialize)]
pub(crate) struct Manifest {
    #[serde(default)]
    pub(crate) manifests: Vec<Descriptor>,
    pub(crate) config: Option<Descriptor>,
    #[serde(default)]
    pub(crate) layers: Vec<Descriptor>,
}

/// What a manifest says about one of its parts.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Descriptor {
    pub(crate) digest: String,
    pub(crate) platform: Option<Platform>,
}

/// A platform of an index.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Platform {
    pub(crate) os: String,
    pub(crate) architecture: String,
}

impl Manifest {
    /// The manifest of an index that runs here.
    pub(crate) fn find_platform(&self) -> Option<&Descriptor> {
        let is_local = |platform: &Platform| {
            platform.os == "linux" && platform.architecture == local_architecture()
        };
        self.manifests
            .iter()
            .find(|descriptor| descriptor.platform.as_ref().is_some_and(is_local))
    }
}

/// This machine's architecture in the words of OCI.
pub(crate) fn local_architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// An image's configuration file.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct ImageFile {
    #[serde(default)]
    pub(crate) config: ImageConfig,
}

/// What is to run. Lists may be `null` in files that Docker writes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct ImageConfig {
    pub(crate) entrypoint: Option<Vec<String>>,
    pub(crate) cmd: Option<Vec<String>>,
    pub(crate) env: Option<Vec<String>>,
    pub(crate) working_dir: Option<String>,
}

impl ImageConfig {
    /// The command line; a given command replaces the image's `Cmd`, never its entrypoint.
    pub(crate) fn command_line(&self, command: Option<&[String]>) -> Vec<String> {
        let entrypoint = self.entrypoint.iter().flatten();
        let command = command.or(self.cmd.as_deref()).unwrap_or_default();
        entrypoint.chain(command).cloned().collect()
    }

    /// The environment, each name once.
    pub(crate) fn environment(&self, overrides: &[(String, String)]) -> Vec<(String, String)> {
        let image = self
            .env
            .iter()
            .flatten()
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let kept = image.filter(|(name, _)| !overrides.iter().any(|(given, _)| given == name));
        kept.chain(overrides.iter().cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split_words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn a_command_replaces_cmd_and_keeps_the_entrypoint() {
        let config = ImageConfig {
            entrypoint: Some(split_words("/app")),
            cmd: Some(split_words("serve")),
            ..Default::default()
        };
        assert_eq!(config.command_line(None), split_words("/app serve"));
        assert_eq!(
            config.command_line(Some(&split_words("migrate --fail"))),
            split_words("/app migrate --fail")
        );
    }

    #[test]
    fn the_task_definition_wins_over_the_image() {
        let config = ImageConfig {
            env: Some(split_words("A=1 B=2")),
            ..Default::default()
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            config.environment(&[pair("B", "3")]),
            [pair("A", "1"), pair("B", "3")]
        );
    }

    #[test]
    fn null_lists_of_docker_are_read() {
        let file: ImageFile =
            serde_json::from_str(r#"{"config":{"Entrypoint":null,"Cmd":["/x"],"Env":null}}"#)
                .expect("valid");
        assert_eq!(file.config.command_line(None), split_words("/x"));
    }
}
