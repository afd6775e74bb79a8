//! The form's JSON Schema, for editors: the shape of the document as users write it.
//!
//! Only tests need it: they write it to the repository and hold its keys against those that `parse`
//! knows, so that neither can have a key that the other lacks.
#![expect(
    dead_code,
    clippy::large_enum_variant,
    clippy::struct_field_names,
    reason = "the types are read by their derive only"
)]

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Number, Value};

use crate::schema::{OneOrMore, Span};

/// What is measured while traffic shifts, and what it is held against.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum AnalysisInput {
    /// Presets, with commas between them.
    Presets(String),
    /// A list of presets.
    List(Vec<Preset>),
    Document(Analysis),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct Analysis {
    /// What checks take over when they say nothing themselves.
    defaults: Option<Defaults>,
    /// Where Prometheus and Datadog are, by names of your own.
    providers: Option<BTreeMap<String, Provider>>,
    /// Checks of the load balancer's metrics that need no configuration.
    #[schemars(length(min = 1))]
    presets: Option<Vec<Preset>>,
    /// Metrics of your own.
    #[schemars(length(min = 1))]
    metrics: Option<Vec<Metric>>,
    /// Patterns that are counted in logs.
    #[schemars(length(min = 1))]
    logs: Option<Vec<Log>>,
    on_inconclusive: Option<OnInconclusive>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
struct Run {
    /// When it is measured; at steps and in the bake when absent.
    on: Option<OneOrMore<Moment>>,
    /// From one measurement to the next; 60s when absent, at least 5s.
    interval: Option<Span>,
    /// Before the first measurement.
    initial_delay: Option<Span>,
    /// So many measurements.
    #[schemars(range(min = 1))]
    count: Option<u32>,
    /// The grain of CloudWatch's points: whole minutes, or 1s, 5s, 10s, 20s or 30s for metrics of
    /// high resolution; 60s when absent.
    period: Option<Span>,
    /// What is younger may still change, and is not asked for.
    delay: Option<Span>,
    /// Only the newest so much is judged.
    window: Option<Span>,
    /// More failed measurements fail the check; -1: they never do.
    #[schemars(range(min = -1))]
    failure_limit: Option<i32>,
    /// More inconclusive measurements make the check inconclusive.
    inconclusive_limit: Option<u32>,
    /// More errors in a row make it an error; 4 when absent.
    consecutive_error_limit: Option<u32>,
    /// So many successes in a row end it well; 0: they do not.
    consecutive_success_limit: Option<u32>,
    /// Measured and shown, decides nothing.
    dry_run: Option<bool>,
    /// Whether it decides alone; true when absent.
    critical: Option<bool>,
    /// What a measurement without data is; inconclusive when absent.
    no_data: Option<NoData>,
    /// Fewer requests are inconclusive.
    min_request_volume: Option<u32>,
    on_inconclusive: Option<OnInconclusive>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Defaults {
    #[schemars(flatten)]
    run: Run,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Preset {
    /// `error-rate < 5 %`, `success-rate > 99 %`, `p99 < 1 s`, `requests > 500`, `green no worse
    /// than blue`
    Words(String),
    Mapping(PresetWithKeys),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct PresetWithKeys {
    preset: String,
    /// Words for the log; the preset itself when absent.
    name: Option<String>,
    #[schemars(flatten)]
    run: Run,
}

/// A service that is asked with queries of its own: prometheus or datadog.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case", extend("oneOf" = [{ "required": ["prometheus"] }, { "required": ["datadog", "api-key", "application-key"] }]))]
struct Provider {
    /// The base URL, before `/api/v1/query`.
    prometheus: Option<String>,
    /// Headers that are sent.
    headers: Option<BTreeMap<String, String>>,
    /// The region for which requests are signed (Amazon Managed Service for Prometheus).
    sigv4: Option<String>,
    /// The site: `datadoghq.eu`.
    datadog: Option<String>,
    api_key: Option<String>,
    application_key: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct Metric {
    /// Words for the log and the summary; each check has its own.
    name: String,
    cloudwatch: Option<CloudWatch>,
    prometheus: Option<Query>,
    datadog: Option<Query>,
    http: Option<Http>,
    /// Errors; with `requests`, the result is errors of requests in percent.
    errors: Option<Source>,
    requests: Option<Source>,
    /// What counts requests for `min-request-volume`; the load balancer when absent.
    volume: Option<Source>,
    /// From points to the result; last when absent.
    reduce: Option<Reduce>,
    /// A threshold: `< 5`, `>= 99 %`.
    success: Option<String>,
    /// An expression over `result` (or `green`) and `blue`.
    success_condition: Option<String>,
    failure_condition: Option<String>,
    threshold_range: Option<Range>,
    compare: Option<Compare>,
    #[schemars(flatten)]
    run: Run,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1, "maxProperties" = 1))]
struct Source {
    cloudwatch: Option<CloudWatch>,
    prometheus: Option<Query>,
    datadog: Option<Query>,
    http: Option<Http>,
}

/// A metric, or metric math over `metrics`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("oneOf" = [{ "required": ["namespace", "metric", "stat"] }, { "required": ["metrics", "expression"] }]))]
struct CloudWatch {
    namespace: Option<String>,
    metric: Option<String>,
    stat: Option<String>,
    dimensions: Option<BTreeMap<String, Text>>,
    /// Metrics by the id that the expression knows.
    #[schemars(length(min = 1))]
    metrics: Option<BTreeMap<String, CloudWatchMetric>>,
    /// Metric math.
    expression: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct CloudWatchMetric {
    namespace: String,
    metric: String,
    stat: String,
    dimensions: Option<BTreeMap<String, Text>>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Query {
    /// One of `providers`; may be left out where there is only one.
    provider: Option<String>,
    query: String,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Http {
    url: String,
    /// `JSONPath` (RFC 9535) to a number or to many.
    path: String,
    headers: Option<BTreeMap<String, String>>,
    /// With a body it is a POST.
    body: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
struct Range {
    min: Option<Number>,
    max: Option<Number>,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
enum Compare {
    To(Blue),
    How(Comparison),
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct Comparison {
    to: Option<Blue>,
    /// Which difference is bad; increase when absent.
    direction: Option<Direction>,
    test: Option<Test>,
    /// Green may be so many times blue; 1.25 when absent.
    #[schemars(range(min = 1))]
    allowed_increase: Option<f64>,
    /// How often an equal green may be called worse; 0.05 when absent.
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 0.5))]
    alpha: Option<f64>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "kebab-case")]
struct Log {
    /// Words for the log and the summary; each check has its own.
    name: String,
    /// A filter pattern of CloudWatch Logs.
    pattern: String,
    /// Log groups; those of the containers when absent.
    groups: Option<Vec<String>>,
    /// So many lines are put up with; 0 when absent.
    at_most: Option<u32>,
    compare: Option<Blue>,
    #[schemars(range(min = 1))]
    allowed_increase: Option<f64>,
    #[schemars(extend("exclusiveMinimum" = 0, "maximum" = 0.5))]
    alpha: Option<f64>,
    #[schemars(flatten)]
    run: Run,
}

/// A text, in which `${target-group}`, `${revision}`, `${env.NAME}` and others stand for their
/// values.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Text {
    Words(String),
    Number(Number),
    Boolean(bool),
}

/// A type whose words are those of a table that the reader has.
macro_rules! words {
    ($name:ident, $words:expr) => {
        struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let words: Vec<&str> = $words.iter().map(|(word, _)| *word).collect();
                schemars::json_schema!({ "type": "string", "enum": words })
            }
        }
    };
}

words!(Moment, crate::moment::MOMENTS);
words!(NoData, super::parse::words::NO_DATA);
words!(OnInconclusive, super::parse::words::ON_INCONCLUSIVE);
words!(Reduce, super::parse::words::REDUCE);
words!(Direction, super::parse::words::DIRECTIONS);
words!(Test, super::parse::words::TESTS);
words!(Blue, [("blue", ())]);

/// The schema as it stands in the repository.
pub fn schema() -> Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12();
    settings
        .into_generator()
        .into_root_schema_for::<AnalysisInput>()
        .to_value()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::analysis::parse::keys::{
        ANALYSIS_KEYS, CLOUDWATCH_KEYS, CLOUDWATCH_METRIC_KEYS, COMPARE_KEYS, HTTP_KEYS, LOG_KEYS,
        METRIC_KEYS, PRESET_KEYS, PROVIDER_KEYS, QUERY_KEYS, RANGE_KEYS, RUN_KEYS, SOURCE_KEYS,
    };

    #[test]
    fn the_schema_and_the_reader_know_the_same_keys() {
        let schema = schema();
        let table: [(&str, &[&[&str]]); 12] = [
            ("Analysis", &[ANALYSIS_KEYS]),
            ("Defaults", &[RUN_KEYS]),
            ("Provider", &[PROVIDER_KEYS]),
            ("PresetWithKeys", &[PRESET_KEYS, RUN_KEYS]),
            ("Metric", &[METRIC_KEYS, RUN_KEYS]),
            ("Log", &[LOG_KEYS, RUN_KEYS]),
            ("Source", &[SOURCE_KEYS]),
            ("CloudWatch", &[CLOUDWATCH_KEYS]),
            ("CloudWatchMetric", &[CLOUDWATCH_METRIC_KEYS]),
            ("Query", &[QUERY_KEYS]),
            ("Http", &[HTTP_KEYS]),
            ("Comparison", &[COMPARE_KEYS]),
        ];
        for (name, keys) in table {
            let known: BTreeSet<&str> = schema["$defs"][name]["properties"]
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            assert_eq!(known, keys.concat().into_iter().collect(), "{name}");
        }
        assert_eq!(
            schema["$defs"]["Range"]["properties"]
                .as_object()
                .unwrap()
                .len(),
            RANGE_KEYS.len()
        );
    }
}
