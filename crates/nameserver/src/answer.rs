//! Answers a query: the algorithm of RFC 1034, section 4.3.2, over one version of one zone.
//!
//! A query sees one version, from its question to its additional records. CNAMEs are followed and addresses added only inside
//! that zone, as BIND does; records of another zone on this server are never used.
//!
//! A positive answer has no authority section (BIND's `minimal-responses no-auth`): the NS set there tells a resolver nothing new
//! and takes the room for addresses.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::Guard;
use dns::RecordType;
use domain::base::header::Header;
use domain::base::iana::{Class, OptRcode, OptionCode, Rcode, Rtype};

use crate::Zones;
use crate::cookie::Jar;
use crate::door::Door;
use crate::name::{FlatName, RelativeKey, labels};
use crate::node::{Node, Rrset};
use crate::request::{Question, Request};
use crate::rrl::{Limiter, ResponseKind, Verdict};
use crate::settings::Settings;
use crate::transfer::{self, Transfer};
use crate::writer::{Compression, Full, OptReply, Section, Writer};
use crate::zone::{Found, Zone};

/// The most octets sent over UDP, whatever the client takes: what passes without fragmentation nearly everywhere, and
/// BIND's `max-udp-size`.
pub(crate) const MAX_UDP: u16 = 1232;
/// What a client without EDNS takes over UDP (RFC 1035, section 4.2.1).
const PLAIN_UDP: u16 = 512;
/// CNAMEs followed for one answer. A chain that is longer, or a loop, is SERVFAIL with the part that was followed.
const MAX_CNAMES: usize = 11;
/// RRsets of more records get no additional addresses: looking them all up would make one query as dear as many.
const MAX_ADDITIONAL_TARGETS: u16 = 13;

const A: u16 = RecordType::A.code();
const AAAA: u16 = RecordType::Aaaa.code();
const NS: u16 = RecordType::Ns.code();
const CNAME: u16 = RecordType::Cname.code();
const SOA: u16 = RecordType::Soa.code();
const DNAME: u16 = RecordType::Dname.code();

/// What all queries are answered from.
pub(crate) struct Context {
    pub(crate) zones: Zones,
    pub(crate) door: Option<Arc<dyn Door>>,
    pub(crate) loopback_transfers: bool,
    pub(crate) limiter: Option<Limiter>,
    cookies: Jar,
    require_server_cookie: bool,
    nsid: Vec<u8>,
    clock: fn() -> u64,
}

impl Context {
    pub(crate) fn new(zones: Zones, settings: Settings, door: Option<Arc<dyn Door>>) -> Context {
        let Settings { rate_limit, cookie_secrets, require_server_cookie, nsid, loopback_transfers, clock, tcp: _ } =
            settings;
        let (limiter, cookies) = (rate_limit.map(Limiter::new), Jar::new(cookie_secrets));
        Context { zones, door, loopback_transfers, limiter, cookies, require_server_cookie, nsid, clock }
    }
}

/// How a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// Over UDP.
    Udp,
    /// Over TCP.
    Tcp,
}

/// A message that is to be answered.
#[derive(Clone, Copy)]
pub(crate) struct Incoming<'p> {
    pub(crate) packet: &'p [u8],
    pub(crate) transport: Transport,
    pub(crate) client: IpAddr,
    /// How many octets of the response are left for what is appended to it.
    pub(crate) reserved: usize,
}

/// The client, its transport, and what the response needs of both.
pub(crate) struct Asked<'o> {
    pub(crate) transport: Transport,
    /// An IPv4 client of an IPv6 socket as an IPv4 address.
    pub(crate) client: IpAddr,
    /// The options of the response, in wire form.
    pub(crate) options: &'o [u8],
}

/// What became of a message.
pub(crate) enum Outcome {
    /// It is no query.
    Dropped,
    /// Its client has reached the rate limit.
    Limited,
    /// The response is in the buffer.
    Replied {
        /// With the bits that EDNS adds.
        rcode: OptRcode,
        /// Whether it says that there is more over TCP.
        truncated: bool,
        /// Whether it is truncated because of the rate limit over UDP.
        limited: bool,
    },
    /// The response is a whole zone, to be streamed.
    Transfer(Transfer),
}

/// Memory that queries use one after the other.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    compression: Compression,
    key: RelativeKey,
    options: Vec<u8>,
}

