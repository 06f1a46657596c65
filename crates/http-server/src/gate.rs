//! Limits the memory of concurrent large requests and responses, per account and in total.
//!
//! Requests above the limit are refused and can be retried. If they waited, their already received part would stay in memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// Counts the octets in progress. `K` identifies an account. Clones share the count.
#[derive(Debug, Clone)]
pub struct Gate<K>(Arc<Inner<K>>);

#[derive(Debug)]
struct Inner<K> {
    per_account: usize,
    total: usize,
    held: Mutex<Held<K>>,
}

#[derive(Debug)]
struct Held<K> {
    all: usize,
    accounts: HashMap<K, usize>,
}

/// Why there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// The account has reached its limit of octets in progress.
    #[error("this account has other large requests in progress")]
    Account(usize),
    /// All accounts together have reached the server's limit.
    #[error("the server has too many large requests in progress")]
    Server,
}

/// Room for some octets, until it is dropped.
#[derive(Debug)]
pub struct Permit<K: Copy + Eq + Hash> {
    gate: Gate<K>,
    account: K,
    octets: usize,
}

impl<K: Copy + Eq + Hash> Gate<K> {
    /// A gate that admits so many octets for each account, and for all together.
    pub fn new(per_account: usize, total: usize) -> Gate<K> {
        let held = Held { all: 0, accounts: HashMap::new() };
        Gate(Arc::new(Inner { per_account, total, held: Mutex::new(held) }))
    }

    /// Room for so many octets of an account. What is larger than a whole share is let in alone.
    ///
    /// # Errors
    ///
    /// There is no room; there will be when something else has ended.
    pub fn enter(&self, account: K, octets: usize) -> Result<Permit<K>, Full> {
        let mut permit = Permit { gate: Gate(Arc::clone(&self.0)), account, octets: 0 };
        permit.grow(octets)?;
        Ok(permit)
    }
}

impl<K: Copy + Eq + Hash> Permit<K> {
    /// Room for so many more.
    ///
    /// # Errors
    ///
    /// As [`Gate::enter`]; what it has it keeps.
    pub fn grow(&mut self, octets: usize) -> Result<(), Full> {
        let Inner { per_account, total, held } = &*self.gate.0;
        let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
        let of_account = held.accounts.get(&self.account).copied().unwrap_or_default();
        let fits = |others: usize, most: usize| others == 0 || others + self.octets + octets <= most;
        if !fits(of_account - self.octets, *per_account) {
            return Err(Full::Account(*per_account));
        }
        if !fits(held.all - self.octets, *total) {
            return Err(Full::Server);
        }
        held.all += octets;
        *held.accounts.entry(self.account).or_default() += octets;
        self.octets += octets;
        Ok(())
    }
}

impl<K: Copy + Eq + Hash + Send + Sync + Unpin + 'static> Permit<K> {
    /// A body that has this room until it is sent or dropped.
    pub fn hold(self, body: Body) -> Body {
        Body::new(Holding { body, _permit: self })
    }
}

/// A body with its room.
struct Holding<K: Copy + Eq + Hash> {
    body: Body,
    _permit: Permit<K>,
}

impl<K: Copy + Eq + Hash + Unpin> HttpBody for Holding<K> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<K: Copy + Eq + Hash> Drop for Permit<K> {
    fn drop(&mut self) {
        let mut held = self.gate.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.all -= self.octets;
        if let Some(of_account) = held.accounts.get_mut(&self.account) {
            *of_account -= self.octets;
            if *of_account == 0 {
                held.accounts.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_its_share_and_all_have_theirs_together() {
        let gate = Gate::new(10, 25);
        let [a, b, c, d] = [1, 2, 3, 4];
        let mut first = gate.enter(a, 6).unwrap();
        assert_eq!(gate.enter(a, 5).unwrap_err(), Full::Account(10));
        assert_eq!(first.grow(3), Ok(()));
        let second = gate.enter(a, 1).unwrap();
        assert_eq!(first.grow(1), Err(Full::Account(10)));
        let third = gate.enter(b, 10).unwrap();
        assert_eq!(gate.enter(c, 6).unwrap_err(), Full::Server);
        let fourth = gate.enter(c, 5).unwrap();
        drop((first, second));
        assert!(gate.enter(a, 10).is_ok(), "its room is free again");
        drop((third, fourth));
        let large = gate.enter(d, 100).unwrap();
        assert_eq!(gate.enter(a, 1).unwrap_err(), Full::Server);
        drop(large);
        assert_eq!(gate.0.held.lock().unwrap().accounts.len(), 0);
    }
}
