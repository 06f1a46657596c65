//! Changes that are too large for one job of the writer: planned beside it, and written in steps that others write between.
//!
//! ```text
//!   planned on a reader's view
//!        |  begin: the zone is still as it was, and from now on nobody else changes it
//!        v
//!   stages (token)      steps: the rows that will begin are inserted, those that will end are marked (ends)
//!        |  show: the version becomes the zone's newest, in one small transaction
//!        v
//!   stages (no token)   steps: marked rows get their to_version (the housekeeper)
//!        |
//!        v
//!   no row
//! ```
//!
//! Every query over records compares them with the number of the zone's newest version (`rows::lives`), so that nobody sees
//! anything of a version until it is the newest, and everybody sees all of it from then on. What a crash leaves behind is
//! therefore as invisible as before; the housekeeper removes it once its writer has given no sign of life for [`STALE`]. Until
//! then the zone cannot be changed.
//!
//! A zone that is made with its content gets its row first, deleted and forgotten, and with it the rows of its records.
//!
//! Decided against: one transaction that is given up and begun again whenever somebody waits (a large change would never end
//! while others write), and rows that are copied into place by the last step (which is then as long as the change).

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::db::{Connection, params, value};
use super::journal::{self, By};
use super::rows::{self, ZoneRow};
use super::shared::Shared;
use super::stages::Stages;
use super::writer::{View, Work, Writer};
use super::{answers, groups, limits, readers, settings, zone_create, zones};
use crate::logic::change::{AT_ONCE, Prepared, check_growth, prepare};
use crate::logic::group::{ChangeJob, Made, Planned, replan};
use crate::{Author, ChangeError, Committed, CreateZoneError, Done, NewZone, Once, Store, StoreError, Timestamp, Zone};

/// How long a step writes: what others wait for it is this and a commit.
const STEP: Duration = Duration::from_millis(8);
/// How many rows are written between two looks at the clock.
const BETWEEN_LOOKS: usize = 64;
/// How many rows a step of the housekeeper changes.
const SETTLED_AT_ONCE: i64 = 200;
/// After so long without a sign of life, whoever wrote a version is taken to be gone. Where that is wrong, it finds out with its
/// next step.
const STALE: Duration = Duration::from_secs(10);
/// How often a change is planned anew because the zone was changed meanwhile.
const ATTEMPTS: usize = 3;

impl Store {
    /// Makes a change that is too large for one job of the writer, or works out what it would do.
    pub(super) async fn change_large(&self, job: ChangeJob) -> Result<Made<Committed>, ChangeError> {
        let (shared, writer) = (Arc::clone(&self.inner.shared), self.inner.writer.clone());
        let make = move |connection: &Connection| {
            change(&Lane { connection, shared: &shared, writer: &writer }, Arc::new(job))
        };
        self.inner.readers.run_change(make).await?
    }

    /// Makes a zone whose content is too large for one job of the writer.
    pub(super) async fn create_large(
        &self,
        author: Author,
        new: NewZone,
        once: Option<Once<Zone>>,
    ) -> Result<Made<Zone>, CreateZoneError> {
        let (shared, writer) = (Arc::clone(&self.inner.shared), self.inner.writer.clone());
        let make = move |connection: &Connection| {
            create(&Lane { connection, shared: &shared, writer: &writer }, author, new, once)
        };
        self.inner.readers.run_change(make).await?
    }
}

/// What a large change works with: a reading connection outside any transaction, and the way to the writer.
pub(super) struct Lane<'a> {
    pub(super) connection: &'a Connection,
    pub(super) shared: &'a Arc<Shared>,
    pub(super) writer: &'a Writer,
}

/// A version that is being written.
#[derive(Clone, Copy)]
struct Stage {
    row: i64,
    token: [u8; 16],
}

/// What the beginning of a stage came to.
enum Begun {
    Stage(Stage),
    /// The zone is another than the plan was made for.
    Moved,
    /// Another large change of the zone is being written.
    Busy,
    /// What the zone's last version ended has no `to_version` yet.
    Unsettled(i64),
    /// The request was answered before.
    Before(Done),
}

