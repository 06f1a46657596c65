//! What is set for a zone as a whole, beside its records.

use dns::apex::SoaTimers;
use dns::change::Limits;
use dns::{Fault, Ttl, message};

use crate::{Comment, Zone};

/// A zone's own settings; what is `None` is the server's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ZoneSettings {
    /// The TTL of a record for which nobody says one, from now on.
    pub default_ttl: Option<Ttl>,
    /// The SOA's timers, in seconds: see [`SoaTimers`].
    pub refresh: Option<u32>,
    /// As `refresh`.
    pub retry: Option<u32>,
    /// As `refresh`.
    pub expire: Option<u32>,
    /// As `refresh`.
    pub minimum: Option<u32>,
    /// What its owner has to say about it.
    pub comment: Option<Comment>,
}

/// What is to be another about a zone's settings. The outer `None`: it stays; the inner: the server's again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in ZoneSettings")]
pub struct SettingsChange {
    pub default_ttl: Option<Option<Ttl>>,
    pub refresh: Option<Option<u32>>,
    pub retry: Option<Option<u32>>,
    pub expire: Option<Option<u32>>,
    pub minimum: Option<Option<u32>>,
    pub comment: Option<Option<Comment>>,
}

/// The settings that a zone has, its own or the server's.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "as in ZoneSettings")]
pub struct EffectiveSettings {
    pub default_ttl: Ttl,
    pub timers: SoaTimers,
    pub comment: Option<Comment>,
}

/// A zone's own settings, and the values that apply where it has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnSettings {
    /// The zone at that moment.
    pub zone: Zone,
    /// What is set for it.
    pub own: ZoneSettings,
    /// What it would have if nothing were.
    pub server: EffectiveSettings,
}

/// From and to how many seconds each timer may be set. Outside, a zone is asked about all the time, or is forgotten by its
/// secondaries over a weekend (RFC 1912, section 2.2; RFC 2308, section 5).
pub const TIMER_BOUNDS: [(&str, u32, u32); 4] = [
    ("refresh", 60, 30 * 24 * 3600),
    ("retry", 60, 30 * 24 * 3600),
    ("expire", 24 * 3600, 365 * 24 * 3600),
    ("minimum", 0, 24 * 3600),
];

impl ZoneSettings {
    /// What they come to on a server with these defaults.
    pub fn effective(&self, server: SoaTimers, limits: &Limits) -> EffectiveSettings {
        EffectiveSettings {
            default_ttl: Limits { default_ttl: self.default_ttl.unwrap_or(limits.default_ttl), ..*limits }
                .default_ttl(),
            timers: self.timers(server),
            comment: self.comment.clone(),
        }
    }

    /// The SOA's timers on a server with these.
    pub fn timers(&self, server: SoaTimers) -> SoaTimers {
        SoaTimers {
            refresh: self.refresh.unwrap_or(server.refresh),
            retry: self.retry.unwrap_or(server.retry),
            expire: self.expire.unwrap_or(server.expire),
            minimum: self.minimum.unwrap_or(server.minimum),
        }
    }

    /// All faults of settings that are to be stored.
    pub(crate) fn faults(&self, server: SoaTimers, limits: &Limits) -> Vec<(usize, Fault)> {
        let mut faults = Vec::new();
        let given = [self.refresh, self.retry, self.expire, self.minimum];
        for ((field, least, most), seconds) in TIMER_BOUNDS.into_iter().zip(given) {
            if seconds.is_some_and(|seconds| !(least..=most).contains(&seconds)) {
                let detail =
                    message!("{field} must be from {least} to {most} seconds", field = field.to_owned(), least, most);
                faults.push((0, Fault::of(field, "timer-range", detail)));
            }
        }
        if self.default_ttl.is_some_and(|ttl| ttl < limits.ttl_min || ttl > limits.ttl_max) {
            let Limits { ttl_min: least, ttl_max: most, .. } = limits;
            let detail = message!("default_ttl must be between {least} and {most} seconds here", least, most);
            faults.push((0, Fault::of("default_ttl", "ttl-range", detail)));
        }
        let SoaTimers { refresh, retry, expire, .. } = self.timers(server);
        if faults.is_empty() && expire <= refresh.saturating_add(retry) {
            let detail = message!(
                "expire must be more than refresh and retry together ({both}), or secondaries stop serving the zone before they have polled twice",
                both = refresh.saturating_add(retry)
            );
            faults.push((0, Fault::of("expire", "timer-order", detail)));
        }
        faults
    }
}

impl SettingsChange {
    /// The settings as they become.
    pub fn over(&self, current: ZoneSettings) -> ZoneSettings {
        ZoneSettings {
            default_ttl: self.default_ttl.unwrap_or(current.default_ttl),
            refresh: self.refresh.unwrap_or(current.refresh),
            retry: self.retry.unwrap_or(current.retry),
            expire: self.expire.unwrap_or(current.expire),
            minimum: self.minimum.unwrap_or(current.minimum),
            comment: self.comment.clone().unwrap_or(current.comment),
        }
    }
}
