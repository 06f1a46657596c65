//! `zonewright zone export` and `zone import`: zones as BIND zone files, one or ten thousand at a time.
//!
//! An import reads files in parallel and passes their zones to the store together, so that one fsync serves many. An existing
//! equal zone is not changed, so an interrupted import can be run again. An existing different zone is refused unless `--replace`
//! is given, because it may have been edited since. Files that cannot be imported do not stop the others, and are listed at the
//! end with line and column.

mod name;
mod progress;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use dns::zonefile::{self, Content, FileFault, LeftOutReason, UNSUPPORTED_TYPE};
use dns::{ZoneId, ZoneName};
use store::{
    Author, Change, ChangeError, Comment, CreateZoneError, HistoryError, NewZone, Source, Store, StoreError, Wish,
    ZoneOfAnyone, ZoneScope,
};
use tokio::task::JoinSet;

use crate::cli::{DataFlags, ImportFlags};
use crate::config::Config;
use crate::database::{open, open_existing_store};
use crate::failure::{Failure, chain};
use crate::operands::{find_account, no_zone, reserved_name};
use crate::output::{Reader, print};
use name::NoZone;
use progress::Progress;

/// How many zones are on their way at once: enough for the store to commit many together.
const AT_ONCE: usize = 64;
/// How many records `$GENERATE` may make in a file that the operator imports.
const GENERATED_RECORDS: usize = 1_000_000;
/// The maximum number of errors, notes and warnings that are listed for a file; the rest are counted.
const FAULTS_TOLD: usize = 5;
/// What a nameserver keeps beside its zone files.
const BESIDE_ZONE_FILES: [&str; 6] = ["jnl", "jbk", "signed", "key", "private", "state"];

/// `zonewright zone export DOMAIN`
pub(crate) async fn export(name: &ZoneName, data: &DataFlags) -> Result<ExitCode, Failure> {
    let store = open(data)?;
    let found = store.zone_of_anyone(name).await?.ok_or_else(|| no_zone(name))?;
    let read = async {
        let apex = store.apex_at(found.account, found.zone.id, found.zone.serial).await?;
        Ok((store.snapshot_at(found.account, found.zone.id, found.zone.serial).await?, apex))
    };
    let read = read.await;
    store.close().await;
    let (snapshot, apex) = read.map_err(|error: HistoryError| Failure::Other(chain(&error)))?;
    print(&zonefile::export(&snapshot, &apex))?;
    Ok(ExitCode::SUCCESS)
}

/// `zonewright zone import PATH...`
pub(crate) async fn import(flags: ImportFlags) -> Result<ExitCode, Failure> {
    let config = Config::load_beside(&flags.serve_flags())?;
    let (files, copies) = find_files(&flags.paths)?;
    if flags.domain.is_some() && files.len() != 1 {
        let detail = format!("--domain can be used with a single file, but there are {}", files.len());
        return Err(Failure::Other(detail));
    }
    let store = open_existing_store(&config)?;
    let account = find_account(&store, &flags.account).await?;
    let author = Author { account: account.id, name: "zone import".to_owned(), source: Source::Import, address: None };
    let work = Arc::new(Work {
        store: store.clone(),
        author,
        replace: flags.replace,
        dry_run: flags.dry_run,
        options: zonefile::Options {
            keep_keys: flags.keep_keys,
            keep_apex_ns: flags.keep_apex_ns,
            keep_ttl: flags.keep_ttl,
            leave_out_unknown: flags.leave_out_unknown,
            generated_records: GENERATED_RECORDS,
        },
    });
    let mut report = run(&work, files, flags.domain).await;
    report.copies = copies;
    store.close().await;
    report.tell(flags.dry_run)
}

/// What all files of an import have in common.
struct Work {
    store: Store,
    author: Author,
    replace: bool,
    dry_run: bool,
    options: zonefile::Options,
}

/// What became of a file.
struct Imported {
    zone: ZoneName,
    outcome: Outcome,
    /// What was left out of it, how it was understood, and what is unwise about it: a line each.
    told: Vec<String>,
    left_out: LeftOut,
}

/// What became of the zone.
enum Outcome {
    Made { records: usize },
    Changed { added: usize, removed: usize },
    Unchanged,
}

