//! A request as the document has it: its texts still contain variables.

use std::sync::Arc;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderName};

use crate::template::{JsonTemplate, Template, Values};

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestDestination {
    /// The side's URL.
    Side,
    /// The side's host, at this port, without TLS.
    PlainHttp(u16),
}

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(in crate::smoke) method: Method,
    /// Starts with `/`; joined to the side's URL.
    pub(crate) path: Template,
    /// Appended to the path's own.
    pub(in crate::smoke) query: Vec<(String, Template)>,
    pub(in crate::smoke) headers: Vec<(HeaderName, Template)>,
    pub(in crate::smoke) credential: Option<Credential>,
    /// Leads a request to green where both sides share an address; sent on green only.
    pub(in crate::smoke) test_header: Option<(HeaderName, Template)>,
    pub(in crate::smoke) body: RequestBody,
    pub(in crate::smoke) destination: RequestDestination,
}

impl Request {
    /// One without body, query and credential.
    pub(in crate::smoke) fn new(
        method: Method,
        path: Template,
        headers: Vec<(HeaderName, Template)>,
    ) -> Self {
        let (query, credential, test_header) = (Vec::new(), None, None);
        Self {
            method,
            path,
            query,
            headers,
            credential,
            test_header,
            body: RequestBody::None,
            destination: RequestDestination::Side,
        }
    }

    /// Method and path, made safe to show.
    pub(crate) fn describe(&self, values: &Values) -> String {
        let mut text = format!("{} {}", self.method, self.path.render_masked(values));
        let mut separator = if text.contains('?') { '&' } else { '?' };
        for (name, value) in &self.query {
            text = format!("{text}{separator}{name}={}", value.render_masked(values));
            separator = '&';
        }
        text
    }
}

/// The credential for the tested service. Never sent to another origin, whether it holds a variable
/// or not.
#[derive(Debug, Clone)]
pub(crate) enum Credential {
    Bearer(Template),
    Basic { user: Template, password: Template },
    ApiKey { header: HeaderName, value: Template },
}

impl Credential {
    /// The header it is sent in.
    pub(in crate::smoke) fn header_name(&self) -> HeaderName {
        match self {
            Self::Bearer(_) | Self::Basic { .. } => AUTHORIZATION,
            Self::ApiKey { header, .. } => header.clone(),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum RequestBody {
    None,
    Text(Template),
    Json(JsonTemplate),
    Form(Vec<(String, Template)>),
    /// A file's content as it is.
    File {
        content_type: &'static str,
        bytes: Arc<[u8]>,
    },
}

impl RequestBody {
    pub(in crate::smoke) fn holds_secret(&self) -> bool {
        match self {
            Self::None | Self::File { .. } => false,
            Self::Text(text) => text.holds_secret(),
            Self::Json(json) => json.holds_secret(),
            Self::Form(pairs) => pairs.iter().any(|(_, value)| value.holds_secret()),
        }
    }
}
