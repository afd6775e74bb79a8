//! Tables of the rendering.

use super::*;
use crate::documents::changes::ChangeInputs;

fn definition() -> Value {
    json!({
        "family": "api",
        "containerDefinitions": [
            { "name": "api", "image": "api:1", "command": ["old"], "environment": [{ "name": "A", "value": "1" }, { "name": "B", "value": "2" }],
              "environmentFiles": [{ "value": "arn:aws:s3:::b/old", "type": "s3" }], "newThing": { "kept": true } },
            { "name": "sidecar", "image": "sidecar:1", "essential": false },
        ],
    })
}

fn render_inputs(inputs: ChangeInputs<'_>) -> Value {
    render(&definition(), &Changes::from_inputs(&inputs).unwrap()).unwrap()
}

fn render_problem(definition: &Value, container_name: &str) -> Problem {
    let inputs = ChangeInputs {
        container_name,
        image: "api:2",
        ..ChangeInputs::default()
    };
    render(definition, &Changes::from_inputs(&inputs).unwrap())
        .unwrap_err()
        .remove(0)
}

#[test]
fn every_change_lands_in_the_only_essential_container() {
    let all = ChangeInputs {
        container_input: ContainerInput::Container,
        container_name: "",
        image: "api:2",
        environment_variables: "B=3\nC=4=5",
        secrets: "S=arn:aws:ssm:eu-central-1:123456789012:parameter/s",
        docker_labels: "k=v=w",
        log_driver: "awslogs",
        log_options: "awslogs-group=/ecs/api\nawslogs-region=eu-central-1",
        command: "run 'a b'",
        env_files: "arn:aws:s3:::b/new.env",
        task_role_arn: "arn:aws:iam::123456789012:role/task",
        execution_role_arn: "arn:aws:iam::123456789012:role/execution",
    };
    let expected = json!({
        "name": "api", "image": "api:2", "command": ["run", "a b"],
        "environment": [{ "name": "A", "value": "1" }, { "name": "B", "value": "3" }, { "name": "C", "value": "4=5" }],
        "environmentFiles": [{ "value": "arn:aws:s3:::b/new.env", "type": "s3" }],
        "newThing": { "kept": true },
        "secrets": [{ "name": "S", "valueFrom": "arn:aws:ssm:eu-central-1:123456789012:parameter/s" }],
        "dockerLabels": { "k": "v=w" },
        "logConfiguration": { "logDriver": "awslogs", "options": { "awslogs-group": "/ecs/api", "awslogs-region": "eu-central-1" } },
    });
    let rendered = render_inputs(all);
    assert_eq!(
        rendered["containerDefinitions"][0].to_string(),
        expected.to_string()
    );
    assert_eq!(
        rendered["containerDefinitions"][1],
        definition()["containerDefinitions"][1]
    );
    assert_eq!(
        rendered["taskRoleArn"],
        "arn:aws:iam::123456789012:role/task"
    );
    assert_eq!(
        rendered["executionRoleArn"],
        "arn:aws:iam::123456789012:role/execution"
    );
}

#[test]
fn a_name_that_is_set_leaves_the_other_list() {
    let definition = json!({ "family": "api", "containerDefinitions": [{
        "name": "api", "environment": [{ "name": "A", "value": "1" }],
        "secrets": [{ "name": "B", "valueFrom": "x" }, { "name": "C", "valueFrom": "y" }],
    }] });
    let render = |inputs: ChangeInputs<'_>| {
        render(&definition, &Changes::from_inputs(&inputs).unwrap()).unwrap()["containerDefinitions"][0].clone()
    };
    let both = render(ChangeInputs {
        secrets: "A=z",
        environment_variables: "B=2",
        ..ChangeInputs::default()
    });
    assert_eq!(both["environment"], json!([{ "name": "B", "value": "2" }]));
    assert_eq!(
        both["secrets"],
        json!([{ "name": "C", "valueFrom": "y" }, { "name": "A", "valueFrom": "z" }])
    );
    let moved = render(ChangeInputs {
        secrets: "A=z",
        ..ChangeInputs::default()
    });
    assert_eq!(moved.get("environment"), None);
    let twice = ChangeInputs {
        secrets: "A=z",
        environment_variables: "A=1",
        ..ChangeInputs::default()
    };
    assert_eq!(
        Changes::from_inputs(&twice).unwrap_err()[0].input,
        "secrets"
    );
}

#[test]
fn names_after_a_comma_are_trimmed_and_all_get_the_image() {
    let rendered = render_inputs(ChangeInputs {
        container_name: "api , sidecar",
        image: "x:9",
        ..ChangeInputs::default()
    });
    let images: Vec<_> = TaskDefinition(&rendered).images().collect();
    assert_eq!(images, [("api", "x:9"), ("sidecar", "x:9")]);
}

#[test]
fn without_any_change_the_definition_stays_as_it_is() {
    assert_eq!(
        render_inputs(ChangeInputs::default()).to_string(),
        definition().to_string()
    );
}

#[test]
fn a_container_that_is_not_there_is_named_with_those_that_are() {
    let problem = render_problem(&definition(), "api, web");
    assert_eq!(
        problem.to_string(),
        "container-name: Invalid task definition: Could not find container definition with matching name: `web`"
    );
    assert_eq!(
        problem.remedy,
        "The task definition has the containers api, sidecar"
    );
}

#[test]
fn without_a_name_there_must_be_one_container_that_is_meant() {
    let two = json!({"containerDefinitions": [{"name": "a"}, {"name": "b", "essential": true}]});
    assert_eq!(
        render_problem(&two, "").remedy,
        "Name one of the containers of the task definition: a, b"
    );
    let single = json!({"containerDefinitions": [{"name": "a", "essential": false}]});
    assert_eq!(
        choose_containers(TaskDefinition(&single), &[], ContainerInput::Container).unwrap(),
        ["a"]
    );
}
