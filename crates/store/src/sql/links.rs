//! One-time links: creating and using them. A link and what it is used for change in one transaction.

use jiff::SignedDuration;

use super::db::{Connection, params};
use super::readers::Size;
use super::tokens::hash;
use super::writer::Work;
use super::{accounts, events, mails, sessions};
use crate::*;

struct Row {
    id: i64,
    link: Link,
}

pub(super) const BY_HASH: &str = "SELECT id, account, email FROM links WHERE hash = ?1 AND expires > ?2";

fn by_secret(connection: &Connection, presented: &str, now: Timestamp) -> Result<Option<Row>, StoreError> {
    let found = connection.optional(BY_HASH, params![hash(presented), now.as_millisecond()], |row| {
        Ok((row.get("id")?, row.get("account")?, row.get("email")?))
    })?;
    let link = match found {
        Some((id, Some(account), _)) => accounts::active(connection, AccountId(account))?
            .map(|account| Row { id, link: Link::SignIn(Box::new(account)) }),
        Some((id, None, Some(email))) => Some(Row { id, link: Link::Invitation(email) }),
        Some((_, None, None)) | None => None,
    };
    Ok(link)
}

/// Takes the link away; `None` where it is not good any more.
fn take(work: &Work, presented: &str) -> Result<Option<Link>, StoreError> {
    let Some(Row { id, link }) = by_secret(&work.connection, presented, work.now())? else { return Ok(None) };
    work.connection.prepare_cached("DELETE FROM links WHERE id = ?1")?.execute([id])?;
    Ok(Some(link))
}

fn insert(
    work: &Work,
    account: Option<AccountId>,
    email: Option<&str>,
    good_for: SignedDuration,
    secret: &PlainSecret,
) -> Result<(), StoreError> {
    let now = work.now();
    let expires = now.checked_add(good_for).unwrap_or(now);
    work.connection
        .prepare_cached("INSERT INTO links (hash, account, email, created, expires) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![
            hash(secret.reveal()),
            account.map(|account| account.0),
            email,
            now.as_millisecond(),
            expires.as_millisecond(),
        ])?;
    Ok(())
}

/// Takes back all links into an account, also those in letters that wait.
pub(super) fn forget_of(work: &Work, account: AccountId) -> Result<(), StoreError> {
    work.connection.prepare_cached("DELETE FROM links WHERE account = ?1")?.execute([account.0])?;
    mails::drop_resets_of(work, account)
}

fn link_into(
    work: &Work,
    account: &Account,
    good_for: SignedDuration,
    secret: &PlainSecret,
    by: &Actor,
) -> Result<(), StoreError> {
    insert(work, Some(account.id), None, good_for, secret)?;
    events::insert(work, by, EventKind::LinkMade, Some(account.id), "")
}

fn invite(
    work: &Work,
    email: &str,
    good_for: SignedDuration,
    secret: PlainSecret,
    by: &Actor,
) -> Result<PlainSecret, CreateAccountError> {
    accounts::check_address(email)?;
    if accounts::by_email(&work.connection, email)?.is_some() {
        return Err(CreateAccountError::Exists(email.to_owned()));
    }
    insert(work, None, Some(email), good_for, &secret)?;
    events::insert(work, by, EventKind::Invited, None, email)?;
    Ok(secret)
}

impl Operator {
    /// Makes a one-time link into an account, good for so long; `None` where the account is suspended or closed.
    pub async fn create_link(
        &self,
        account: AccountId,
        good_for: SignedDuration,
    ) -> Result<Option<PlainSecret>, StoreError> {
        let (secret, by) = (PlainSecret::draw()?, self.by);
        let create = move |work: &Work| {
            let Some(account) = accounts::active(&work.connection, account)? else { return Ok(None) };
            link_into(work, &account, good_for, &secret, &by)?;
            Ok(Some(secret))
        };
        self.store.inner.writer.run(create).await
    }

    /// Creates a one-time link with which the owner of an address may create an account.
    pub async fn invite(&self, email: &str, good_for: SignedDuration) -> Result<PlainSecret, CreateAccountError> {
        let (secret, by, email) = (PlainSecret::draw()?, self.by, email.to_owned());
        self.store.inner.writer.run(move |work| invite(work, &email, good_for, secret, &by)).await
    }

