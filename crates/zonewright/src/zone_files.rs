//! `zonewright zone export` and `zone import`: zones as BIND zone files, one or ten thousand at a time.
//!
//! An import reads files side by side and hands their zones to the store together, so that one fsync serves many. A zone that is
//! there and equal is left alone; so an import that was interrupted is simply run again. One that is there and different is
//! refused unless `--replace` is given: somebody may have edited it since. What cannot be imported holds back nothing else, and is
//! told at the end with line and column.

mod progress;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use dns::zonefile::{self, Content, FileFault, LeftOutReason};
use dns::{Apex, Name, ZoneId, ZoneName};
use store::{
    Author, Change, ChangeError, Comment, CreateZoneError, NewZone, Source, Store, StoreError, Wish, ZoneOfAnyone,
};
use tokio::task::JoinSet;

use crate::admin::{Reader, find_account, no_zone, open, print, reserved_name};
use crate::cli::{DataFlags, ImportFlags};
use crate::config::Config;
use crate::{Failure, chain, open_existing_store};
use progress::Progress;

/// How many zones are on their way at once: enough for the store to commit many together.
const AT_ONCE: usize = 64;
/// How many records `$GENERATE` may make in a file that the operator imports.
const GENERATED_RECORDS: usize = 1_000_000;
/// So many faults of a file are told; the rest are counted.
const FAULTS_TOLD: usize = 5;
/// What a nameserver keeps beside its zone files.
const BESIDE_ZONE_FILES: [&str; 6] = ["jnl", "jbk", "signed", "key", "private", "state"];

/// `zonewright zone export DOMAIN`
pub(crate) async fn export(name: &ZoneName, data: &DataFlags) -> Result<ExitCode, Failure> {
    let store = open(data)?;
    let snapshot = match store.zone_of_anyone(name).await? {
        Some(found) => store.snapshot(found.zone.id).await?,
        None => None,
    };
    store.close().await;
    let snapshot = snapshot.ok_or_else(|| no_zone(name))?;
    print(&zonefile::render(&snapshot))?;
    Ok(ExitCode::SUCCESS)
}

/// `zonewright zone import PATH...`
pub(crate) async fn import(flags: ImportFlags) -> Result<ExitCode, Failure> {
    let config = Config::load_beside(&flags.serve_flags())?;
    let files = find_files(&flags.paths)?;
    if flags.domain.is_some() && files.len() != 1 {
        let detail = format!("--domain is for one file, and there are {}", files.len());
        return Err(Failure::Other(detail));
    }
    let store = open_existing_store(&config)?;
    let account = find_account(&store, &flags.account).await?;
    let author = Author { account: account.id, name: "zone import".to_owned(), source: Source::Import, address: None };
    let work = Arc::new(Work {
        store: store.clone(),
        author,
        apex: config.apex.clone(),
        replace: flags.replace,
        dry_run: flags.dry_run,
        options: zonefile::Options {
            keep_keys: flags.keep_keys,
            generated_records: GENERATED_RECORDS,
            ..zonefile::Options::default()
        },
    });
    let report = run(&work, files, flags.domain).await;
    store.close().await;
    report.tell(flags.dry_run)
}

/// What all files of an import have in common.
struct Work {
    store: Store,
    author: Author,
    apex: Apex,
    replace: bool,
    dry_run: bool,
    options: zonefile::Options,
}

/// What became of a file.
enum Outcome {
    Made { records: usize },
    Changed { added: usize, removed: usize },
    Unchanged,
}

/// Why a file was not imported.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("it cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    #[error("neither the file nor its name says which zone it is for; give --domain")]
    NoDomain,
    #[error("{0}")]
    Domain(String),
    #[error("another file of this import is for {0} too")]
    Twice(ZoneName),
    #[error("there is no record in it")]
    Empty,
    #[error("{}", told(.0))]
    Faults(Vec<FileFault>),
    #[error("{zone} belongs to {owner}")]
    OfAnother { zone: ZoneName, owner: String },
    #[error(
        "{zone} is there with other records: the file would add {added} and remove {removed}; --replace makes it equal"
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
    lines.join("\n    ")
}