/// Why a file was not imported.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error(transparent)]
    NoZone(#[from] NoZone),
    #[error("{0}")]
    Domain(String),
    #[error("another file of this import is also for {0}")]
    Twice(ZoneName),
    #[error("{}", told(.0))]
    Faults(Vec<FileFault>),
    #[error("{zone} belongs to {owner}")]
    OfAnother { zone: ZoneName, owner: String },
    #[error(
        "{zone} exists with different records: the file would add {added} and remove {removed}; use --replace to replace them"
    )]
    Differs { zone: ZoneName, added: usize, removed: usize },
    #[error("{}", chain(.0))]
    Store(#[from] StoreError),
    #[error("{0}")]
    Other(String),
}

fn told(faults: &[FileFault]) -> String {
    let mut lines: Vec<String> = faults.iter().take(FAULTS_TOLD).map(ToString::to_string).collect();
    if faults.len() > FAULTS_TOLD {
        lines.push(format!("and {} more", faults.len() - FAULTS_TOLD));
    }
    if faults.iter().any(|fault| fault.fault.check == UNSUPPORTED_TYPE) {
        lines.push("use --leave-out-unknown to skip records of unsupported types".to_owned());
    }
    lines.join("\n    ")
}

/// Imports all files, some at a time, in their order.
async fn run(work: &Arc<Work>, files: Vec<PathBuf>, domain: Option<ZoneName>) -> Report {
    let mut report = Report::default();
    let mut progress = Progress::new(files.len());
    let mut files = files.into_iter();
    let mut seen = HashSet::new();
    let mut reading = JoinSet::new();
    let mut storing = JoinSet::new();
    loop {
        while reading.len() + storing.len() < AT_ONCE
            && let Some(file) = files.next()
        {
            let (work, domain) = (Arc::clone(work), domain.clone());
            reading.spawn(async move {
                let outcome = read(&work, &file, domain).await;
                (file, outcome)
            });
        }
        let (file, outcome) = tokio::select! {
            Some(read) = reading.join_next() => match read {
                Ok((file, Ok((zone, content)))) => {
                    if !seen.insert(zone.clone()) {
                        (file, Err(Refusal::Twice(zone)))
                    } else {
                        let work = Arc::clone(work);
                        storing.spawn(async move {
                            let outcome = store(&work, zone, content).await;
                            (file, outcome)
                        });
                        continue;
                    }
                }
                Ok((file, Err(refusal))) => (file, Err(refusal)),
                Err(error) => (PathBuf::new(), Err(Refusal::Other(error.to_string()))),
            },
            Some(stored) = storing.join_next() => match stored {
                Ok(stored) => stored,
                Err(error) => (PathBuf::new(), Err(Refusal::Other(error.to_string()))),
            },
            else => break,
        };
        progress.step(outcome.is_err());
        report.add(file, outcome);
    }
    progress.finish();
    report
}

/// Reads a file as its zone's content.
async fn read(work: &Work, file: &Path, domain: Option<ZoneName>) -> Result<(ZoneName, Content), Refusal> {
    let path = file.to_owned();
    let text = blocking(move || fs::read(path)).await??;
    let zone = match domain {
        Some(zone) => zone,
        None => zone_of(file, &text)?,
    };
    let there = work.store.zone_of_anyone(&zone).await?;
    let apex =
        work.store.tenant(work.author.clone(), ZoneScope::All).own_apex(there.map(|found| found.zone.id)).await?;
    let (options, of) = (work.options, zone.clone());
    let content = blocking(move || zonefile::read(&text, &of, &apex, &options)).await?.map_err(Refusal::Faults)?;
    Ok((zone, content))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Refusal::Other(error.to_string()))
}

/// The zone that a file names as its own, or that its name gives.
fn zone_of(file: &Path, text: &[u8]) -> Result<ZoneName, Refusal> {
    match zonefile::apex_of(text) {
        Some(zone) => {
            ZoneName::parse_for_operator(&zone.to_string()).map_err(|fault| Refusal::Domain(fault.to_string()))
        }
        None => Ok(name::zone_of(file)?),
    }
}

/// Makes the zone, or makes it equal, or sees that it is.
async fn store(work: &Work, zone: ZoneName, content: Content) -> Result<Imported, Refusal> {
    let (left_out, told) = (LeftOut::new(&content), told_of(&content));
    let outcome = match work.store.zone_of_anyone(&zone).await? {
        Some(ZoneOfAnyone { account, email, .. }) if account != work.author.account => {
            return Err(Refusal::OfAnother { zone, owner: email });
        }
        Some(found) => change(work, zone.clone(), found.zone.id, content).await?,
        None if work.dry_run => match work.store.command_line().reservation(work.author.account, &zone, false).await? {
            Some(reason) => return Err(Refusal::Domain(reserved_name(&zone, reason))),
            None => Outcome::Made { records: content.records.len() },
        },
        None => make(work, zone.clone(), content).await?,
    };
    Ok(Imported { zone, outcome, told, left_out })
}