/// Answers one message from these zones; the response is appended to `out`.
pub(crate) fn respond(
    context: &Context,
    zones: &Zones,
    incoming: Incoming<'_>,
    scratch: &mut Scratch,
    out: &mut Vec<u8>,
) -> Outcome {
    let Incoming { packet, transport, client, reserved } = incoming;
    let Some(request) = Request::read(packet) else { return Outcome::Dropped };
    let client = client.to_canonical();
    let Scratch { compression, key, options } = scratch;
    let knows_client = read_options(context, &request, client, options);
    let asked = Asked { transport, client, options };
    let limit: usize = match (transport, request.edns) {
        (Transport::Tcp, _) => crate::writer::MAX_MESSAGE,
        (Transport::Udp, None) => PLAIN_UDP.into(),
        (Transport::Udp, Some(edns)) => edns.payload_size.clamp(PLAIN_UDP, MAX_UDP).into(),
    };
    let mut reply = Reply {
        writer: Writer::new(
            out,
            compression,
            limit.saturating_sub(reserved),
            request.opt_reply(OptRcode::NOERROR, options),
        ),
        aa: false,
        tc: false,
        rcode: request.fault.unwrap_or(OptRcode::NOERROR),
        counted: (ResponseKind::Error, 0),
    };
    let has_cookie = request.edns.is_some_and(|edns| edns.cookie.is_some());
    let is_cookie_missing = context.require_server_cookie && transport == Transport::Udp && has_cookie && !knows_client;
    if let Some(question) = &request.question {
        reply.writer.question(question.asked.wire(), question.qtype, question.qclass);
        if request.fault.is_none() && is_cookie_missing {
            reply.rcode = OptRcode::BADCOOKIE;
        } else if request.fault.is_none() {
            match transfer::kind(question.qtype) {
                _ if question.qclass != Class::IN.to_int() => reply.rcode = class_fault(question.qclass),
                Some(kind) => match transfer::start(kind, (context, zones), &request, question, &asked) {
                    Ok(transfer::Start::Stream(transfer)) => {
                        reply.discard();
                        return Outcome::Transfer(transfer);
                    }
                    Ok(transfer::Start::SoaOnly(zone)) => reply.soa_answer(&zone, question),
                    Err(rcode) => reply.rcode = rcode,
                },
                None => query(zones, question, transport, key, &mut reply),
            }
        }
    }
    let limiter = context.limiter.as_ref().filter(|_| transport == Transport::Udp && !knows_client);
    let mut limited = false;
    if let Some(limiter) = limiter {
        let (kind, skipped) = reply.counted;
        let name = request.question.as_ref().map_or(&[][..], |question| question.name.suffix(skipped));
        match limiter.judge(client, kind, name) {
            Verdict::Send => {}
            Verdict::Slip => {
                limited = true;
                reply.truncate();
            }
            Verdict::Drop => {
                reply.discard();
                return Outcome::Limited;
            }
        }
    }
    reply.finish(&request, options, limited)
}

/// Prepares the options of the response, and says whether the query has a valid server cookie.
fn read_options(context: &Context, request: &Request, client: IpAddr, options: &mut Vec<u8>) -> bool {
    options.clear();
    let Some(edns) = request.edns.filter(|_| request.fault.is_none_or(|fault| fault == OptRcode::NOTIMP)) else {
        return false;
    };
    let mut put = |code: OptionCode, data: &[u8]| {
        options.extend(code.to_int().to_be_bytes());
        options.extend((data.len() as u16).to_be_bytes());
        options.extend(data);
    };
    if edns.nsid && !context.nsid.is_empty() {
        put(OptionCode::NSID, &context.nsid);
    }
    let Some(cookie) = edns.cookie else { return false };
    let now = (context.clock)();
    let Some(fresh) = context.cookies.make(cookie.client, client, now) else { return false };
    put(OptionCode::COOKIE, &fresh);
    context.cookies.is_valid(&cookie, client, now)
}

/// A response in the making.
struct Reply<'b> {
    writer: Writer<'b>,
    aa: bool,
    tc: bool,
    rcode: OptRcode,
    /// What the response is counted as by rate limiting, and how many labels the name that it is counted by lacks of the one
    /// that was asked for.
    counted: (ResponseKind, usize),
}

impl Reply<'_> {
    fn finish(self, request: &Request, options: &[u8], limited: bool) -> Outcome {
        let header = response_header(request, self.aa, self.tc, self.rcode.rcode());
        self.writer.finish(header, request.opt_reply(self.rcode, options));
        Outcome::Replied { rcode: self.rcode, truncated: self.tc, limited }
    }

    fn discard(self) {
        self.writer.discard();
    }

    /// What was to be in the answer does not fit: all of it is left to TCP (RFC 2181, section 9).
    fn truncate(&mut self) {
        self.writer.clear();
        self.tc = true;
    }

    /// The SOA as the answer; with IXFR, "this is what there is" (RFC 1995, section 2).
    fn soa_answer(&mut self, zone: &Zone, question: &Question) {
        self.aa = true;
        self.counted = (ResponseKind::Answer { qtype: question.qtype }, 0);
        if let Some(soa) = zone.apex().and_then(|apex| apex.rrset(SOA))
            && self.writer.rrset(Section::Answer, question.name.wire(), soa, soa.ttl).is_err()
        {
            self.truncate();
        }
    }
}

