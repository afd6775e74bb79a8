//! What may be written, and how it is miswritten.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn read(text: &str) -> Result<StartGates, Vec<Problem>> {
    let variables = BTreeMap::from([("PAGERDUTY_TOKEN".to_owned(), "canary".to_owned())]);
    let environment = Environment {
        variables: &variables,
        exposed: None,
        plain: &BTreeSet::new(),
    };
    parse(text, "deploy/gates.yml", environment)
}

fn problems(text: &str) -> Vec<String> {
    let problems = read(text).err().unwrap_or_default();
    problems
        .iter()
        .map(|problem| format!("{problem} → {}", problem.remedy))
        .collect()
}

#[test]
fn every_gate_is_read() {
    let gates = read(
        r#"
wait: 15m
override: "  the shop is down:
  fix it  "
open-if-unreadable: [incidents, slo]
windows: { time-zone: Europe/Berlin, open: [{ days: [mon-thu, sat], hours: 09:00-16:00 }, { days: fri }] }
calendar: freeze
incidents:
  - pagerduty: { token: "${env.PAGERDUTY_TOKEN}", services: P1, urgency: high }
  - statuspage: https://status.example.com/
  - statuspage: { url: https://status.example.org, at-most: minor }
  - http: { url: https://ops.example.com/state, open-when: { $.open: true } }
slo: [availability, { name: latency, remaining: 20 % }]
backup: [{ rds: orders, younger-than: 24h }, { aurora: carts, younger-than: 1h }]
checks: { required: [build, test], ignore: lint }
deployed-in: { cluster: staging, service: api, for: 30m }
alarms-ok: [errors, latency]
blue-healthy: true
"#,
    )
    .unwrap();
    assert_eq!(gates.wait, Duration::from_mins(15));
    assert_eq!(
        gates.override_reason.as_deref(),
        Some("the shop is down: fix it")
    );
    let kinds = [GateKind::Incidents, GateKind::Slo];
    assert_eq!(gates.open_if_unreadable, kinds);
    let windows = gates.windows.as_ref().unwrap();
    assert_eq!(windows.open.len(), 2);
    assert_eq!(
        windows.open[0].days,
        [true, true, true, true, false, true, false]
    );
    assert_eq!((windows.open[1].from, windows.open[1].until), (0, 86_400));
    assert_eq!(gates.calendars, ["freeze"]);
    let names: Vec<&str> = gates.incidents.iter().map(IncidentSource::name).collect();
    let expected = [
        "PagerDuty",
        "status.example.com",
        "status.example.org",
        "ops.example.com",
    ];
    assert_eq!(names, expected);
    assert_eq!(gates.budgets[1].remaining_percent, Some(20.0));
    let sources: Vec<String> = gates
        .backups
        .iter()
        .map(|backup| backup.source.to_string())
        .collect();
    assert_eq!(sources, ["rds orders", "aurora carts"]);
    assert_eq!(gates.checks.as_ref().unwrap().required, ["build", "test"]);
    assert_eq!(gates.deployed_in[0].stayed_for, Duration::from_mins(30));
    assert_eq!(gates.alarms, ["errors", "latency"]);
    assert!(gates.blue_healthy);
    let used: Vec<&str> = gates.required_env().collect();
    assert_eq!(used, ["PAGERDUTY_TOKEN"]);
}

#[test]
fn the_document_that_the_page_shows_is_read() {
    let page = include_str!("../../../../docs/gates.md");
    let blocks = page.split("```yaml\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split("```").next());
    let documents: Vec<&str> = blocks
        .filter(|block| block.starts_with("# deploy"))
        .collect();
    assert_eq!(documents.len(), 1);
    let gates = read(documents[0]).unwrap();
    assert!(gates.windows.is_some() && gates.blue_healthy);
}

#[test]
fn an_empty_override_and_checks_that_are_off_are_none() {
    let gates = read("{ checks: false, alarms-ok: a, override: '' }").unwrap();
    assert_eq!((gates.checks, gates.override_reason), (None, None));
}

#[test]
fn mistakes_are_found_with_their_places() {
    let table: [(&str, &[&str]); 12] = [
        (
            "wait: 5m",
            &[
                "gates: deploy/gates.yml:1:1: There is no gate: none of windows, calendar, incidents, slo, backup, checks, deployed-in, alarms-ok, blue-healthy → Write at least one, or leave the input empty",
            ],
        ),
        (
            "{ windows: { time-zone: Europe/Berln }, wait: 15 }",
            &[
                "gates: deploy/gates.yml:1:25: `time-zone`: there is no time zone `Europe/Berln` → Did you mean `Europe/Berlin`?",
                "gates: deploy/gates.yml:1:47: `wait`: `15` is not a duration such as `250ms`, `90s`, `10m` or `1h30m` → Write a whole number with its unit: ms, s, m or h",
            ],
        ),
        (
            "{ windows: { open: { days: mon-fry, hours: 9-16 } } }",
            &[
                "gates: deploy/gates.yml:1:28: `days`: `fry` is no weekday → Did you mean `fri`? Known here: `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`",
                "gates: deploy/gates.yml:1:44: `hours`: `9-16` are no hours → Write hours such as `09:00-16:00`; `22:00-02:00` ends on the next day",
            ],
        ),
        (
            "{ windows: { freezes: [{ from: 2026-12-20, until: 2026-11-06 }, { from: 2026-02-30 }] } }",
            &[
                "gates: deploy/gates.yml:1:51: The freeze ends before it begins → Write an `until` that is not before `from`",
                "gates: deploy/gates.yml:1:65: An item of `freezes` has no `until` → Write `until:` with the last day",
                "gates: deploy/gates.yml:1:73: `from`: `2026-02-30` is no day → Write a day such as `2026-12-20`, or a time such as `2026-12-20 18:00`",
            ],
        ),
        (
            "{ incidents: { pagerduty: { token: \"${env.PAGERDUTY}\" }, statuspage: status.example.com } }",
            &[
                "gates: deploy/gates.yml:1:14: an item of `incidents` is exactly one of pagerduty, statuspage, http → Write an item of the list for each",
                "gates: deploy/gates.yml:1:36: `${env.PAGERDUTY}` is used, but the environment has no PAGERDUTY → set PAGERDUTY under `env:` of the step",
                "gates: deploy/gates.yml:1:70: `statuspage`: `status.example.com` is not a URL → Write `https://host/path`",
            ],
        ),
        (
            "{ incidents: { http: { url: http://169.254.169.254/latest, open-when: {} } } }",
            &[
                "gates: deploy/gates.yml:1:29: `url`: 169.254.169.254: a link-local or cloud metadata address, to which no document may send requests → Write the URL of the service that is to be asked",
                "gates: deploy/gates.yml:1:71: `open-when` has no condition → Write at least one, such as `$.open: 0`",
            ],
        ),
        (
            "{ slo: { name: a, remaining: 20 } }",
            &[
                "gates: deploy/gates.yml:1:30: `remaining`: `20` is not a share between 0 % and 100 % → Write a number and `%`, such as `20 %`",
            ],
        ),
        (
            "{ backup: { rds: orders, resource: orders, younger-than: 1d } }",
            &[
                "gates: deploy/gates.yml:1:11: an item of `backup` is exactly one of rds, aurora, resource → Write an item of the list for each",
                "gates: deploy/gates.yml:1:36: `resource`: `orders` is no ARN → Write the ARN of the resource that AWS Backup protects",
                "gates: deploy/gates.yml:1:58: `younger-than`: `1d` is not a duration such as `250ms`, `90s`, `10m` or `1h30m` → Write a whole number with its unit: ms, s, m or h",
            ],
        ),
        (
            "{ deployed-in: { for: 30m } }",
            &[
                "gates: deploy/gates.yml:1:16: an item of `deployed-in` names neither an environment nor a service → Write `environment:` with one of the input config, or `cluster:` and `service:`",
            ],
        ),
        (
            "{ open-if-unreadable: windows, alarm-ok: a, blue-healthy: yes please }",
            &[
                "gates: deploy/gates.yml:1:23: `open-if-unreadable` cannot be `windows` → Known here: `calendar`, `incidents`, `slo`, `backup`, `checks`, `deployed-in`, `alarms-ok`, `blue-healthy`",
                "gates: deploy/gates.yml:1:32: Unknown key `alarm-ok` in the gates → Did you mean `alarms-ok`? Known here: `wait`, `override`, `open-if-unreadable`, `windows`, `calendar`, `incidents`, `slo`, `backup`, `checks`, `deployed-in`, `alarms-ok`, `blue-healthy`",
                "gates: deploy/gates.yml:1:59: `blue-healthy` must be true or false, and is a text → Write `true` or `false`",
            ],
        ),
        (
            "{ wait: 7h, alarms-ok: ['', a] }",
            &[
                "gates: deploy/gates.yml:1:9: `wait` is longer than 6h, and so than a job lasts → Write a time such as `15m`",
                "gates: deploy/gates.yml:1:25: `alarms-ok` is empty → Write a text, or leave it out",
            ],
        ),
        (
            "{ incidents: { http: { url: https://ops.example.com, open-when: { $.version: \"${digest}\" } } } }",
            &[
                "gates: the gates use `${digest}`, which is not known before the start → compare with something else",
            ],
        ),
    ];
    for (text, expected) in table {
        assert_eq!(problems(text), expected, "{text}");
    }
}