/// What a file's owner should know, a line each. What the server makes itself is in every file, and not worth a line.
fn told_of(content: &Content) -> Vec<String> {
    let is_ours =
        |reason| matches!(reason, LeftOutReason::Soa | LeftOutReason::OwnNameserver | LeftOutReason::OwnAddress);
    let left_out = content.left_out.iter().filter(|left| !is_ours(left.reason)).map(|left| {
        let zonefile::LeftOut { reason, record_type, count, first } = left;
        let asked = match reason {
            LeftOutReason::ForeignNameserver => " (use --keep-apex-ns to keep them)",
            _ => "",
        };
        format!("left out: {count} {record_type} (line {}): {}{asked}", first.line, reason.reason())
    });
    let notes = content.notes.iter().map(|note| {
        let zonefile::Note { at, detail, .. } = note;
        format!("note: line {}, column {}: {detail}", at.line, at.column)
    });
    let warnings = content
        .warnings
        .iter()
        .map(|warning| format!("warning: {} at {}: {}", warning.code, warning.owner, warning.detail));
    let mut told: Vec<String> = left_out.collect();
    told.extend(first(notes, "notes"));
    told.extend(first(warnings, "warnings"));
    told
}

/// The first few lines, and how many more there are.
fn first(lines: impl ExactSizeIterator<Item = String>, what: &str) -> Vec<String> {
    let more = lines.len().saturating_sub(FAULTS_TOLD);
    let mut told: Vec<String> = lines.take(FAULTS_TOLD).collect();
    if more > 0 {
        told.push(format!("and {more} more {what}"));
    }
    told
}

async fn make(work: &Work, zone: ZoneName, mut content: Content) -> Result<Outcome, Refusal> {
    let new = NewZone {
        content: std::mem::take(&mut content.records),
        serial_above: content.serial,
        comment: comment(),
        override_related: true,
        ..NewZone::named(zone.clone())
    };
    match work.store.create_zone(&work.author, new).await {
        Ok(made) => Ok(Outcome::Made { records: usize::try_from(made.record_count).unwrap_or(usize::MAX) }),
        Err(CreateZoneError::Faults(faults)) => Err(Refusal::Faults(content.faults(faults))),
        Err(CreateZoneError::Reserved(reason)) => Err(Refusal::Domain(reserved_name(&zone, reason))),
        Err(CreateZoneError::Store(error)) => Err(error.into()),
        Err(
            error @ (CreateZoneError::Exists
            | CreateZoneError::Related
            | CreateZoneError::OnHold
            | CreateZoneError::Contested
            | CreateZoneError::DailyLimit(_)
            | CreateZoneError::OutOfScope(_)
            | CreateZoneError::Apex(_)),
        ) => Err(Refusal::Domain(format!("{zone}: {error}"))),
    }
}

async fn change(work: &Work, zone: ZoneName, id: ZoneId, mut content: Content) -> Result<Outcome, Refusal> {
    let wanted = Change {
        serial_above: content.serial,
        comment: comment(),
        dry_run: work.dry_run || !work.replace,
        ..Change::of(Wish::Content(std::mem::take(&mut content.records)))
    };
    match work.store.change(&work.author, id, wanted).await {
        Ok(done) if !done.changed => Ok(Outcome::Unchanged),
        Ok(done) if work.replace => Ok(Outcome::Changed { added: done.added.len(), removed: done.removed.len() }),
        Ok(done) => Err(Refusal::Differs { zone, added: done.added.len(), removed: done.removed.len() }),
        Err(ChangeError::Faults(faults)) => Err(Refusal::Faults(content.faults(faults))),
        Err(ChangeError::Store(error)) => Err(error.into()),
        Err(error) => Err(Refusal::Other(format!("{zone}: {error}"))),
    }
}

fn comment() -> Option<Comment> {
    Comment::parse("zone import").ok().flatten()
}

