//! What became of the rows.

use std::cmp::Reverse;
use std::fmt;
use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use serde_json::{Value, json};

use super::{Failure, Row, ServiceError};

/// How many bytes of a body a report shows.
const SHOWN: usize = 2_000;

/// How many of the rows that fail for one reason are named.
const NAMED: usize = 5;

/// A request and what became of it, as text. It shows what was sent and received, codes and tokens included: a target
/// of the suite has nothing in it that matters.
#[derive(Clone, Debug)]
pub struct Exchange {
    request: String,
    response: String,
}

impl Exchange {
    pub(super) fn request_text(request: &Request<Bytes>) -> String {
        let line = format!("{} {} HTTP/1.1\n", request.method(), request.uri());
        message(line, request.headers(), request.body())
    }

    pub(super) fn new(request: String, answer: &Result<Response<Bytes>, ServiceError>) -> Self {
        let response = match answer {
            Ok(response) => message(format!("HTTP/1.1 {}\n", response.status()), response.headers(), response.body()),
            Err(error) => format!("no answer: {error}\n"),
        };
        Self { request, response }
    }

    /// What was asked for, without the query.
    fn operation(&self) -> &str {
        let line = self.request.lines().next().unwrap_or_default();
        line.split('?').next().unwrap_or_default().trim_end_matches(" HTTP/1.1")
    }

    /// What was sent.
    #[must_use]
    pub fn request(&self) -> &str {
        &self.request
    }

    /// What came back.
    #[must_use]
    pub fn response(&self) -> &str {
        &self.response
    }
}

fn message(mut text: String, headers: &HeaderMap, body: &[u8]) -> String {
    for (name, value) in headers {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{name}: {}", String::from_utf8_lossy(value.as_bytes()));
    }
    if !body.is_empty() {
        let shown = body.get(..SHOWN).unwrap_or(body);
        let _ = writeln!(text, "\n{}", String::from_utf8_lossy(shown));
        if shown.len() < body.len() {
            let _ = writeln!(text, "[{} bytes in all]", body.len());
        }
    }
    text
}

/// What became of one row.
#[derive(Clone, Debug)]
pub struct RowReport {
    row: &'static Row,
    result: Result<(), Failure>,
    exchanges: Vec<Exchange>,
}

/// The three ways in which a row ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "complete by design")]
pub enum Outcome {
    /// It holds.
    Passed,
    /// It does not.
    Failed,
    /// The target does without what the row is about.
    NotApplicable,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "pass",
            Self::Failed => "fail",
            Self::NotApplicable => "not applicable",
        }
    }
}

impl RowReport {
    pub(super) const fn new(row: &'static Row, result: Result<(), Failure>, exchanges: Vec<Exchange>) -> Self {
        Self { row, result, exchanges }
    }

    /// The row.
    #[must_use]
    pub const fn row(&self) -> &'static Row {
        self.row
    }

    /// Whether it holds.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        match &self.result {
            Ok(()) => Outcome::Passed,
            Err(failure) if failure.missing_feature().is_some() => Outcome::NotApplicable,
            Err(_) => Outcome::Failed,
        }
    }

    /// Why it does not hold, or was not asked.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        self.result.as_ref().err()
    }

    /// What was sent and received, in order.
    #[must_use]
    pub fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// Why it does not hold, and what was asked for last.
    fn reason(&self) -> String {
        let why = self.failure().map(ToString::to_string).unwrap_or_default();
        match self.exchanges.last() {
            Some(exchange) => format!("{why} (last: {})", exchange.operation()),
            None => why,
        }
    }

    fn to_json(&self) -> Value {
        let row = self.row;
        // What was said in a row that holds is of no interest, and there is much of it.
        let told = if self.outcome() == Outcome::Failed { self.exchanges.as_slice() } else { &[] };
        let exchanges: Vec<Value> =
            told.iter().map(|exchange| json!({ "request": exchange.request, "response": exchange.response })).collect();
        json!({
            "row": row.id(),
            "level": row.level().to_string(),
            "source": row.source(),
            "statement": row.statement(),
            "test": row.name(),
            "outcome": self.outcome().as_str(),
            "why": self.failure().map(ToString::to_string),
            "exchanges": exchanges,
        })
    }
}