impl Request {
    /// The OPT record of the response, where the client says something of EDNS.
    fn opt_reply<'o>(&self, rcode: OptRcode, options: &'o [u8]) -> Option<OptReply<'o>> {
        self.edns.map(|edns| opt_reply(rcode, edns.dnssec_ok, options))
    }
}

pub(crate) fn opt_reply(rcode: OptRcode, dnssec_ok: bool, options: &[u8]) -> OptReply<'_> {
    OptReply { payload_size: MAX_UDP, extended_rcode: (rcode.to_int() >> 4) as u8, dnssec_ok, options }
}

/// The header of a response: RD and CD as they were asked (RFC 4035, section 3.2.2), RA never.
pub(crate) fn response_header(request: &Request, aa: bool, tc: bool, rcode: Rcode) -> Header {
    let mut header = Header::new();
    header.set_id(request.header.id());
    header.set_qr(true);
    header.set_opcode(request.header.opcode());
    header.set_rd(request.header.rd());
    header.set_cd(request.header.cd());
    header.set_aa(aa);
    header.set_tc(tc);
    header.set_rcode(rcode);
    header
}

/// No zone is of another class than IN; and NONE and ANY, which updates use, are no classes to ask about.
fn class_fault(qclass: u16) -> OptRcode {
    match Class::from_int(qclass) {
        Class::NONE | Class::ANY => OptRcode::FORMERR,
        _ => OptRcode::REFUSED,
    }
}

/// Answers an ordinary query.
fn query(zones: &Zones, question: &Question, transport: Transport, key: &mut RelativeKey, reply: &mut Reply<'_>) {
    match Rtype::from_int(question.qtype) {
        Rtype::MAILA | Rtype::MAILB => reply.rcode = OptRcode::NOTIMP,
        Rtype::OPT | Rtype::TSIG | Rtype::TKEY => reply.rcode = OptRcode::FORMERR,
        _ => match closest_zone(zones, question) {
            None => reply.rcode = OptRcode::REFUSED,
            Some((zone, depth)) => {
                let mut search = Search { zones, zone: &zone, depth, key, question, reply };
                if search.run(depth, transport) == Err(Full) {
                    reply.truncate();
                }
            }
        },
    }
}

/// The zone that answers, and how many labels the name has below its apex. That is the longest match, but for DS, which the
/// parent side has (RFC 4035, section 3.1.4.1).
fn closest_zone(zones: &Zones, question: &Question) -> Option<(Guard<Arc<Zone>>, usize)> {
    let name = &question.name;
    let closest = zones.closest(name, 0)?;
    if question.qtype == Rtype::DS.to_int() && closest.1 == 0 && name.label_count() > 0 {
        return Some(zones.closest(name, 1).unwrap_or(closest));
    }
    Some(closest)
}

/// One query on its way through a zone.
struct Search<'q, 'b> {
    zones: &'q Zones,
    zone: &'q Zone,
    /// How many labels the name that was asked for has before the zone's apex.
    depth: usize,
    key: &'q mut RelativeKey,
    question: &'q Question,
    reply: &'q mut Reply<'b>,
}

