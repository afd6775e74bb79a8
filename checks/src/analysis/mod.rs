//! Analysis: repeated measurements of metrics and logs while traffic shifts, held against conditions or against blue.
//!
//! Here is decided what is asked when, and what the answers come to; who asks AWS and others is the caller's business.

pub mod ask;
pub mod question;
