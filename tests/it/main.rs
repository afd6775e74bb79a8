//! Stories: the real binary, started as the runner starts it, on a stage that plays AWS.
//!
//! Each story is one function whose name is the promise, with one snapshot of what a person would
//! see. The harness asserts in every story what holds for all: no secret anywhere, no command of a
//! stranger, no failed request of a user.
#![cfg(test)]
#![expect(
    clippy::too_many_lines,
    reason = "a story is as long as what a person would read of it"
)]

mod analysis;
mod backups;
mod bad_input;
mod bake;
mod by_hand;
mod cancelled;
mod changed_by_hand;
mod checks;
mod cleanup_mode;
mod codedeploy;
mod config_file;
mod contracts;
mod databases;
mod definitions;
mod documents_trust;
mod drift;
mod ecs;
mod ecs_cancelled;
mod ecs_failures;
mod ecs_kinds;
mod ecs_marks;
mod ecs_others;
mod ecs_permissions;
mod ecs_requests;
mod ecs_switches;
mod ecs_unread;
mod files;
mod first_user;
mod gates;
mod harness;
mod image;
mod image_platform;
mod image_repository;
mod image_sources;
mod image_tags;
mod imports;
mod injection;
mod live_weights;
mod lost_answers;
mod masking;
mod migrations;
mod migrations_of_others;
mod mistakes;
mod modes;
mod network_faults;
mod never_healthy;
mod one_off_race;
mod one_off_task;
mod permissions;
mod plan_comment;
mod plan_mode;
mod post;
mod race;
mod registry;
mod roles;
mod rolled_back;
mod rolling;
mod scan;
mod schedules;
mod several_runs;
mod smoke_mode;
mod sources;
mod stale_reads;
mod testers;
mod testers_task;
mod two_roles;
mod unwind_matrix;
mod verify_mode;
mod verify_prerequisites;