impl Search<'_, '_> {
    fn run(&mut self, depth: usize, transport: Transport) -> Result<(), Full> {
        let qtype = self.question.qtype;
        let zone = self.zone;
        let mut name = self.question.name;
        let mut depth = depth;
        let mut followed: Vec<Vec<u8>> = Vec::new();
        let mut renamed: Vec<&[u8]> = Vec::new();
        self.reply.aa = true;
        self.reply.counted = (ResponseKind::Answer { qtype }, 0);
        loop {
            self.key.set(&name, depth);
            let node = match zone.find(self.key.key(), self.key.ends()) {
                // The parent side of a cut answers only for DS (RFC 4035, section 3.1.4.1).
                Found::Cut { node, depth: cut, at } if !(at && qtype == Rtype::DS.to_int()) => {
                    self.reply.aa = !followed.is_empty();
                    if followed.is_empty() {
                        self.reply.counted = (ResponseKind::Referral, depth - cut);
                    }
                    return self.refer(node, name.suffix(depth - cut));
                }
                Found::Exact(node) | Found::Cut { node, .. } => node,
                // The names below a wildcard are as many as a client makes up; so are those below a DNAME.
                Found::Wildcard(node) => {
                    self.reply.counted = (ResponseKind::Wildcard, self.depth);
                    node
                }
                Found::Renamed { .. } if qtype == Rtype::ANY.to_int() && transport == Transport::Udp => {
                    return Err(Full);
                }
                Found::Renamed { node, depth: above } => {
                    // A chain may come through the same DNAME more than once, and an answer has no record twice.
                    self.reply.counted = (ResponseKind::Wildcard, self.depth);
                    let first = !renamed.contains(&node.key());
                    renamed.push(node.key());
                    let Some(target) = self.rename(&name, depth - above, node, first)? else { return Ok(()) };
                    // The CNAME is an answer to ANY, too, and BIND leaves it at that.
                    if qtype == CNAME || qtype == Rtype::ANY.to_int() {
                        return Ok(());
                    }
                    match self.follow(target.wire(), &mut followed) {
                        Some((next, below)) => (name, depth) = (next, below),
                        None => return Ok(()),
                    }
                    continue;
                }
                Found::Empty => return self.negative(),
                Found::Nothing => {
                    self.reply.rcode = OptRcode::NXDOMAIN;
                    self.reply.counted = (ResponseKind::NoName, self.depth);
                    return self.negative();
                }
            };
            if qtype == Rtype::ANY.to_int() {
                return self.everything(&name, node, transport);
            }
            if let Some(rrset) = node.rrset(qtype) {
                self.reply.writer.rrset(Section::Answer, name.wire(), rrset, rrset.ttl)?;
                if rrset.count <= MAX_ADDITIONAL_TARGETS {
                    self.add_addresses(rrset);
                }
                return Ok(());
            }
            let alias = node.rrset(CNAME).filter(|_| follows_aliases(qtype));
            let Some((alias, target)) = alias.and_then(|alias| Some((alias, alias.records().next()?))) else {
                return self.negative();
            };
            self.reply.writer.rrset(Section::Answer, name.wire(), alias, alias.ttl)?;
            match self.follow(target, &mut followed) {
                Some((next, below)) => (name, depth) = (next, below),
                None => return Ok(()),
            }
        }
    }

    /// Where an alias leads within this zone; `None` where the answer ends with it.
    fn follow(&mut self, target: &[u8], followed: &mut Vec<Vec<u8>>) -> Option<(FlatName, usize)> {
        let again = followed.iter().any(|before| before == target) || self.question.name.wire() == target;
        if followed.len() == MAX_CNAMES || again {
            self.reply.rcode = OptRcode::SERVFAIL;
            return None;
        }
        followed.push(target.to_vec());
        self.within_zone(target)
    }

    /// The DNAME above a name, and the CNAME that it makes of it (RFC 6672, section 3.1): gives the CNAME's target. `below` is how
    /// many labels stand before the DNAME's owner, `first` whether the DNAME is not in the answer yet. A target that is too long for
    /// a name is YXDOMAIN.
    fn rename(&mut self, name: &FlatName, below: usize, node: &Node, first: bool) -> Result<Option<FlatName>, Full> {
        let Some(rrset) = node.rrset(DNAME) else { return Ok(None) };
        let Some(target) = rrset.records().next() else { return Ok(None) };
        if first {
            self.reply.writer.rrset(Section::Answer, name.suffix(below), rrset, rrset.ttl)?;
        }
        let Some(renamed) = FlatName::from_labels(labels(name.wire()).take(below).chain(labels(target))) else {
            self.reply.rcode = OptRcode::YXDOMAIN;
            return Ok(None);
        };
        self.reply.writer.record(Section::Answer, name.wire(), CNAME, rrset.ttl, renamed.wire())?;
        Ok(Some(renamed))
    }

    /// A name that this zone answers for, and its depth; `None` for one outside it, or in another zone served here.
    fn within_zone(&self, wire: &[u8]) -> Option<(FlatName, usize)> {
        let name = FlatName::from_wire(wire)?;
        let depth = name.depth_below(self.zone.name().name().wire())?;
        self.zones.none_closer(&name, depth).then_some((name, depth))
    }

