//! Free space on the disk of the data directory: a warning before it is full, and the numbers for monitoring.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use store::{Health, Store};
use tokio_util::sync::CancellationToken;

/// How often the disk is checked.
const EVERY: Duration = Duration::from_secs(5);
/// How often the log says again that there is little room.
const WARN_EVERY: Duration = Duration::from_secs(3600);
const MIB: u64 = 1024 * 1024;

/// What is left of a disk, in octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Room {
    free: u64,
    total: u64,
}

/// Below what the operator is warned: either is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Low {
    /// Of the whole disk.
    pub(crate) percent: u64,
    /// In octets.
    pub(crate) bytes: u64,
}

impl Room {
    /// The room on the disk that holds a folder.
    pub(crate) fn at(folder: &Path) -> io::Result<Room> {
        let found = rustix::fs::statvfs(folder)?;
        let octets = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok(Room { free: octets(found.f_bavail), total: octets(found.f_blocks) })
    }

    pub(crate) fn is_low(self, low: Low) -> bool {
        let share = u128::from(self.total) * u128::from(low.percent) / 100;
        u128::from(self.free) < share || self.free < low.bytes
    }
}

impl fmt::Display for Room {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = (u128::from(self.free) * 100).checked_div(u128::from(self.total)).unwrap_or_default();
        write!(f, "{} MiB free of {} MiB ({percent} %)", self.free / MIB, self.total / MIB)
    }
}

/// Looks now and then, until `stop`.
pub(crate) async fn watch(folder: PathBuf, low: Low, store: Store, stop: CancellationToken) {
    let mut warned: Option<Instant> = None;
    let mut every = tokio::time::interval(EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = every.tick() => {}
        }
        let health = store.health();
        let is = |wanted| if health == wanted { 1.0 } else { 0.0 };
        metrics::gauge!("zonewright_disk_full").set(is(Health::DiskFull));
        metrics::gauge!("zonewright_database_unreachable").set(is(Health::Unreachable));
        metrics::gauge!("zonewright_database_damaged").set(is(Health::Damaged));
        // A disk that cannot be asked shows elsewhere.
        let Ok(room) = Room::at(&folder) else { continue };
        metrics::gauge!("zonewright_disk_free_bytes").set(room.free as f64);
        if !room.is_low(low) {
            if warned.take().is_some() {
                tracing::info!(disk = %room, "the disk has enough free space again");
            }
        } else if warned.is_none_or(|at| at.elapsed() >= WARN_EVERY) {
            warned = Some(Instant::now());
            tracing::warn!(disk = %room, folder = %folder.display(), "the disk is nearly full; changes are refused when it is full");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_bound_is_enough() {
        let low = Low { percent: 5, bytes: 1000 };
        for (free, total, is_low) in [
            (999, 10_000, true),
            (1000, 10_000, false),
            (1000, 20_100, true),
            (0, 0, true),
            (u64::MAX, u64::MAX, false),
        ] {
            assert_eq!(Room { free, total }.is_low(low), is_low, "{free} of {total}");
        }
        assert_eq!(Room { free: 512 * MIB, total: 2048 * MIB }.to_string(), "512 MiB free of 2048 MiB (25 %)");
        assert_eq!(Room { free: 0, total: 0 }.to_string(), "0 MiB free of 0 MiB (0 %)");
        let here = Room::at(Path::new("/")).unwrap();
        assert!(here.total > 0 && here.free <= here.total);
    }
}