    /// Ends every invitation, also those in letters that wait: nobody may register any more.
    pub async fn end_invitations(&self) -> Result<usize, StoreError> {
        let end = |work: &Work| -> Result<usize, StoreError> {
            work.connection.execute("DELETE FROM mails WHERE kind = ?1", [MailKind::Invitation as u8])?;
            Ok(work.connection.execute("DELETE FROM links WHERE account IS NULL", [])?)
        };
        self.store.inner.writer.run(end).await
    }
}

impl Outbox {
    /// Creates a one-time link into the account with that address; `None` where there is none, or it is suspended.
    pub async fn reset_link(
        &self,
        email: &str,
        good_for: SignedDuration,
        by: Actor,
    ) -> Result<Option<(Account, PlainSecret)>, StoreError> {
        let (secret, email) = (PlainSecret::draw()?, email.to_owned());
        let create = move |work: &Work| {
            let account = accounts::by_email(&work.connection, &email)?;
            let Some(account) = account.filter(|account| account.suspended_at.is_none()) else { return Ok(None) };
            link_into(work, &account, good_for, &secret, &by)?;
            Ok(Some((account, secret)))
        };
        self.store.inner.writer.run(create).await
    }

    /// Creates an invitation for an address. Where it has an account already: that account instead.
    pub async fn invite(
        &self,
        email: &str,
        good_for: SignedDuration,
        by: Actor,
    ) -> Result<Result<PlainSecret, Option<Account>>, StoreError> {
        let (secret, email) = (PlainSecret::draw()?, email.to_owned());
        let create = move |work: &Work| match invite(work, &email, good_for, secret, &by) {
            Ok(secret) => Ok(Ok(secret)),
            Err(CreateAccountError::Store(error)) => Err(error),
            Err(CreateAccountError::Exists(_) | CreateAccountError::Email(_)) => {
                Ok(Err(accounts::by_email(&work.connection, &email)?))
            }
        };
        self.store.inner.writer.run(create).await
    }
}

impl People {
    /// What a link is for, without using it; `None` where it is not good any more.
    pub async fn link(&self, presented: &str) -> Result<Option<Link>, StoreError> {
        if !PlainSecret::is_well_formed(presented) {
            return Ok(None);
        }
        let (now, presented) = (self.store.now(), presented.to_owned());
        let read = move |connection: &Connection| Ok(by_secret(connection, &presented, now)?.map(|row| row.link));
        self.store.inner.readers.run(Size::Small, read).await
    }

    /// Uses a link into an account: begins a session there, which waits for a code where the account has a second factor.
    /// `None` where the link is not good any more, or leads into no account.
    pub async fn sign_in_by_link(&self, presented: &str, origin: Origin) -> Result<Option<NewSession>, StoreError> {
        if !PlainSecret::is_well_formed(presented) {
            return Ok(None);
        }
        let (secret, presented) = (PlainSecret::draw()?, presented.to_owned());
        let sign_in = move |work: &Work| {
            let Some(Link::SignIn(account)) = take(work, &presented)? else { return Ok(None) };
            let by = Actor { account: Some(account.id), address: origin.address };
            events::insert(work, &by, EventKind::LinkUsed, Some(account.id), "")?;
            let waits = account.has_second_factor;
            sessions::sign_in(work, *account, waits, &origin, secret).map(Some)
        };
        self.store.inner.writer.run(sign_in).await
    }

    /// Uses an invitation: makes the account of the address that was invited, whatever address `new` says, and a session.
    pub async fn accept_invitation(
        &self,
        presented: &str,
        new: NewAccount,
        origin: Origin,
    ) -> Result<NewSession, AcceptError> {
        if !PlainSecret::is_well_formed(presented) {
            return Err(AcceptError::NoLink);
        }
        let (secret, presented) = (PlainSecret::draw()?, presented.to_owned());
        let accept = move |work: &Work| {
            let Some(Link::Invitation(email)) = take(work, &presented)? else { return Err(AcceptError::NoLink) };
            // The role was not what anybody was invited to.
            let account = accounts::create(work, NewAccount { email, role: Role::User, ..new })?;
            let by = Actor { account: Some(account.id), address: origin.address };
            events::insert(work, &by, EventKind::AccountMade, Some(account.id), "")?;
            Ok(sessions::sign_in(work, account, false, &origin, secret)?)
        };
        self.store.inner.writer.run(accept).await
    }
}