/// Makes a change that is too large for one job of the writer.
fn change(lane: &Lane<'_>, job: Arc<ChangeJob>) -> Result<Made<Committed>, ChangeError> {
    if let Some(done) = lane.before(job.once.as_ref())? {
        return Ok(Made::Keyed(done));
    }
    for _ in 0..ATTEMPTS {
        let prepared = lane.prepare(&job)?;
        if job.change.dry_run {
            return Ok(Made::Now(prepared.committed));
        }
        if prepared.rows() <= AT_ONCE {
            let job = Arc::clone(&job);
            if let Some(made) = lane.writer.run_blocking(move |work| commit(work, &job, prepared))? {
                return Ok(made);
            }
            continue;
        }
        let entered = Stages::enter(lane.shared, job.zone);
        let prepared = Arc::new(prepared);
        let stage = match lane.begin(&job, &prepared)? {
            Begun::Stage(stage) => stage,
            Begun::Before(done) => return Ok(Made::Keyed(done)),
            Begun::Moved => continue,
            Begun::Busy => {
                drop(entered);
                if !lane.shared.stages.wait_for_none_of(job.zone) {
                    return Err(StoreError::Busy.into());
                }
                // It may have been the same request.
                if let Some(done) = lane.before(job.once.as_ref())? {
                    return Ok(Made::Keyed(done));
                }
                continue;
            }
            Begun::Unsettled(_) => return Err(StoreError::Busy.into()),
        };
        let made = lane.finish(stage, &prepared, |show| show.change(&job, &prepared));
        if made.is_err() {
            lane.abandon(stage);
        }
        drop(entered);
        return made;
    }
    Err(StoreError::Busy.into())
}

/// Makes a zone whose content is too large for one job of the writer.
fn create(
    lane: &Lane<'_>,
    author: Author,
    new: NewZone,
    once: Option<Once<Zone>>,
) -> Result<Made<Zone>, CreateZoneError> {
    if let Some(done) = lane.before(once.as_ref())? {
        return Ok(Made::Keyed(done));
    }
    let prepared = Arc::new(lane.read(|view| zone_create::prepare(view, &author, &new))?);
    let new = Arc::new((author, NewZone { content: Vec::new(), ..new }));
    let stage = {
        let prepared = Arc::clone(&prepared);
        lane.writer.run_blocking(move |work| begin_zone(work, &prepared))?
    };
    let made = lane.finish(stage, &prepared, |show| show.zone(&new, &prepared, once));
    if !matches!(made, Ok(Made::Now(_) | Made::Keyed(Done::Now(_)))) {
        lane.abandon(stage);
    }
    made
}

