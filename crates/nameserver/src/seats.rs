//! The open TCP connections, and which one is closed for a new one.
//!
//! One address (for IPv6, a /64) gets at most a quarter of the places, so that a client cannot keep all others out. If it has its
//! quarter, or if all places are taken, the new connection replaces the one that has waited longest for a query. A connection
//! that is being answered is never closed; if there is no other, the new one is closed. Exempt clients (this machine,
//! secondaries) can have all places, and give one up only for each other.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::settings::TcpLimits;

/// All places.
pub(crate) struct Seats {
    limits: TcpLimits,
    /// Counts the waits, so that of two connections it is always known which waits longer.
    waits: AtomicU64,
    taken: Mutex<Vec<Arc<Seat>>>,
}

/// One connection's place.
struct Seat {
    network: u128,
    is_exempt: bool,
    /// The number of the wait for the next query; 0 while a query is being answered.
    idle_since: AtomicU64,
    leave: CancellationToken,
}

/// A connection's place as long as the value lives.
pub(crate) struct Taken {
    seats: Arc<Seats>,
    seat: Arc<Seat>,
}

impl Seats {
    pub(crate) fn new(limits: TcpLimits) -> Seats {
        Seats { limits, waits: AtomicU64::new(0), taken: Mutex::default() }
    }

    /// Takes a place for a client, perhaps another connection's; `None` where it gets none.
    pub(crate) fn take(self: &Arc<Self>, client: IpAddr) -> Option<Taken> {
        let client = client.to_canonical();
        let (network, most) = (network(client), self.limits.connections);
        let is_exempt = self.limits.exempt.iter().any(|exempt| exempt.contains(&client));
        let mut taken = self.taken();
        let is_own = |seat: &Seat| !seat.is_exempt && seat.network == network;
        if !is_exempt && taken.iter().filter(|seat| is_own(seat)).count() >= (most / 4).max(1) {
            make_room(&mut taken, is_own)?;
        } else if taken.len() >= most {
            let others = make_room(&mut taken, |seat| !seat.is_exempt);
            others.or_else(|| is_exempt.then(|| make_room(&mut taken, |_| true)).flatten())?;
        }
        let seat =
            Seat { network, is_exempt, idle_since: AtomicU64::new(self.next_wait()), leave: CancellationToken::new() };
        let seat = Arc::new(seat);
        taken.push(Arc::clone(&seat));
        Some(Taken { seats: Arc::clone(self), seat })
    }

    /// Whether fewer than a quarter of the places are free.
    pub(crate) fn are_scarce(&self) -> bool {
        let (taken, most) = (self.taken().len(), self.limits.connections);
        most.saturating_sub(taken) < most / 4
    }

    fn taken(&self) -> MutexGuard<'_, Vec<Arc<Seat>>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next_wait(&self) -> u64 {
        self.waits.fetch_add(1, Relaxed) + 1
    }
}

/// Ends the connection that has been idle for longest among those that may go; `None` where there is none.
fn make_room(taken: &mut Vec<Arc<Seat>>, may_go: impl Fn(&Seat) -> bool) -> Option<()> {
    let idle = taken.iter().enumerate().filter(|(_, seat)| may_go(seat));
    let idle = idle.map(|(at, seat)| (seat.idle_since.load(Relaxed), at)).filter(|(since, _)| *since != 0);
    let (_, at) = idle.min()?;
    taken.remove(at).leave.cancel();
    Some(())
}

impl Taken {
    /// A query is waited for from now on.
    pub(crate) fn wait(&self) {
        self.seat.idle_since.store(self.seats.next_wait(), Relaxed);
    }

    /// A query came.
    pub(crate) fn work(&self) {
        self.seat.idle_since.store(0, Relaxed);
    }

    /// Resolves when the place is another connection's.
    pub(crate) async fn lost(&self) {
        self.seat.leave.cancelled().await;
    }

    pub(crate) fn seats(&self) -> &Seats {
        &self.seats
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut taken = self.seats.taken();
        if let Some(at) = taken.iter().position(|seat| Arc::ptr_eq(seat, &self.seat)) {
            taken.remove(at);
        }
    }
}

/// What counts as one address: an IPv4 address, an IPv6 /64.
fn network(client: IpAddr) -> u128 {
    match client {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits() >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(connections: usize) -> Arc<Seats> {
        Arc::new(Seats::new(TcpLimits { connections, ..TcpLimits::default() }))
    }

    fn take(seats: &Arc<Seats>, client: &str) -> Option<Taken> {
        seats.take(client.parse().unwrap())
    }

    fn is_lost(taken: &Taken) -> bool {
        taken.seat.leave.is_cancelled()
    }

    #[test]
    fn an_address_gets_a_quarter_and_gives_up_its_longest_idle_connection() {
        let seats = seats(8);
        let first = take(&seats, "2001:db8::1").unwrap();
        let second = take(&seats, "2001:db8::2").unwrap();
        first.work();
        first.wait();
        let third = take(&seats, "2001:db8::3").unwrap();
        assert_eq!([&first, &second, &third].map(is_lost), [false, true, false]);
        let other = take(&seats, "2001:db8:0:1::1").unwrap();
        assert_eq!([&first, &third, &other].map(is_lost), [false, false, false]);
        // Both are being answered: there is nothing to give up.
        first.work();
        third.work();
        assert!(take(&seats, "2001:db8::4").is_none());
        drop(first);
        assert!(take(&seats, "2001:db8::4").is_some());
    }

    #[test]
    fn where_all_places_are_taken_the_longest_idle_goes_and_exempt_ones_last() {
        let seats = seats(4);
        let here = take(&seats, "127.0.0.1").unwrap();
        let mut others: Vec<Taken> = (1..4).map(|host| take(&seats, &format!("192.0.2.{host}")).unwrap()).collect();
        let newcomer = take(&seats, "192.0.2.4").unwrap();
        assert_eq!((is_lost(&here), is_lost(&others[0])), (false, true));
        for other in &others {
            other.work();
        }
        newcomer.work();
        assert!(take(&seats, "192.0.2.5").is_none(), "an exempt connection is not given up for another client");
        let again = take(&seats, "127.0.0.1").unwrap();
        assert_eq!((is_lost(&here), is_lost(&again)), (true, false));
        assert!(seats.are_scarce());
        others.clear();
        drop((newcomer, here, again));
        assert!(!seats.are_scarce() && seats.taken().is_empty());
    }

    #[test]
    fn an_exempt_client_may_have_all() {
        let seats = seats(8);
        let all: Vec<Taken> = (0..8).map(|_| take(&seats, "::ffff:127.0.0.1").unwrap()).collect();
        assert!(!all.iter().any(is_lost));
    }
}
