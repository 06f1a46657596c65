//! The metrics. No label contains a zone or a client: there may be a million of each.
//!
//! The handles are created once, when the server is bound, so a recorder must be installed before. Looking up a counter by name
//! for every query would cost more than the answer.

use domain::base::iana::OptRcode;
use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge};

use crate::answer::{Outcome, Transport};

const QUERIES: &str = "zonewright_nameserver_queries_total";
const RESPONSES: &str = "zonewright_nameserver_responses_total";
const DROPPED: &str = "zonewright_nameserver_dropped_total";
const TRUNCATED: &str = "zonewright_nameserver_truncated_total";
const TRANSFERS: &str = "zonewright_nameserver_transfers_total";
const LIMITED: &str = "zonewright_nameserver_rate_limited_total";
const CONNECTIONS: &str = "zonewright_nameserver_tcp_connections";

/// The response codes that this server gives.
const RCODES: [(OptRcode, &str); 10] = [
    (OptRcode::NOERROR, "NOERROR"),
    (OptRcode::FORMERR, "FORMERR"),
    (OptRcode::SERVFAIL, "SERVFAIL"),
    (OptRcode::NXDOMAIN, "NXDOMAIN"),
    (OptRcode::NOTIMP, "NOTIMP"),
    (OptRcode::REFUSED, "REFUSED"),
    (OptRcode::YXDOMAIN, "YXDOMAIN"),
    (OptRcode::NOTAUTH, "NOTAUTH"),
    (OptRcode::BADVERS, "BADVERS"),
    (OptRcode::BADCOOKIE, "BADCOOKIE"),
];

/// Handles of the counters.
pub(crate) struct Metrics {
    udp: Counter,
    tcp: Counter,
    responses: [Counter; RCODES.len()],
    dropped: Counter,
    truncated: Counter,
    transfers: Counter,
    limited_dropped: Counter,
    limited_truncated: Counter,
    /// Open TCP connections.
    pub(crate) connections: Gauge,
}

impl Metrics {
    /// Registers with the recorder that is installed.
    pub(crate) fn register() -> Metrics {
        describe_counter!(QUERIES, "Messages received, by transport");
        describe_counter!(RESPONSES, "Responses sent, by response code; a zone transfer is one");
        describe_counter!(DROPPED, "Messages received that are no queries, and were not answered");
        describe_counter!(TRUNCATED, "Responses that sent the client to TCP");
        describe_counter!(TRANSFERS, "Zone transfers begun (AXFR, and IXFR answered with the zone)");
        describe_counter!(LIMITED, "Responses that rate limiting did not send, or sent truncated");
        describe_gauge!(CONNECTIONS, "TCP connections open");
        Metrics {
            udp: counter!(QUERIES, "transport" => "udp"),
            tcp: counter!(QUERIES, "transport" => "tcp"),
            responses: RCODES.map(|(_, name)| counter!(RESPONSES, "rcode" => name)),
            dropped: counter!(DROPPED),
            truncated: counter!(TRUNCATED),
            transfers: counter!(TRANSFERS),
            limited_dropped: counter!(LIMITED, "action" => "dropped"),
            limited_truncated: counter!(LIMITED, "action" => "truncated"),
            connections: gauge!(CONNECTIONS),
        }
    }

    /// Counts one message and what became of it.
    pub(crate) fn count(&self, transport: Transport, outcome: &Outcome) {
        match transport {
            Transport::Udp => self.udp.increment(1),
            Transport::Tcp => self.tcp.increment(1),
        }
        let answered = match outcome {
            Outcome::Dropped => return self.dropped.increment(1),
            Outcome::Limited => return self.limited_dropped.increment(1),
            Outcome::Transfer(_) => {
                self.transfers.increment(1);
                OptRcode::NOERROR
            }
            Outcome::Replied { rcode, truncated, limited } => {
                if *limited {
                    self.limited_truncated.increment(1);
                } else if *truncated {
                    self.truncated.increment(1);
                }
                *rcode
            }
        };
        if let Some(at) = RCODES.iter().position(|(rcode, _)| *rcode == answered) {
            self.responses[at].increment(1);
        }
    }
}