impl Lane<'_> {
    fn read<T, E: From<StoreError>>(&self, read: impl FnOnce(View<'_>) -> Result<T, E>) -> Result<T, E> {
        let view = |connection: &Connection| Ok(read(View { connection, shared: self.shared }));
        readers::in_transaction(self.connection, view)?
    }

    /// What the same request got before.
    fn before<T>(&self, once: Option<&Once<T>>) -> Result<Option<Done>, StoreError> {
        let Some(Once { request, .. }) = once else { return Ok(None) };
        self.read(|view| answers::find(view.connection, request, view.now()))
    }

    fn prepare(&self, job: &ChangeJob) -> Result<Prepared, ChangeError> {
        self.read(|view| prepare(&mut view.cache(), &job.author, job.zone, &job.change))
    }

    /// Keeps everybody else from changing the zone, where it is still as the plan was made for.
    fn begin(&self, job: &Arc<ChangeJob>, prepared: &Arc<Prepared>) -> Result<Begun, StoreError> {
        loop {
            let (job, prepared) = (Arc::clone(job), Arc::clone(prepared));
            let begin = move |work: &Work| {
                if let Some(once) = &job.once
                    && let Some(done) = answers::find(&work.connection, &once.request, work.now())?
                {
                    return Ok(Begun::Before(done));
                }
                let before = &prepared.committed.before;
                match zones::of_account(&work.connection, job.author.account, before.id)? {
                    Some(now) if now.zone.version == before.version => insert(work, &prepared.zone),
                    _ => Ok(Begun::Moved),
                }
            };
            match self.writer.run_blocking(begin)? {
                Begun::Unsettled(row) => while self.writer.run_blocking(move |work| settle(work, row))? {},
                begun => return Ok(begun),
            }
        }
    }

    /// Writes everything that nobody sees yet, and then has `show` show it.
    fn finish<T, E: From<StoreError>>(
        &self,
        stage: Stage,
        prepared: &Arc<Prepared>,
        show: impl FnOnce(Show<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut done = 0;
        while done < prepared.rows() {
            if self.shared.is_closing() {
                return Err(StoreError::Closed.into());
            }
            let prepared = Arc::clone(prepared);
            done = self.writer.run_blocking(move |work| write_some(work, stage, &prepared, done))?;
        }
        show(Show { writer: self.writer, stage })
    }

    /// Removes what was written of a version that will not be. Where this fails the housekeeper does it.
    fn abandon(&self, stage: Stage) {
        let step = move |work: &Work| if renew(work, stage)? { remove(work, stage.row) } else { Ok(false) };
        while !self.shared.is_closing() {
            match self.writer.run_blocking(step) {
                Ok(true) => {}
                Ok(false) => return,
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(
                        error,
                        "what was written of a change could not be removed; it is invisible, and removed later"
                    );
                    return;
                }
            }
        }
    }
}

/// Stores a small difference that was planned on a reader's view; `None` where the zone was changed since.
fn commit(work: &Work, job: &ChangeJob, prepared: Prepared) -> Result<Option<Made<Committed>>, ChangeError> {
    let view = work.view();
    let Some(mut outcome) = replan(&mut view.cache(), job, prepared)? else { return Ok(None) };
    groups::write(work, &mut outcome)?;
    outcome.planned.pop().map(Planned::into_result).transpose()
}

/// Begins to write the version that `zone` has.
fn insert(work: &Work, zone: &ZoneRow) -> Result<Begun, StoreError> {
    let sql = "SELECT token FROM stages WHERE zone = ?1";
    let token: Option<Option<[u8; 16]>> = work.connection.optional(sql, [zone.row], value)?;
    match token {
        None => {}
        Some(None) => return Ok(Begun::Unsettled(zone.row)),
        Some(Some(_)) => return Ok(Begun::Busy),
    }
    let now = work.now();
    let stage = Stage { row: zone.row, token: *work.shared.rules.new_id().as_bytes() };
    work.connection
        .prepare_cached("INSERT INTO stages (zone, version, token, renewed) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![zone.row, rows::number(zone.zone.version), stage.token, now.as_millisecond()])?;
    Ok(Begun::Stage(stage))
}

/// Begins to write the first version of a zone that nobody sees yet.
fn begin_zone(work: &Work, prepared: &Prepared) -> Result<Stage, StoreError> {
    let row = zone_create::insert_hidden(work, &prepared.zone)?;
    match insert(work, &ZoneRow { row, ..prepared.zone.clone() })? {
        Begun::Stage(stage) => Ok(stage),
        // The row is new.
        Begun::Moved | Begun::Busy | Begun::Unsettled(_) | Begun::Before(_) => {
            Err(StoreError::Bug("a new zone is already being changed"))
        }
    }
}

/// Gives a sign of life. False where the version is not this writer's any more.
fn renew(work: &Work, stage: Stage) -> Result<bool, StoreError> {
    let renewed = work
        .connection
        .prepare_cached("UPDATE stages SET renewed = ?3 WHERE zone = ?1 AND token = ?2")?
        .execute(params![stage.row, stage.token, work.now().as_millisecond()])?;
    Ok(renewed > 0)
}

/// Writes some rows from number `from` on: first those that end, so that what takes their place can be inserted. Gives the
/// number of the first that is left.
fn write_some(work: &Work, stage: Stage, prepared: &Prepared, from: usize) -> Result<usize, StoreError> {
    if !renew(work, stage)? {
        return Err(StoreError::Busy);
    }
    let zone = ZoneRow { row: stage.row, ..prepared.zone.clone() };
    let version = rows::number(zone.zone.version);
    let started = Instant::now();
    let mut done = from;
    while done < prepared.rows() && started.elapsed() < STEP {
        if let Some(ends) = prepared.ends.get(done..).filter(|ends| !ends.is_empty()) {
            let mut statement = work.connection.prepare_cached("UPDATE records SET ends = ?2 WHERE id = ?1")?;
            for row in ends.iter().take(BETWEEN_LOOKS) {
                statement.execute(params![row, version])?;
                done += 1;
            }
        } else {
            let added = prepared.committed.added.get(done - prepared.ends.len()..).unwrap_or_default();
            let added = &added[..added.len().min(BETWEEN_LOOKS)];
            journal::begin(work, &zone, added)?;
            done += added.len();
        }
    }
    Ok(done)
}

/// The last step.
struct Show<'a> {
    writer: &'a Writer,
    stage: Stage,
}