/// The files that the paths name: folders with all that is in them, in order; and the copies in folders, which are passed over.
fn find_files(paths: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Failure> {
    let mut files = Vec::new();
    let mut copies = Vec::new();
    for path in paths {
        let unreadable = |error: std::io::Error| Failure::Other(format!("cannot read {}: {error}", path.display()));
        if fs::metadata(path).map_err(unreadable)?.is_dir() {
            let before = files.len();
            walk(path, &mut files).map_err(unreadable)?;
            copies.extend(files.extract_if(before.., |file| name::is_copy(file)));
            if let Some(found) = files.get_mut(before..) {
                found.sort();
            }
        } else {
            files.push(path.clone());
        }
    }
    copies.sort();
    Ok((files, copies))
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        let beside = path.extension().is_some_and(|end| BESIDE_ZONE_FILES.iter().any(|known| end == *known));
        // `file_type` does not follow links: a link to a folder above would never end.
        let kind = entry.file_type()?;
        if hidden || beside {
            continue;
        } else if kind.is_dir() {
            walk(&path, files)?;
        } else if kind.is_file() || fs::metadata(&path).is_ok_and(|target| target.is_file()) {
            files.push(path);
        }
    }
    Ok(())
}

/// How many records of a file were left out.
struct LeftOut {
    dnssec: usize,
    out_of_zone: usize,
}

impl LeftOut {
    fn new(content: &Content) -> LeftOut {
        let count = |reason: LeftOutReason| {
            content.left_out.iter().filter(|left| left.reason == reason).map(|left| left.count).sum()
        };
        LeftOut { dnssec: count(LeftOutReason::Dnssec), out_of_zone: count(LeftOutReason::OutOfZone) }
    }
}

/// The report at the end.
#[derive(Default)]
struct Report {
    made: usize,
    records: usize,
    changed: usize,
    unchanged: usize,
    dnssec: usize,
    out_of_zone: usize,
    imported: Vec<(PathBuf, Imported)>,
    refused: Vec<(PathBuf, Refusal)>,
    copies: Vec<PathBuf>,
}

impl Report {
    fn add(&mut self, file: PathBuf, result: Result<Imported, Refusal>) {
        match result {
            Ok(imported) => {
                match imported.outcome {
                    Outcome::Made { records } => {
                        self.made += 1;
                        self.records += records;
                    }
                    Outcome::Changed { added, removed } => {
                        self.changed += 1;
                        self.records += added.max(removed);
                    }
                    Outcome::Unchanged => self.unchanged += 1,
                }
                self.dnssec += imported.left_out.dnssec;
                self.out_of_zone += imported.left_out.out_of_zone;
                self.imported.push((file, imported));
            }
            Err(refusal) => self.refused.push((file, refusal)),
        }
    }

    fn tell(mut self, dry_run: bool) -> Result<ExitCode, Failure> {
        self.refused.sort_by(|a, b| a.0.cmp(&b.0));
        self.imported.sort_by(|a, b| a.0.cmp(&b.0));
        let (made, changed) = if dry_run { ("would be created", "would be changed") } else { ("created", "changed") };
        let mut text = String::new();
        for (file, Imported { zone, outcome, told, .. }) in &self.imported {
            let outcome = match outcome {
                Outcome::Made { records } => format!("{made}, {records} records"),
                Outcome::Changed { added, removed } => format!("{changed}, {added} records added, {removed} removed"),
                Outcome::Unchanged => "unchanged".to_owned(),
            };
            text.push_str(&format!("{} -> {zone}: {outcome}\n", file.display()));
            for line in told {
                text.push_str(&format!("    {line}\n"));
            }
        }
        for file in &self.copies {
            text.push_str(&format!("skipped: {}: the file name looks like a backup copy\n", file.display()));
        }
        for (file, refusal) in &self.refused {
            text.push_str(&format!("refused: {}: {refusal}\n", file.display()));
        }
        text.push_str(&format!(
            "{} zones {made}, {} {changed} ({} records), {} unchanged, {} refused\n",
            self.made,
            self.changed,
            self.records,
            self.unchanged,
            self.refused.len()
        ));
        if self.dnssec > 0 {
            text.push_str(&format!("left out: {} DNSSEC records, which a signer generates\n", self.dnssec));
        }
        if self.out_of_zone > 0 {
            text.push_str(&format!("left out: {} records outside their zone\n", self.out_of_zone));
        }
        let _: Reader = print(&text)?;
        Ok(if self.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
