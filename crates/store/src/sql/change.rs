//! Changing a zone: small changes go to the writer as data, large ones are written in steps, dry runs stay on a reader.

use std::sync::Arc;

use dns::ZoneId;

use super::answers;
use super::db::Connection;
use super::readers::Size;
use super::writer::View;
use crate::logic::change::{AT_ONCE, prepare, weight};
use crate::logic::group::{ChangeJob, Made};
use crate::*;

impl Store {
    /// Changes a zone: wholly or not at all. Durable when it returns.
    pub async fn change(
        &self,
        author: &Author,
        zone: ZoneId,
        change: impl Into<Change>,
    ) -> Result<Committed, ChangeError> {
        let job = ChangeJob { author: author.clone(), zone, change: change.into(), once: None };
        if job.change.dry_run && weight(&job.change.wish) <= AT_ONCE {
            return self.rehearse(job).await;
        }
        Ok(self.make(job).await?.now()?)
    }

    /// [`Store::change`], done once however often the request comes. Not for dry runs, which may be repeated as they are.
    pub async fn change_once(
        &self,
        author: &Author,
        zone: ZoneId,
        change: Change,
        once: Once<Committed>,
    ) -> Result<Done, ChangeError> {
        let job = ChangeJob { author: author.clone(), zone, change, once: Some(once) };
        Ok(self.make(job).await?.keyed()?)
    }

    /// What a change would do, worked out on a reader's view of the zone: the writer has no part in it.
    async fn rehearse(&self, job: ChangeJob) -> Result<Committed, ChangeError> {
        let shared = Arc::clone(&self.inner.shared);
        let read = move |connection: &Connection| {
            let view = View { connection, shared: &shared };
            let ChangeJob { author, zone, change, .. } = &job;
            Ok(prepare(&mut view.cache(), author, *zone, change).map(|prepared| prepared.committed))
        };
        self.inner.readers.run(Size::Large, read).await?
    }

    async fn make(&self, job: ChangeJob) -> Result<Made<Committed>, ChangeError> {
        if job.change.dry_run {
            return self.change_large(job).await;
        }
        self.inner.shared.stages.none_of(job.zone).await;
        if weight(&job.change.wish) > AT_ONCE {
            return self.change_large(job).await;
        }
        match self.inner.writer.change(job).await? {
            (Ok(Made::TooLarge), job) => self.change_large(job).await,
            (result, _) => result,
        }
    }

    /// What a request under this key got before, in the last 24 hours. A hint, to spare work: what makes the change asks again.
    pub async fn done_before(&self, request: &Repeatable) -> Result<Option<Done>, StoreError> {
        let (request, now) = (request.clone(), self.now());
        self.inner.readers.run(Size::Small, move |connection| answers::find(connection, &request, now)).await
    }
}