impl Show<'_> {
    fn change(self, job: &Arc<ChangeJob>, prepared: &Arc<Prepared>) -> Result<Made<Committed>, ChangeError> {
        let stage = self.stage;
        // Made beside the writer: it may be long. It stands, because nobody else changes the zone.
        let answer = job.once.as_ref().map(|once| (once.answer)(&prepared.committed)).transpose()?;
        let (job, plan) = (Arc::clone(job), Arc::clone(prepared));
        let show = move |work: &Work| -> Result<Option<Done>, ChangeError> {
            let ChangeJob { author, change, once, .. } = &*job;
            if let Some(once) = once
                && answers::find(&work.connection, &once.request, work.now())?.is_some()
            {
                // The caller finds that answer.
                return Err(StoreError::Busy.into());
            }
            let before = &plan.committed.before;
            zones::of_account(&work.connection, author.account, before.id)?.ok_or(ChangeError::NoZone)?;
            let view = work.view();
            check_growth(&mut view.cache(), author, plan.committed.added.len(), plan.ends.len())?;
            limits::daily(work, author, plan.touched())?.map_err(ChangeError::DailyLimit)?;
            release(work, stage, !plan.ends.is_empty())?;
            let mut zone = plan.zone.clone();
            if let Some(settings) = &plan.new_settings {
                zone.settings = Some(settings::insert(work, settings)?);
            }
            let by = By { comment: change.comment.as_ref(), ..By::from(author) };
            journal::show(work, &zone, &by, plan.counts(), plan.now)?;
            let (Some(once), Some(answer)) = (once, answer) else { return Ok(None) };
            answers::keep(work, &once.request, &answer)?;
            Ok(Some(Done::Now(answer)))
        };
        let done = self.writer.run_blocking(show)?;
        Ok(match done {
            Some(done) => Made::Keyed(done),
            None => Made::Now(prepared.committed.clone()),
        })
    }

    fn zone(
        self,
        new: &Arc<(Author, NewZone)>,
        prepared: &Arc<Prepared>,
        once: Option<Once<Zone>>,
    ) -> Result<Made<Zone>, CreateZoneError> {
        let stage = self.stage;
        let (asked, plan) = (Arc::clone(new), Arc::clone(prepared));
        let show = move |work: &Work| -> Result<Zone, CreateZoneError> {
            let (author, new) = &*asked;
            release(work, stage, false)?;
            zone_create::show(work, author, new, stage.row, &plan)
        };
        self.writer.run_blocking(move |work| answers::make(work, once.as_ref(), show))
    }
}

