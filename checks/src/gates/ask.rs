//! Asks PagerDuty, Statuspage and other services that answer in JSON, whether they know of an
//! incident.
//!
//! One request for each, at most ten seconds and 1 MiB, no redirects, never to an address that only
//! the runner should reach. No message has a secret in it.

use std::time::Duration;

use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Client, Method, Request};
use serde_json::Value;
use url::Url;

use super::finding::GateFinding;
use super::form::{IncidentQuery, IncidentSource, Indicator, OpenConditions, PagerDutyQuery};
use crate::analysis::ask::source_client::{QueryFailure, SourceClient, parse_base_url, set_header};
use crate::analysis::ask::{Access, build_client};
use crate::scrub::{mask, to_one_line};
use crate::secret::Secret;
use crate::smoke::evaluate_document;
use crate::template::Values;

/// What PagerDuty's REST API asks for.
const PAGERDUTY_MEDIA_TYPE: &str = "application/vnd.pagerduty+json;version=2";
/// Incidents that nobody has resolved.
const OPEN_STATUSES: [&str; 2] = ["triggered", "acknowledged"];
/// How many incidents are named.
const MAX_NAMED: usize = 5;
/// Longer titles of incidents are cut.
const MAX_TITLE: usize = 120;
/// Selecting from the largest answer takes milliseconds; only a malicious path takes longer.
const EVALUATE_TIMEOUT: Duration = Duration::from_secs(5);
/// What opens a gate that an incident closes.
const RESOLVED: &str = "when the incident is resolved";

/// Whether a source knows of an incident.
pub async fn ask_incidents(source: &IncidentSource, values: &Values) -> GateFinding {
    let client = match build_client() {
        Ok(client) => client,
        Err(why) => return GateFinding::unreadable(why, "check the runner's certificates"),
    };
    let found = match &source.0 {
        IncidentQuery::PagerDuty(query) => ask_pagerduty(&client, query, values).await,
        IncidentQuery::Statuspage { url, at_most } => ask_statuspage(&client, url, *at_most).await,
        IncidentQuery::Http {
            url,
            headers,
            open_when,
            ..
        } => {
            let headers: Vec<(String, Secret)> = headers
                .iter()
                .map(|(name, value)| (name.clone(), Secret::new(value.render(values))))
                .collect();
            ask_json(&client, (&url.render(values), &headers), open_when, values).await
        }
    };
    found.unwrap_or_else(|failure| GateFinding::unreadable(failure.message, remedy(failure.access)))
}

fn remedy(access: Access) -> &'static str {
    match access {
        Access::Denied => "check the token, and what it may read",
        Access::Granted => "check the address, and whether this runner may reach it",
    }
}

async fn ask_pagerduty(
    client: &Client,
    asked_for: &PagerDutyQuery,
    values: &Values,
) -> Result<GateFinding, QueryFailure> {
    let mut address = below(&asked_for.url, &["incidents"])?;
    {
        let mut query = address.query_pairs_mut();
        let services = &asked_for.services;
        query.extend_pairs(OPEN_STATUSES.map(|status| ("statuses[]", status)));
        query.extend_pairs(services.iter().map(|service| ("service_ids[]", service)));
        query.extend_pairs(asked_for.urgency.map(|urgency| ("urgencies[]", urgency)));
        query.append_pair("limit", "100");
    }
    let token = Secret::new(format!("Token token={}", asked_for.token.render(values)));
    let mut request = Request::new(Method::GET, address);
    set_header(&mut request, "authorization", &token)?;
    request
        .headers_mut()
        .insert(ACCEPT, HeaderValue::from_static(PAGERDUTY_MEDIA_TYPE));
    let asked = SourceClient::new(client, request.url(), [&token]);
    let answer = asked.fetch_json(request, pagerduty_error).await?;
    let Some(incidents) = answer["incidents"].as_array() else {
        return Err(asked.message("the answer has no list of incidents").into());
    };
    let title = |incident: &Value| {
        let number = incident["incident_number"].as_u64();
        let number = number
            .map(|number| format!("#{number} "))
            .unwrap_or_default();
        let title = incident["title"].as_str().unwrap_or("without a title");
        format!("{number}{}", to_title(title))
    };
    Ok(from_incidents(
        &incidents.iter().map(title).collect::<Vec<_>>(),
    ))
}

