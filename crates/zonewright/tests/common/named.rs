//! A `named` beside the server: the operator's own primary, or a secondary.

use std::collections::BTreeSet;
use std::fs::File;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use super::{Server, run_dig, wait_for};

/// A named of the operator's, ended with the value.
pub(crate) struct Named(Child);

impl Named {
    #[track_caller]
    pub(crate) fn start(config: &Path, log: &Path, address: &str) -> Named {
        let log = File::create(log).expect("a log");
        let child = Command::new("named").arg("-g").arg("-c").arg(config).stdout(Stdio::null()).stderr(log).spawn();
        let named = Named(child.expect("named is installed (Debian: bind9)"));
        let address = address.parse().expect("an address");
        wait_for("named to answer", || answers(address).then_some(()));
        named
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, which is what was wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether anything listens for DNS there.
fn answers(address: SocketAddr) -> bool {
    std::net::TcpStream::connect(address).is_ok()
}

/// The data of the A records that a nameserver has at a name; nothing where it does not answer.
#[track_caller]
pub(crate) fn dig(address: &str, name: &str) -> String {
    let (host, port) = address.rsplit_once(':').expect("an address with a port");
    let at = format!("@{host}");
    let output = run_dig(&[&at, "-p", port, "+short", "+time=1", "+tries=1"], &[name, "A"]);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Loopback addresses whose ports are free for UDP and TCP; held together, so that they differ.
#[track_caller]
pub(crate) fn free_addresses<const N: usize>() -> [String; N] {
    let held: [(TcpListener, UdpSocket); N] = std::array::from_fn(|_| {
        wait_for("a port that is free for both", || {
            let tcp = TcpListener::bind("127.0.0.1:0").ok()?;
            let udp = UdpSocket::bind(tcp.local_addr().ok()?).ok()?;
            // Two nameds would share one port without a word.
            static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
            let is_new = GIVEN.lock().expect("nobody panics with it").insert(udp.local_addr().ok()?.port());
            is_new.then_some((tcp, udp))
        })
    });
    held.map(|(tcp, _)| tcp.local_addr().expect("its address").to_string())
}

/// Waits until the primary has its catalogs. A secondary that asks before there are any tries again only after a minute. They are
/// made sixteen at a time, in order.
#[track_caller]
pub(crate) fn wait_for_catalogs(server: &Server) {
    for catalog in 0xf0..=0xff_u8 {
        let name = format!("c{catalog:02x}.catalogs.zonewright.invalid");
        wait_for("the primary to have its catalogs", || (!server.dig(&[&name, "SOA"]).is_empty()).then_some(()));
    }
}