/// Lets others change the zone again, in the transaction that shows the version; records that it ends are yet to be settled.
fn release(work: &Work, stage: Stage, ends_some: bool) -> Result<(), StoreError> {
    let sql = if ends_some {
        "UPDATE stages SET token = NULL WHERE zone = ?1 AND token = ?2"
    } else {
        "DELETE FROM stages WHERE zone = ?1 AND token = ?2"
    };
    let released = work.connection.prepare_cached(sql)?.execute(params![stage.row, stage.token])?;
    if released == 1 { Ok(()) } else { Err(StoreError::Busy) }
}

pub(super) const ENDING: &str = "SELECT id FROM records INDEXED BY records_ending
     WHERE zone = ?1 AND to_version IS NULL AND ends > 0 LIMIT ?2";
pub(super) const YET_TO_BEGIN: &str =
    "SELECT id FROM records INDEXED BY records_from WHERE zone = ?1 AND from_version > ?2 LIMIT ?3";

/// Gives some marked rows their `to_version`. False where there are no more.
fn settle(work: &Work, row: i64) -> Result<bool, StoreError> {
    let is_shown = "SELECT 1 FROM stages WHERE zone = ?1 AND token IS NULL";
    if !work.connection.prepare_cached(is_shown)?.exists([row])? {
        return Ok(false);
    }
    let settled = work
        .connection
        .prepare_cached(&format!("UPDATE records SET to_version = ends, ends = 0 WHERE id IN ({ENDING})"))?
        .execute(params![row, SETTLED_AT_ONCE])?;
    if settled == 0 {
        work.connection.prepare_cached("DELETE FROM stages WHERE zone = ?1 AND token IS NULL")?.execute([row])?;
    }
    Ok(settled > 0)
}

/// Removes some of what was written of a version that will not be. False where nothing is left.
fn remove(work: &Work, row: i64) -> Result<bool, StoreError> {
    let head: i64 = work.connection.one("SELECT version FROM zones WHERE id = ?1", [row], value)?;
    // First what begins: then there is room for what does not end after all.
    let begun = work
        .connection
        .prepare_cached(&format!("DELETE FROM records WHERE id IN ({YET_TO_BEGIN})"))?
        .execute(params![row, head, SETTLED_AT_ONCE])?;
    if begun > 0 {
        return Ok(true);
    }
    let ended = work
        .connection
        .prepare_cached(&format!("UPDATE records SET ends = 0 WHERE id IN ({ENDING})"))?
        .execute(params![row, SETTLED_AT_ONCE])?;
    if ended > 0 {
        return Ok(true);
    }
    work.connection.prepare_cached("DELETE FROM stages WHERE zone = ?1")?.execute([row])?;
    zone_create::delete_hidden(work, row)?;
    Ok(false)
}

/// Does some of what large changes leave to the housekeeper.
pub(super) fn tend(
    connection: &Connection,
    shared: &Shared,
    writer: &Writer,
    until: Instant,
) -> Result<(), StoreError> {
    let sql = "SELECT zone, token IS NULL, renewed FROM stages";
    let found: Vec<(i64, bool, i64)> = connection.list(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    for (row, is_shown, renewed) in found {
        if is_shown {
            while Instant::now() < until && writer.run_blocking(move |work| settle(work, row))? {}
        } else if is_stale(shared.now(), renewed) {
            while Instant::now() < until && writer.run_blocking(move |work| remove_stale(work, row))? {}
        }
    }
    Ok(())
}

fn is_stale(now: Timestamp, renewed: i64) -> bool {
    now.as_millisecond().saturating_sub(renewed) > i64::try_from(STALE.as_millis()).unwrap_or(i64::MAX)
}

fn remove_stale(work: &Work, row: i64) -> Result<bool, StoreError> {
    // The look was a moment ago: its writer may have gone on.
    let sql = "SELECT renewed FROM stages WHERE zone = ?1 AND token IS NOT NULL";
    let renewed: Option<i64> = work.connection.optional(sql, [row], value)?;
    match renewed {
        Some(renewed) if is_stale(work.now(), renewed) => remove(work, row),
        _ => Ok(false),
    }
}