/// Imports all files, some at a time, in their order.
async fn run(work: &Arc<Work>, files: Vec<PathBuf>, domain: Option<ZoneName>) -> Report {
    let mut report = Report::default();
    let mut progress = Progress::of(files.len());
    let mut files = files.into_iter();
    let mut seen = HashSet::new();
    let mut reading = JoinSet::new();
    let mut storing = JoinSet::new();
    loop {
        while reading.len() + storing.len() < AT_ONCE
            && let Some(file) = files.next()
        {
            let (work, domain) = (Arc::clone(work), domain.clone());
            reading.spawn_blocking(move || {
                let outcome = read(&work, &file, domain);
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
                Ok((file, Ok((outcome, left_out)))) => {
                    report.left_out(&left_out);
                    (file, Ok(outcome))
                }
                Ok((file, Err(refusal))) => (file, Err(refusal)),
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
fn read(work: &Work, file: &Path, domain: Option<ZoneName>) -> Result<(ZoneName, Content), Refusal> {
    let text = fs::read(file)?;
    let zone = match domain {
        Some(zone) => zone,
        None => zone_of(file, &text)?,
    };
    let read = zonefile::parse(&text, &zone, &work.options).map_err(Refusal::Faults)?;
    if read.soa.is_none() && read.apex_ns.is_empty() && read.records.is_empty() {
        return Err(Refusal::Empty);
    }
    let content = read.into_content(&zone, &work.apex);
    Ok((zone, content))
}

/// The zone that a file names as its own, or that its name gives: `example.com`, `example.com.zone`, `db.example.com`.
fn zone_of(file: &Path, text: &[u8]) -> Result<ZoneName, Refusal> {
    let name = match zonefile::apex_of(text) {
        Some(name) => name.to_string(),
        None => {
            let name = file.file_name().and_then(|name| name.to_str()).ok_or(Refusal::NoDomain)?;
            let name = ["db.", "pri.", "master."].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
            let ends = [".zone", ".db", ".txt", ".hosts", ".dns"];
            let name = ends.iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            if Name::parse(name).is_ok_and(|name| name.labels().count() < 2) {
                return Err(Refusal::NoDomain);
            }
            name.to_owned()
        }
    };
    ZoneName::parse_for_operator(&name).map_err(|fault| Refusal::Domain(fault.detail.into_owned()))
}

/// Makes the zone, or makes it equal, or sees that it is.
async fn store(work: &Work, zone: ZoneName, content: Content) -> Result<(Outcome, LeftOut), Refusal> {
    let left_out = LeftOut::of(&content);
    match work.store.zone_of_anyone(&zone).await? {
        Some(ZoneOfAnyone { account, email, .. }) if account != work.author.account => {
            Err(Refusal::OfAnother { zone, owner: email })
        }
        Some(found) => Ok((change(work, zone, found.zone.id, content).await?, left_out)),
        None if work.dry_run => match work.store.reservation(work.author.account, &zone, false).await? {
            Some(reason) => Err(Refusal::Domain(reserved_name(&zone, reason))),
            None => Ok((Outcome::Made { records: content.records.len() }, left_out)),
        },
        None => Ok((make(work, zone, content).await?, left_out)),
    }
}

async fn make(work: &Work, zone: ZoneName, mut content: Content) -> Result<Outcome, Refusal> {
    let new = NewZone {
        content: std::mem::take(&mut content.records),
        serial_above: content.serial,
        comment: comment(),
        override_related: true,
        ..NewZone::named(zone.clone())
    };
    match work.store.create_zone_with(&work.author, new).await {
        Ok(made) => Ok(Outcome::Made { records: usize::try_from(made.record_count).unwrap_or(usize::MAX) }),
        Err(CreateZoneError::Faults(faults)) => Err(Refusal::Faults(content.faults(faults))),
        Err(CreateZoneError::Reserved(reason)) => Err(Refusal::Domain(reserved_name(&zone, reason))),
        Err(CreateZoneError::Store(error)) => Err(error.into()),
        Err(
            error @ (CreateZoneError::Exists
            | CreateZoneError::Related
            | CreateZoneError::OnHold
            | CreateZoneError::DailyLimit(_)
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

/// The files that the paths name: folders with all that is in them, in order.
fn find_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        let unreadable = |error: std::io::Error| Failure::Other(format!("{} cannot be read: {error}", path.display()));
        if fs::metadata(path).map_err(unreadable)?.is_dir() {
            let before = files.len();
            walk(path, &mut files).map_err(unreadable)?;
            if let Some(found) = files.get_mut(before..) {
                found.sort();
            }
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
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
    fn of(content: &Content) -> LeftOut {
        let count = |reason: LeftOutReason| {
            content.left_out.iter().filter(|left| left.reason == reason).map(|left| left.count).sum()
        };
        LeftOut { dnssec: count(LeftOutReason::Dnssec), out_of_zone: count(LeftOutReason::OutOfZone) }
    }
}

/// What is told at the end.
#[derive(Default)]
struct Report {
    made: usize,
    records: usize,
    changed: usize,
    unchanged: usize,
    dnssec: usize,
    out_of_zone: usize,
    refused: Vec<(PathBuf, Refusal)>,
}

impl Report {
    fn add(&mut self, file: PathBuf, outcome: Result<Outcome, Refusal>) {
        match outcome {
            Ok(Outcome::Made { records }) => {
                self.made += 1;
                self.records += records;
            }
            Ok(Outcome::Changed { added, removed }) => {
                self.changed += 1;
                self.records += added.max(removed);
            }
            Ok(Outcome::Unchanged) => self.unchanged += 1,
            Err(refusal) => self.refused.push((file, refusal)),
        }
    }

    fn left_out(&mut self, left_out: &LeftOut) {
        self.dnssec += left_out.dnssec;
        self.out_of_zone += left_out.out_of_zone;
    }

    fn tell(mut self, dry_run: bool) -> Result<ExitCode, Failure> {
        self.refused.sort_by(|a, b| a.0.cmp(&b.0));
        let mut text = String::new();
        for (file, refusal) in &self.refused {
            text.push_str(&format!("refused: {}: {refusal}\n", file.display()));
        }
        let (made, changed) = if dry_run { ("would be made", "would be changed") } else { ("made", "changed") };
        text.push_str(&format!(
            "{} zones {made}, {} {changed} ({} records), {} unchanged, {} refused\n",
            self.made,
            self.changed,
            self.records,
            self.unchanged,
            self.refused.len()
        ));
        if self.dnssec > 0 {
            text.push_str(&format!("{} DNSSEC records were left out: the zones are signed anew here\n", self.dnssec));
        }
        if self.out_of_zone > 0 {
            text.push_str(&format!("{} records outside their zone were left out\n", self.out_of_zone));
        }
        let _: Reader = print(&text)?;
        Ok(if self.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
