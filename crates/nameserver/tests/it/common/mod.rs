//! What the tests share: a real `named`, our server, zones from text, and a client that reads responses into sets.

pub(crate) mod client;
pub(crate) mod named;
pub(crate) mod zones;

use std::net::{Ipv4Addr, SocketAddr};

use nameserver::{Server, Settings, Zones};
use tokio_util::sync::CancellationToken;

/// Our server, answering on a port of its own until it is dropped.
pub(crate) struct Ours {
    pub(crate) zones: Zones,
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
    _runtime: tokio::runtime::Runtime,
}

impl Ours {
    /// With zone transfers, which many tests look at zones by.
    pub(crate) fn start() -> Ours {
        Ours::start_with(Settings { loopback_transfers: true, ..Settings::default() })
    }

    pub(crate) fn start_with(settings: Settings) -> Ours {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let zones = Zones::new();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let server = {
            let _inside = runtime.enter();
            Server::bind(any, zones.clone(), settings).unwrap()
        };
        let address = server.local_addr();
        let stop = CancellationToken::new();
        runtime.spawn(server.run(stop.clone()));
        Ours { zones, address, stop, _runtime: runtime }
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Random numbers that are the same in every run (SplitMix64).
pub(crate) struct Random(pub u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    pub(crate) fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }
}
