//! Messages that another part of the program answers: dynamic updates, signed queries, transfers for customers.
//!
//! A [`Door`] shares the sockets of a [`Server`](crate::Server), with their limits: connections, time-outs, and the rate of
//! responses over UDP. Without zones of its own, a server is nothing but the sockets of its door.
//!
//! Decided against: sockets of their own for updates. Clients send queries, updates and transfers to one address, some of them
//! on one connection.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;

use domain::base::header::HeaderSection;
use domain::base::message::Message;

use crate::answer::{Context, Incoming, Outcome, Scratch, Transport, respond};
use crate::rrl::{ResponseKind, Verdict};
use crate::{Settings, Zones};

/// Answers some of the messages that a server receives.
pub trait Door: Send + Sync {
    /// Whether the message is for this door. Called for each message, before anything else is done with it.
    fn takes(&self, message: &[u8]) -> bool;

    /// Answers a message; `None` where it is no request.
    fn answer(&self, message: Vec<u8>, client: Client) -> Pin<Box<dyn Future<Output = Option<Reply>> + Send + '_>>;
}

/// Who sent a message, and how.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    /// The address. Over UDP it may be forged.
    pub address: SocketAddr,
    /// How the message came.
    pub transport: Transport,
}

/// The response to a message.
pub struct Reply {
    /// Its messages, written as they are sent. Over UDP only the first is sent.
    pub messages: Box<dyn Iterator<Item = Vec<u8>> + Send>,
    /// Whether the client has shown that it is no other: then rate limiting over UDP does not count the response.
    pub is_verified: bool,
}

impl Reply {
    /// A response of one message.
    pub fn one(message: Vec<u8>, is_verified: bool) -> Reply {
        Reply { messages: Box::new(std::iter::once(message)), is_verified }
    }
}

impl Context {
    /// What is sent of a door's response over UDP: all of it, or what rate limiting leaves.
    pub(crate) fn limit(&self, reply: Reply, client: &Client) -> Option<Vec<u8>> {
        let Reply { mut messages, is_verified } = reply;
        let message = messages.next()?;
        let verdict = match &self.limiter {
            // By network alone: what such a response says is not looked at.
            Some(limiter) if !is_verified => {
                limiter.judge(client.address.ip().to_canonical(), ResponseKind::Error, &[])
            }
            _ => Verdict::Send,
        };
        match verdict {
            Verdict::Send => Some(message),
            Verdict::Slip => truncated(&message),
            Verdict::Drop => None,
        }
    }
}

/// The header and the question of a response, with the bit that sends the client to TCP.
fn truncated(message: &[u8]) -> Option<Vec<u8>> {
    let message = Message::from_octets(message).ok()?;
    let mut header: HeaderSection = message.header_section();
    header.header_mut().set_tc(true);
    let counts = header.counts_mut();
    counts.set_ancount(0);
    counts.set_nscount(0);
    counts.set_arcount(0);
    let end = message.answer().ok()?.pos();
    let question = message.as_slice().get(header.as_slice().len()..end)?;
    Some([header.as_slice(), question].concat())
}

/// Answers queries for a door, from zones that the door brings.
pub struct Responder(Context);

impl Default for Responder {
    /// Without server cookies and without limits: those are the server's.
    fn default() -> Responder {
        let settings = Settings { rate_limit: None, ..Settings::default() };
        Responder(Context::new(Zones::new(), settings, None))
    }
}

impl Responder {
    /// The response to a query, with room left for `reserved` octets; `None` where the message is no query. Transfers are
    /// refused.
    pub fn answer(&self, zones: &Zones, query: &[u8], client: &Client, reserved: usize) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        let incoming = Incoming { packet: query, transport: client.transport, client: client.address.ip(), reserved };
        match respond(&self.0, zones, incoming, &mut Scratch::default(), &mut out) {
            Outcome::Replied { .. } => Some(out),
            Outcome::Dropped | Outcome::Limited | Outcome::Transfer(_) => None,
        }
    }
}
