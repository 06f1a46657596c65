//! named's log: one line as a value, passed on to this server's log under the target `named`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// The number of recent problems that are kept for an error message.
const KEPT: usize = 8;

/// How bad a line is, in named's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Severity {
    Error,
    Warning,
    Notice,
    Info,
    Debug,
}

/// `CATEGORY: SEVERITY: MESSAGE`, possibly after a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) category: &'a str,
    pub(super) severity: Severity,
    pub(super) message: &'a str,
}

impl<'a> Line<'a> {
    /// What is not in that form is a complaint: the loader's, or `setpriv`'s.
    pub(super) fn parse(text: &'a str) -> Line<'a> {
        let text = without_time(text);
        let unknown = Line { category: "", severity: Severity::Error, message: text };
        let Some((category, rest)) = text.split_once(": ") else { return unknown };
        let Some((severity, message)) = rest.split_once(": ") else { return unknown };
        let severity = match severity {
            "critical" | "error" => Severity::Error,
            "warning" => Severity::Warning,
            "notice" => Severity::Notice,
            "info" => Severity::Info,
            other if other.starts_with("debug") => Severity::Debug,
            _ => return unknown,
        };
        Line { category, severity, message }
    }

    /// Passes it on. named's `info` says what it does all day, so it is worth less here.
    pub(super) fn trace(&self) {
        let Line { category, message, .. } = self;
        match self.severity {
            Severity::Error => tracing::error!(target: "named", category, "{message}"),
            Severity::Warning => tracing::warn!(target: "named", category, "{message}"),
            Severity::Notice => tracing::info!(target: "named", category, "{message}"),
            Severity::Info => tracing::debug!(target: "named", category, "{message}"),
            Severity::Debug => tracing::trace!(target: "named", category, "{message}"),
        }
    }
}

/// The last complaints. Cheap to clone; clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail(Arc<Mutex<VecDeque<String>>>);

impl Tail {
    pub(super) fn push(&self, line: &Line<'_>) {
        if matches!(line.severity, Severity::Error | Severity::Warning) {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() == KEPT {
                kept.pop_front();
            }
            kept.push_back(line.message.to_owned());
        }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// Before its configuration is read, named writes `21-Nov-2026 18:39:42.970` before each line.
fn without_time(text: &str) -> &str {
    let mut parts = text.splitn(3, ' ');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(date), Some(time), Some(rest))
            if date.len() == 11 && date.starts_with(|c: char| c.is_ascii_digit()) && time.split(':').count() == 3 =>
        {
            rest
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_with_and_without_time() {
        for (text, category, severity, message) in [
            ("general: notice: running", "general", Severity::Notice, "running"),
            ("zoneload: error: zone a.test/IN: x: y", "zoneload", Severity::Error, "zone a.test/IN: x: y"),
            ("21-Nov-2026 18:39:42.970 config: error: a.conf:1: b", "config", Severity::Error, "a.conf:1: b"),
            ("general: debug 1: x", "general", Severity::Debug, "x"),
            ("general: critical: exiting", "general", Severity::Error, "exiting"),
            (
                "setpriv: failed to execute named: Permission denied",
                "",
                Severity::Error,
                "setpriv: failed to execute named: Permission denied",
            ),
            ("", "", Severity::Error, ""),
        ] {
            assert_eq!(Line::parse(text), Line { category, severity, message }, "{text}");
        }
    }

    #[test]
    fn only_the_last_complaints_are_kept() {
        let tail = Tail::default();
        for number in 0..20 {
            tail.push(&Line { category: "", severity: Severity::Error, message: &number.to_string() });
            tail.push(&Line::parse("general: info: nothing"));
        }
        assert_eq!(tail.lines(), ["12", "13", "14", "15", "16", "17", "18", "19"]);
    }
}