/// A line for the row; if it failed, also why, and all that was said.
impl fmt::Display for RowReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (row, outcome) = (self.row, self.outcome());
        let (level, source) = (row.level().to_string(), row.source());
        writeln!(f, "{:<14}  {:<10}  {level:<6}  {source}: {}", outcome.as_str(), row.id(), row.statement())?;
        let Some(failure) = self.failure() else { return Ok(()) };
        writeln!(f, "                {failure}")?;
        if outcome == Outcome::Failed {
            for exchange in &self.exchanges {
                write_indented(f, "> ", exchange.request())?;
                write_indented(f, "< ", exchange.response())?;
            }
        }
        Ok(())
    }
}

fn write_indented(f: &mut fmt::Formatter<'_>, mark: &str, text: &str) -> fmt::Result {
    text.lines().try_for_each(|line| writeln!(f, "    {mark}{line}"))
}

/// What became of all rows, as text by `Display` and as JSON. The text ends with the reasons for which rows do not
/// hold, the most frequent first: one mistake breaks many rows.
#[derive(Clone, Debug)]
pub struct Report {
    issuer: String,
    rows: Vec<RowReport>,
}

impl Report {
    pub(super) const fn new(issuer: String, rows: Vec<RowReport>) -> Self {
        Self { issuer, rows }
    }

    /// The rows, in the order of the catalogue.
    #[must_use]
    pub fn rows(&self) -> &[RowReport] {
        &self.rows
    }

    /// The rows that do not hold.
    pub fn failed(&self) -> impl Iterator<Item = &RowReport> {
        self.rows.iter().filter(|row| row.outcome() == Outcome::Failed)
    }

    /// Why rows do not hold, and which: the most frequent reason first, since one mistake breaks many rows.
    fn reasons(&self) -> Vec<(String, Vec<&'static str>)> {
        let mut reasons: Vec<(String, Vec<_>)> = Vec::new();
        for row in self.failed() {
            let (reason, id) = (row.reason(), row.row().id());
            match reasons.iter_mut().find(|(own, _)| *own == reason) {
                Some((_, ids)) => ids.push(id),
                None => reasons.push((reason, vec![id])),
            }
        }
        reasons.sort_by_key(|(_, ids)| Reverse(ids.len()));
        reasons
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.rows.iter().filter(|row| row.outcome() == outcome).count()
    }

    /// The report as a JSON object: the issuer, a count of each outcome, the reasons for which rows do not hold, and
    /// the rows, those that failed with everything that was said.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let reasons: Vec<_> =
            self.reasons().into_iter().map(|(why, rows)| json!({ "why": why, "rows": rows })).collect();
        json!({
            "issuer": self.issuer,
            "passed": self.count(Outcome::Passed),
            "failed": self.count(Outcome::Failed),
            "not_applicable": self.count(Outcome::NotApplicable),
            "reasons": reasons,
            "rows": self.rows.iter().map(RowReport::to_json).collect::<Vec<_>>(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "The protocol suite at {}", self.issuer)?;
        self.rows.iter().try_for_each(|row| row.fmt(f))?;
        for (reason, ids) in self.reasons() {
            let named = ids.get(..NAMED).unwrap_or(&ids).join(", ");
            let others = if ids.len() > NAMED { ", and others" } else { "" };
            writeln!(f, "{:>4} x {reason}: {named}{others}", ids.len())?;
        }
        let [passed, failed, skipped] =
            [Outcome::Passed, Outcome::Failed, Outcome::NotApplicable].map(|outcome| self.count(outcome));
        writeln!(f, "{passed} rows passed, {failed} failed, {skipped} do not apply")
    }
}
