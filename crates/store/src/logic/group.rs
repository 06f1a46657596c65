//! Changes that are stored together. [`plan`] plans them one after the other, each on what the ones before it do, and gives the
//! rows that the database writes for all of them at once.
//!
//! A change that is refused while it is planned has no effect on the others. One that fails after it was planned has spoiled
//! the cache: then there is no outcome, and the caller plans each change in a group of its own. It does the same where the
//! database refuses the rows, so that only the change at fault fails.

use std::collections::HashMap;

use dns::{RecordId, ZoneId};

use super::cache::{Cache, NO_ROW};
use super::change::{AT_ONCE, Prepared, check_growth, is_large, prepare};
use super::limits;
use super::source::ZoneRow;
use super::version::By;
use crate::{
    AccountId, Answer, Author, Change, ChangeError, Committed, Done, Once, Repeatable, StoreError, VersionNumber, Wish,
};

/// A change of a zone as data: it can be planned again.
pub(crate) struct ChangeJob {
    pub(crate) author: Author,
    pub(crate) zone: ZoneId,
    pub(crate) change: Change,
    /// Where the request came with a key.
    pub(crate) once: Option<Once<Committed>>,
}

impl ChangeJob {
    /// What the same request was answered before.
    fn before(&self, cache: &Cache<'_>) -> Result<Option<Done>, StoreError> {
        self.once.as_ref().map_or(Ok(None), |once| cache.answer(&once.request))
    }

    /// Whether it can be planned on what the database held before the others of its group. What reads more than single names
    /// is a group of its own.
    pub(crate) fn joins_others(&self) -> bool {
        match &self.change.wish {
            Wish::Edits(_) | Wish::Dynamic(_) => true,
            Wish::Content(_) | Wish::Version(_) | Wish::Settings(_) => false,
        }
    }
}

/// What became of a change.
pub(crate) enum Made<T> {
    /// It was made, or would be made by a dry run.
    Now(T),
    /// It came with a key.
    Keyed(Done),
    /// It is too large for one job of the writer; nothing was done.
    TooLarge,
}

impl<T> Made<T> {
    /// What was made by a request without a key.
    pub(crate) fn now(self) -> Result<T, StoreError> {
        match self {
            Made::Now(made) => Ok(made),
            Made::Keyed(_) | Made::TooLarge => Err(StoreError::Bug("a change with the outcome of another kind")),
        }
    }

    /// What became of a request with a key.
    pub(crate) fn keyed(self) -> Result<Done, StoreError> {
        match self {
            Made::Keyed(done) => Ok(done),
            Made::Now(_) | Made::TooLarge => Err(StoreError::Bug("a change with the outcome of another kind")),
        }
    }
}

/// What is answered to a change.
pub(crate) type ChangeResult = Result<Made<Committed>, ChangeError>;

/// What a group comes to: rows to write, and what to answer once they are durable.
#[derive(Default)]
pub(crate) struct Outcome<'j> {
    pub(crate) planned: Vec<Planned<'j>>,
    /// The zones that have new versions: where in `planned` the last one is, and how many records all of them began.
    pub(crate) heads: HashMap<ZoneId, (usize, u64)>,
    /// Records that one change of the group began and a later one ended: the version that ended them.
    pub(crate) short_lived: HashMap<(RecordId, VersionNumber), VersionNumber>,
    /// How many changes each limited account has made on which day.
    pub(crate) made: HashMap<AccountId, (i64, i64)>,
}

/// One change of a group.
pub(crate) enum Planned<'j> {
    /// There is nothing to write.
    Nothing(Box<ChangeResult>),
    /// There are rows to write.
    Rows(Box<NewVersion<'j>>),
}

/// A version that is to be stored, or the answer to a request that changed nothing.
pub(crate) struct NewVersion<'j> {
    pub(crate) by: By<'j>,
    pub(crate) prepared: Prepared,
    pub(crate) answer: Option<(&'j Repeatable, Answer)>,
}

impl Planned<'_> {
    fn nothing(result: ChangeResult) -> Self {
        Planned::Nothing(Box::new(result))
    }

    /// What to answer once the rows are durable.
    pub(crate) fn into_result(self) -> ChangeResult {
        match self {
            Planned::Nothing(result) => *result,
            Planned::Rows(version) => Ok(match version.answer {
                Some((_, answer)) => Made::Keyed(Done::Now(answer)),
                None => Made::Now(version.prepared.committed),
            }),
        }
    }
}

