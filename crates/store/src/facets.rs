//! Facets: each part of the program holds the facet of the store that its work needs, and nothing else.
//!
//! | facet | used by | what it allows |
//! |---|---|---|
//! | [`Journal`] | deployment | reading what nameservers are to serve, and raising serials |
//! | [`People`] | sign-in pages, the API's authentication | signing in, registering, checking a token |
//! | [`Doors`] | dynamic updates and the HTTP protocols of existing clients | finding an update key and acting as it |
//! | [`Person`] | pages of a signed-in user | one account: its password, sessions, tokens, names |
//! | [`Tenant`](crate::Tenant) | API operations, pages of zones | the zones of one account, as a token or a session may |
//! | [`Operator`] | the command line, pages of operators | all accounts and zones, and the database itself |
//! | [`Outbox`] | mail | the queue of mail, and what is to be written to owners |
//!
//! [`Store`] creates them, so the holder of a `Store` decides: the dashboard gives an `Operator` only to a request with an
//! operator's session. The methods stand beside their SQL, in `sqlite`.

use crate::{AccountId, Actor, Clock, Store, Timestamp};

/// What deployment sees: every zone that nameservers are to serve, in all accounts.
#[derive(Debug, Clone)]
pub struct Journal {
    pub(crate) store: Store,
}

/// Signing in, and whom a token speaks for.
#[derive(Debug, Clone)]
pub struct People {
    pub(crate) store: Store,
}

/// Update keys, as their holders present them.
#[derive(Debug, Clone)]
pub struct Doors {
    pub(crate) store: Store,
}

/// One account, as its owner may change it. The audit trail names `by`: the owner, or an operator.
#[derive(Debug, Clone)]
pub struct Person {
    pub(crate) store: Store,
    pub(crate) account: AccountId,
    pub(crate) by: Actor,
}

/// All accounts and zones, and the database. The audit trail names `by`.
#[derive(Debug, Clone)]
pub struct Operator {
    pub(crate) store: Store,
    pub(crate) by: Actor,
}

/// The queue of mail, and what is to be written to owners.
#[derive(Debug, Clone)]
pub struct Outbox {
    pub(crate) store: Store,
}

impl Store {
    /// What deployment may do.
    pub fn journal(&self) -> Journal {
        Journal { store: self.clone() }
    }

    /// What needs no sign-in.
    pub fn people(&self) -> People {
        People { store: self.clone() }
    }

    /// What is done with update keys.
    pub fn doors(&self) -> Doors {
        Doors { store: self.clone() }
    }

    /// What may be done to one account.
    pub fn person(&self, account: AccountId, by: Actor) -> Person {
        Person { store: self.clone(), account, by }
    }

    /// What an operator may do.
    pub fn operator(&self, by: Actor) -> Operator {
        Operator { store: self.clone(), by }
    }

    /// What the operator's command line may do.
    pub fn command_line(&self) -> Operator {
        self.operator(Actor::command_line())
    }

    /// What the sender of mail may do.
    pub fn outbox(&self) -> Outbox {
        Outbox { store: self.clone() }
    }
}

impl Journal {
    /// The clock that the store was opened with.
    pub fn clock(&self) -> Clock {
        self.store.clock()
    }

    /// [`Store::now`].
    pub fn now(&self) -> Timestamp {
        self.store.now()
    }
}

impl Operator {
    /// One of the accounts, as its owner may change it.
    pub fn person(&self, account: AccountId) -> Person {
        self.store.person(account, self.by)
    }
}

impl Outbox {
    /// [`Store::now`].
    pub fn now(&self) -> Timestamp {
        self.store.now()
    }
}
