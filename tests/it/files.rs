//! Files that inputs name: regular files inside the job's folders, whatever a path or a link says.

use insta::assert_snapshot;

use crate::harness::{Action, Story, layout};

const DOCUMENT: &str = "tests:
  - { name: body, post: /upload, file: environment }
  - { name: schema, get: /health, expect: { json-schema: /etc/hostname } }
  - { name: token, post: /upload, file: .git/config }
";

#[tokio::test(flavor = "multi_thread")]
async fn no_file_input_leads_out_of_the_workspace_or_to_what_never_ends() {
    let action = Action::to_service()
        .link("task.json", "/proc/self/environ")
        .link("environment", "/proc/self/environ")
        .link("outside", "../elsewhere")
        .pipe("analysis.yml")
        .file("../elsewhere/scan.yml", "fail-on: high")
        .file("../elsewhere/docker/config.json", "{}")
        .file(".git/config", "[http]\n")
        .file("smoke.yml", DOCUMENT);
    let action = action
        .with("image", "docker://$REGISTRY/app:1.0.0")
        .with("repository", "app")
        .with("docker-config", "outside/docker")
        .with("scan", "outside/scan.yml")
        .with("task-definition", "task.json")
        .with("codedeploy-appspec", "/etc/hostname")
        .with("create-repository", "/dev/zero")
        .with("smoke-tests", "smoke.yml")
        .with("analysis", "analysis.yml")
        .with("test-url", "$TEST");
    let run = Story::codedeploy().run(action).await;
    assert_eq!((run.code, run.calls.len()), (Some(2), 0), "{}", run.text());
    assert_snapshot!(run.ending(), @"
    exit code 2
    ---
    Nothing was touched: the inputs have 9 problems
    ::error title=input refused::create-repository: /dev/zero cannot be read (it is outside the workspace); tried /dev/zero, [temp]/zero, [workspace]/zero
      hint: use true, false, a mapping such as { scan-on-push: true, keep: 30 }, or the path of a file with one
    ::error title=input refused::docker-config: outside/docker cannot be read (it is outside the workspace); tried [workspace]/outside/docker
      hint: give the folder or the file of a Docker configuration in the workspace
    ::error title=input refused::scan: outside/scan.yml cannot be read (it is outside the workspace); tried [workspace]/outside/scan.yml
      hint: give a severity, inline YAML, or the path of a file that the job has checked out
    ::error title=input refused::task-definition: task.json cannot be read (it is outside the workspace); tried [workspace]/task.json
      hint: give the path of a file that the job has checked out or rendered
    ::error title=input refused,file=smoke.yml,line=2,col=40::smoke-tests: smoke.yml:2:40: `file`: `environment` cannot be read (it is outside the workspace); tried [workspace]/environment
      hint: Write the path of a file that the job has checked out
    ::error title=input refused,file=smoke.yml,line=3,col=58::smoke-tests: smoke.yml:3:58: `json-schema`: `/etc/hostname` cannot be read (it is outside the workspace); tried /etc/hostname, [workspace]/hostname
      hint: Write the path of a file that the job has checked out
    ::error title=input refused,file=smoke.yml,line=4,col=41::smoke-tests: smoke.yml:4:41: `file`: `.git/config` cannot be read (it is in .git, where checkouts keep credentials); tried [workspace]/.git/config
      hint: Write the path of a file that the job has checked out
    ::error title=input refused::analysis: analysis.yml cannot be read (it is a pipe); tried [workspace]/analysis.yml
      hint: give presets such as `error-rate < 5 %`, inline YAML, or the path of a file that the job has checked out
    ::error title=input refused::codedeploy-appspec: /etc/hostname cannot be read (it is outside the workspace); tried /etc/hostname, [temp]/hostname, [workspace]/hostname
      hint: give the path of a file of the job, or leave it out to have it built from the service
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_image_comes_from_outside_of_the_workspace() {
    for image in [
        "oci:../elsewhere",
        "oci-archive:/etc/hostname",
        "docker-archive:link.tar",
    ] {
        let action = Action::to_service()
            .file("../elsewhere/index.json", "{}")
            .link("link.tar", "../elsewhere/index.json");
        let run = Story::codedeploy()
            .run(
                action
                    .with("image", image)
                    .with("repository", "app")
                    .with("tags", "1"),
            )
            .await;
        assert_eq!((run.code, run.calls.len()), (Some(2), 0), "{}", run.text());
        assert!(
            run.ending()
                .contains("cannot be read (it is outside the workspace)"),
            "{}",
            run.ending()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_at_a_path_of_the_host_is_found_in_the_workspace_and_in_the_temporary_folder() {
    let mut play = Story::codedeploy().begin().await;
    let archive = play.temp().join("image.tar");
    let packed = std::process::Command::new("tar")
        .arg("-C")
        .arg(layout("1.1.0"))
        .arg("-cf")
        .arg(&archive)
        .arg(".")
        .status()
        .expect("tar");
    // 1: another test has linked a blob meanwhile, which changes no content.
    assert!(matches!(packed.code(), Some(0 | 1)));
    let action = || Action::deploy("1.1.0");
    let from_archive = play
        .act(action().with("image", "oci-archive:/home/runner/work/_temp/image.tar"))
        .await;
    let from_layout = play
        .act(action().with("image", "oci:/home/runner/work/api/api/images/1.1.0"))
        .await;
    play.end().await;
    assert_eq!(
        from_archive.output("outcome"),
        "deployed",
        "{}",
        from_archive.ending()
    );
    assert_eq!(from_layout.code, Some(0), "{}", from_layout.ending());
    assert_eq!(
        from_archive.output("image-digest"),
        from_layout.output("image-digest")
    );
}