/// What a change comes to that was planned on another view of the database; `None` where the zone was changed since.
pub(crate) fn replan<'j>(
    cache: &mut Cache<'_>,
    job: &'j ChangeJob,
    prepared: Prepared,
) -> Result<Option<Outcome<'j>>, ChangeError> {
    let mut outcome = Outcome::default();
    if let Some(done) = job.before(cache)? {
        outcome.planned.push(Planned::nothing(Ok(Made::Keyed(done))));
        return Ok(Some(outcome));
    }
    let is_unmoved = |now: ZoneRow| now.zone.version == prepared.committed.before.version;
    if !cache.zone(job.author.account, job.zone)?.is_some_and(is_unmoved) {
        return Ok(None);
    }
    check_growth(cache, &job.author, prepared.committed.added.len(), prepared.ends.len())?;
    let planned = finish_one(cache, job, prepared, &mut outcome, true)?;
    outcome.planned.push(planned);
    Ok(Some(outcome))
}

/// Plans changes in their order. `None` where they have to be planned one by one; never of a single change.
pub(crate) fn plan<'j>(cache: &mut Cache<'_>, jobs: &[&'j ChangeJob]) -> Option<Outcome<'j>> {
    let mut outcome = Outcome::default();
    for (index, job) in jobs.iter().enumerate() {
        let is_last = index + 1 == jobs.len();
        match plan_one(cache, job, &mut outcome, is_last) {
            Ok(Some(planned)) => outcome.planned.push(planned),
            Ok(None) => return None,
            Err(error) => outcome.planned.push(Planned::nothing(Err(error))),
        }
    }
    Some(outcome)
}

/// `None` where it failed after it was prepared, and others are to be planned on the cache.
fn plan_one<'j>(
    cache: &mut Cache<'_>,
    job: &'j ChangeJob,
    outcome: &mut Outcome<'j>,
    is_last: bool,
) -> Result<Option<Planned<'j>>, ChangeError> {
    if let Some(done) = job.before(cache)? {
        return Ok(Some(Planned::nothing(Ok(Made::Keyed(done)))));
    }
    if is_large(cache, &job.author, job.zone, &job.change.wish)? {
        return Ok(Some(Planned::nothing(Ok(Made::TooLarge))));
    }
    let prepared = prepare(cache, &job.author, job.zone, &job.change)?;
    match finish_one(cache, job, prepared, outcome, is_last) {
        Ok(planned) => Ok(Some(planned)),
        Err(error) if is_last => Err(error),
        Err(_) => Ok(None),
    }
}

/// Turns a prepared change into rows, and shows it to the later ones of the group.
fn finish_one<'j>(
    cache: &mut Cache<'_>,
    job: &'j ChangeJob,
    prepared: Prepared,
    outcome: &mut Outcome<'j>,
    is_last: bool,
) -> Result<Planned<'j>, ChangeError> {
    let changed = prepared.committed.changed;
    if changed {
        if prepared.rows() > AT_ONCE {
            return if is_last { Ok(Planned::nothing(Ok(Made::TooLarge))) } else { Err(StoreError::Busy.into()) };
        }
        if cache.is_being_written(job.zone)? {
            return Err(StoreError::Busy.into());
        }
    }
    let answer = match &job.once {
        Some(once) => Some((&once.request, (once.answer)(&prepared.committed)?)),
        None => None,
    };
    if changed {
        let touched = prepared.touched();
        let counted = limits::check_daily(cache, &job.author, touched)?.map_err(ChangeError::DailyLimit)?;
        if let Some((day, made)) = counted {
            let made = made + touched.max(1) as i64;
            cache.note_made(job.author.account, day, made);
            outcome.made.insert(job.author.account, (day, made));
        }
        let ended = prepared.committed.removed.iter().zip(&prepared.ends);
        let begun_here = ended.filter(|(_, row)| **row == NO_ROW).map(|(ended, _)| (ended.record.id, ended.version));
        outcome.short_lived.extend(begun_here.map(|began| (began, prepared.zone.zone.version)));
        let (last, added) = outcome.heads.entry(job.zone).or_default();
        *last = outcome.planned.len();
        *added += prepared.committed.added.len() as u64;
    }
    if !is_last {
        if let Some((request, answer)) = &answer {
            cache.note_answer(request, answer);
        }
        if changed {
            cache.apply(&prepared)?;
        }
    }
    if !changed && answer.is_none() {
        return Ok(Planned::nothing(Ok(Made::Now(prepared.committed))));
    }
    let by = By { comment: job.change.comment.as_ref(), ..By::from(&job.author) };
    Ok(Planned::Rows(Box::new(NewVersion { by, prepared, answer })))
}