    /// "There is no such record": the SOA says for how long that may be kept (RFC 2308, sections 3 and 5).
    fn negative(&mut self) -> Result<(), Full> {
        if let (ResponseKind::Answer { .. }, skipped) = self.reply.counted {
            self.reply.counted = (ResponseKind::NoData, skipped);
        }
        let Some(soa) = self.zone.apex().and_then(|apex| apex.rrset(SOA)) else { return Ok(()) };
        let minimum = soa.records().next().and_then(|data| data.last_chunk::<4>());
        let ttl = minimum.map_or(soa.ttl, |minimum| soa.ttl.min(u32::from_be_bytes(*minimum)));
        self.reply.writer.rrset(Section::Authority, self.zone.name().name().wire(), soa, ttl)
    }

    /// `ANY`: all RRsets over TCP. Over UDP only a minimal response (RFC 8482, section 4.4), because the sender's address may be
    /// forged. There are no additional addresses, as with BIND: the client already gets all RRsets.
    fn everything(&mut self, name: &FlatName, node: &Node, transport: Transport) -> Result<(), Full> {
        if transport == Transport::Udp {
            return Err(Full);
        }
        for rrset in node.rrsets() {
            if self.reply.writer.rrset(Section::Answer, name.wire(), rrset, rrset.ttl) == Err(Full) {
                // RFC 8482, section 4.1: a part of the RRsets will do.
                self.reply.tc = true;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Adds the addresses of the hosts that an RRset in the answer names (RFC 1035, section 3.3; RFC 2782), as far as this zone
    /// has them with authority.
    fn add_addresses(&mut self, rrset: Rrset<'_>) {
        for (index, target) in targets(rrset).enumerate() {
            if targets(rrset).take(index).any(|before| before == target) {
                continue;
            }
            let Some((name, depth)) = self.within_zone(target) else { continue };
            self.key.set(&name, depth);
            let zone = self.zone;
            if let Found::Exact(node) | Found::Wildcard(node) = zone.find(self.key.key(), self.key.ends()) {
                // RFC 2181, section 9: additional records that do not fit are left out without truncation.
                if self.add_node(target, node) == Err(Full) {
                    return;
                }
            }
        }
    }

    fn add_node(&mut self, owner: &[u8], node: &Node) -> Result<(), Full> {
        for rrset in [A, AAAA].into_iter().filter_map(|rtype| node.rrset(rtype)) {
            self.reply.writer.rrset(Section::Additional, owner, rrset, rrset.ttl)?;
        }
        Ok(())
    }

    /// A referral: the NS set of the cut, and the addresses of its hosts as far as this zone has them. Resolvers need the
    /// addresses of hosts at or below the cut, so the response is truncated if those do not fit (RFC 9471).
    fn refer(&mut self, cut: &Node, owner: &[u8]) -> Result<(), Full> {
        let Some(nameservers) = cut.rrset(NS) else { return Ok(()) };
        self.reply.writer.rrset(Section::Authority, owner, nameservers, nameservers.ttl)?;
        let zone = self.zone;
        let mut siblings = Vec::new();
        for target in targets(nameservers) {
            let Some((name, depth)) = self.within_zone(target) else { continue };
            self.key.set(&name, depth);
            let node = match zone.find(self.key.key(), self.key.ends()) {
                Found::Exact(node) | Found::Wildcard(node) => Some(node),
                Found::Cut { .. } => zone.node(self.key.key()),
                Found::Empty | Found::Nothing | Found::Renamed { .. } => None,
            };
            let Some(node) = node else { continue };
            if name.depth_below(owner).is_some() {
                if self.add_node(target, node) == Err(Full) {
                    self.reply.tc = true;
                    return Ok(());
                }
            } else {
                siblings.push((target, node));
            }
        }
        for (target, node) in siblings {
            if self.add_node(target, node) == Err(Full) {
                break;
            }
        }
        Ok(())
    }
}

/// The hosts that an RRset names and whose addresses go with it.
fn targets<'n>(rrset: Rrset<'n>) -> impl Iterator<Item = &'n [u8]> {
    let before = match RecordType::from_code(rrset.rtype) {
        Some(RecordType::Ns) => Some(0),
        Some(RecordType::Mx) => Some(2),
        Some(RecordType::Srv) => Some(6),
        _ => None,
    };
    before.into_iter().flat_map(move |before| rrset.records().filter_map(move |data| data.get(before..)))
}

/// Types that may stand beside a CNAME, and are therefore not looked for behind it (RFC 4034, sections 3 and 4; RFC 2181,
/// section 10.1).
fn follows_aliases(qtype: u16) -> bool {
    !matches!(Rtype::from_int(qtype), Rtype::CNAME | Rtype::RRSIG | Rtype::SIG | Rtype::NSEC | Rtype::KEY)
}

#[cfg(test)]
mod tests;