/// `{"error": {"message": …}}`
fn pagerduty_error(answer: &Value) -> Option<String> {
    answer["error"]["message"].as_str().map(str::to_owned)
}

fn from_incidents(titles: &[String]) -> GateFinding {
    match titles {
        [] => GateFinding::open("no incident is open"),
        [only] => GateFinding::closed(format!("an incident is open: {only}"), RESOLVED),
        several => GateFinding::closed(
            format!(
                "{} incidents are open: {}",
                several.len(),
                join_some(several)
            ),
            "when they are resolved",
        ),
    }
}

fn join_some(titles: &[String]) -> String {
    let shown = titles.iter().take(MAX_NAMED).cloned().collect::<Vec<_>>();
    let more = match titles.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    format!("{}{more}", shown.join("; "))
}

async fn ask_statuspage(
    client: &Client,
    url: &str,
    at_most: Indicator,
) -> Result<GateFinding, QueryFailure> {
    let request = Request::new(Method::GET, below(url, &["api", "v2", "summary.json"])?);
    let asked = SourceClient::new(client, request.url(), []);
    let answer = asked.fetch_json(request, |_| None).await?;
    let word = answer["status"]["indicator"].as_str().unwrap_or_default();
    let described = answer["status"]["description"].as_str().unwrap_or(word);
    let described = to_title(described);
    let indicator = Indicator::WORDS.iter().find(|(known, _)| *known == word);
    let Some((_, indicator)) = indicator else {
        return Err(asked
            .message("the answer is not a summary of Statuspage")
            .into());
    };
    if *indicator <= at_most {
        return Ok(GateFinding::open(described));
    }
    let names: Vec<String> = answer["incidents"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|incident| incident["name"].as_str())
        .map(to_title)
        .collect();
    let named = match names.as_slice() {
        [] => String::new(),
        names => format!(" ({})", join_some(names)),
    };
    Ok(GateFinding::closed(
        format!("{described}: {word}{named}"),
        RESOLVED,
    ))
}

async fn ask_json(
    client: &Client,
    (url, headers): (&str, &[(String, Secret)]),
    open_when: &OpenConditions,
    values: &Values,
) -> Result<GateFinding, QueryFailure> {
    let mut request = Request::new(Method::GET, parse_base_url(url)?);
    for (name, value) in headers {
        set_header(&mut request, name, value)?;
    }
    let asked = SourceClient::new(
        client,
        request.url(),
        headers.iter().map(|(_, value)| value),
    );
    let answer = asked.fetch_json(request, |_| None).await?;
    let unmet = evaluate(open_when, answer, values)
        .await
        .map_err(|why| asked.message(&why))?;
    Ok(match unmet.as_slice() {
        [] => GateFinding::open("its conditions are met"),
        unmet => GateFinding::closed(unmet.join("; "), "when its conditions are met"),
    })
}

/// The conditions that are not met, as phrases; on a blocking thread, because a slow path must not
/// delay a signal.
async fn evaluate(
    conditions: &OpenConditions,
    answer: Value,
    values: &Values,
) -> Result<Vec<String>, String> {
    let (conditions, values) = (conditions.0.clone(), values.clone());
    let work = tokio::task::spawn_blocking(move || {
        evaluate_document(&conditions, &answer, &values)
            .iter()
            .map(|unmet| {
                let found = to_one_line(&unmet.found, MAX_TITLE);
                format!("{}: expected {}, found {found}", unmet.what, unmet.expected)
            })
            .collect()
    });
    match tokio::time::timeout(EVALUATE_TIMEOUT, work).await {
        Ok(Ok(unmet)) => Ok(unmet),
        Ok(Err(_)) => Err("the conditions cannot be evaluated".to_owned()),
        Err(_) => Err(format!(
            "the conditions cost more than {} s on this answer",
            EVALUATE_TIMEOUT.as_secs()
        )),
    }
}

/// A title of somebody else, made safe to show.
fn to_title(text: &str) -> String {
    to_one_line(&mask(text), MAX_TITLE)
}

/// A URL below a base.
fn below(base: &str, path: &[&str]) -> Result<Url, String> {
    let mut url = parse_base_url(base)?;
    url.path_segments_mut()
        .map_err(|()| "the URL cannot have a path".to_owned())?
        .pop_if_empty()
        .extend(path);
    Ok(url)
}
