//! The row of a version, in the history and in the list of changes that other users made meanwhile.

use dns::Serial;
use forms::TypedSettings;
use store::{Counts, Event, Source, Version, ZoneSettings};

use super::setting_names::{label, members};
use crate::texts::minute;
use crate::texts::zones::ZoneTexts;

/// A version as lists show it.
#[derive(Debug, Clone)]
pub(super) struct VersionRow {
    pub(super) serial: Serial,
    pub(super) is_newest: bool,
    pub(super) time: String,
    pub(super) event: &'static str,
    pub(super) by: String,
    pub(super) address: String,
    pub(super) source: &'static str,
    pub(super) comment: String,
    pub(super) counts: Counts,
    /// The settings that it changed: what each is, and was, and became.
    pub(super) settings: Vec<(&'static str, String, String)>,
}

impl VersionRow {
    pub(super) fn new(version: &Version, newest: Serial, z: &'static ZoneTexts) -> VersionRow {
        let by = version.by.as_ref();
        VersionRow {
            serial: version.serial,
            is_newest: version.serial == newest,
            time: minute(version.time),
            event: match version.event {
                Event::Created => z.event_created,
                Event::Changed => "",
                Event::Deleted => z.event_deleted,
                Event::Undeleted => z.event_undeleted,
            },
            // The name is a token's, or the address again.
            by: by.map_or(String::new(), |by| {
                if by.name.is_empty() || by.name == by.email {
                    by.email.clone()
                } else {
                    format!("{} · {}", by.email, by.name)
                }
            }),
            address: by.and_then(|by| by.address).map(|address| address.to_string()).unwrap_or_default(),
            source: match version.source {
                Source::Api => z.source_api,
                Source::Operator => z.source_operator,
                Source::Server => z.source_server,
                Source::Dashboard => z.source_dashboard,
                Source::Import => z.source_import,
                Source::Rollback => z.source_rollback,
                Source::Undelete => z.source_undelete,
                Source::Rfc2136 => z.source_rfc2136,
                Source::DynDns => z.source_dyndns,
                Source::Acme => z.source_acme,
                Source::Pdns => z.source_pdns,
                Source::Webhook => z.source_webhook,
            },
            comment: version.comment.clone().unwrap_or_default(),
            counts: version.counts,
            settings: version.settings.as_ref().map(|between| settings(between, z)).unwrap_or_default(),
        }
    }

    /// How many were only added or only removed, and how many changed.
    pub(super) fn added(&self) -> u64 {
        self.counts.added.saturating_sub(self.counts.changed)
    }

    pub(super) fn removed(&self) -> u64 {
        self.counts.removed.saturating_sub(self.counts.changed)
    }
}

fn settings(
    (before, after): &(ZoneSettings, ZoneSettings),
    z: &'static ZoneTexts,
) -> Vec<(&'static str, String, String)> {
    let [before, after] = [before, after].map(TypedSettings::from_settings);
    let shown = |value: &str| if value.is_empty() { z.of_server.to_owned() } else { value.to_owned() };
    members(&before)
        .into_iter()
        .zip(members(&after))
        .filter(|((_, before), (_, after))| before != after)
        .map(|((name, before), (_, after))| (label(name, z), shown(before), shown(after)))
        .collect()
}
