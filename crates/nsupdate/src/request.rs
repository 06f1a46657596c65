//! One request: checks of the signature, the key and the network, and then the request itself. Every response to a verified request
//! is signed, also refusals.

use std::net::IpAddr;
use std::sync::Arc;

use domain::base::header::HeaderSection;
use domain::base::iana::{Opcode, Rcode, Rtype, TsigRcode};
use domain::base::message::Message;
use nameserver::{Client, Reply, Transport};
use store::{Doors, KeyAlgorithm, KeyIdentity, RefusedBy, Source, StoreError, Tenant};
use wire::secret::{Algorithm, Secret};
use wire::signed::{Malformed, Signature, Signer, Unverified};

use crate::Inner;
use crate::metrics::Kind;
use crate::refusal::{Reason, Refusal};

/// A request whose signature was verified.
pub(crate) struct Verified {
    pub(crate) identity: Arc<KeyIdentity>,
    pub(crate) tenant: Tenant,
    pub(crate) signature: Signature,
    pub(crate) signer: Signer,
}

impl Inner {
    /// Answers a message; `None` if it is no request.
    pub(crate) async fn answer(&self, mut message: Vec<u8>, client: Client) -> Option<Reply> {
        let header = Message::from_octets(message.as_slice()).ok()?.header();
        if header.qr() {
            return None;
        }
        match Signature::read(&message) {
            Ok(None) => self.unsigned(&message, &client).await,
            Ok(Some(signature)) => match self.verify(signature, &mut message, &client).await {
                Ok(verified) => self.verified(verified, message, &client).await,
                Err(response) => Some(Reply::one(response, false)),
            },
            Err(Malformed) => {
                self.metrics.count(kind(&message), Rcode::FORMERR);
                Some(Reply::one(response(&message, Rcode::FORMERR), false))
            }
        }
    }

    /// Unsigned requests: queries only.
    async fn unsigned(&self, message: &[u8], client: &Client) -> Option<Reply> {
        let kind = kind(message);
        let (rcode, response) = match kind {
            Kind::Query => {
                let response = self.query(message, client, None, 0).await?;
                (rcode(&response), response)
            }
            Kind::Update | Kind::Transfer => (Rcode::REFUSED, response(message, Rcode::REFUSED)),
            Kind::Other => (Rcode::NOTIMP, response(message, Rcode::NOTIMP)),
        };
        self.metrics.count(kind, rcode);
        Some(Reply::one(response, false))
    }

    /// Finds the key, verifies the signature, and removes it from the message. The error is the response.
    async fn verify(&self, signature: Signature, message: &mut Vec<u8>, client: &Client) -> Result<Verified, Vec<u8>> {
        let kind = kind(message);
        let refuse = |error: TsigRcode| {
            let mut response = response(message, Rcode::NOTAUTH);
            signature.refuse(&mut response, error);
            self.metrics.count(kind, Rcode::NOTAUTH);
            response
        };
        let reading = self.reads.acquire().await;
        let found = self.doors.by_key_name(signature.key_name()).await;
        drop(reading);
        let identity = match found {
            Ok(Some(identity)) => identity,
            Ok(None) => return Err(refuse(TsigRcode::BADKEY)),
            Err(error) => {
                log("finding an update key", &error);
                self.metrics.count(kind, Rcode::SERVFAIL);
                return Err(response(message, Rcode::SERVFAIL));
            }
        };
        let note_it = |rule: RefusedBy, detail: String| {
            let asked = "a signed message".to_owned();
            note(&self.doors, &identity, client, Reason { rule, asked, detail });
        };
        let algorithm = algorithm(identity.key.algorithm);
        if signature.algorithm() != Some(algorithm) {
            note_it(
                RefusedBy::Algorithm,
                format!("signed with another algorithm than the key's, {algorithm} (BADKEY)"),
            );
            return Err(refuse(TsigRcode::BADKEY));
        }
        let Some(secret) = &identity.secret else { return Err(refuse(TsigRcode::BADKEY)) };
        let secret = Arc::new(Secret::from_octets(algorithm, secret.octets().to_vec()));
        let question = message.clone();
        let now = self.now();
        let signer = match signature.verify(message, &secret, now) {
            Ok(signer) => signer,
            Err(Unverified::Wrong(error)) => {
                note_it(RefusedBy::Signature, format!("the signature is wrong: another secret ({error})"));
                let mut response = response(&question, Rcode::NOTAUTH);
                signature.refuse(&mut response, error);
                self.metrics.count(kind, Rcode::NOTAUTH);
                return Err(response);
            }
            Err(Unverified::Time(signer)) => {
                note_it(RefusedBy::Clock, "the client's clock is off by more than 5 minutes (BADTIME)".to_owned());
                let mut response = response(&question, Rcode::NOTAUTH);
                signer.refuse_time(&mut response, now);
                self.metrics.count(kind, Rcode::NOTAUTH);
                return Err(response);
            }
        };
        match self.doors.tenant(&identity, Source::Rfc2136, address(client)) {
            Ok(tenant) => Ok(Verified { identity, tenant, signature, signer }),
            Err(outside) => {
                let detail = match client.transport {
                    Transport::Tcp => outside.to_string(),
                    Transport::Udp => format!("{outside}; over UDP an address proves nothing, use TCP"),
                };
                note_it(RefusedBy::Network, detail);
                self.metrics.count(kind, Rcode::REFUSED);
                let mut signer = signer;
                let mut response = response(message, Rcode::REFUSED);
                signer.sign(&mut response, now);
                Err(response)
            }
        }
    }

    /// Requests with a verified signature.
    async fn verified(&self, verified: Verified, message: Vec<u8>, client: &Client) -> Option<Reply> {
        let kind = kind(&message);
        let mut signer = verified.signer.clone();
        let rcode = match kind {
            Kind::Query => {
                let mut response = self.query(&message, client, Some(&verified), signer.room()).await?;
                self.metrics.count(kind, rcode(&response));
                signer.sign(&mut response, self.now());
                return Some(Reply::one(response, true));
            }
            Kind::Transfer => match self.transfer(&verified, &message, client).await {
                Ok((messages, memory)) => {
                    self.metrics.count(kind, Rcode::NOERROR);
                    let clock = self.doors.clone();
                    let signed = messages.into_iter().map(move |mut message| {
                        // Held until the last message is sent.
                        let _ = &memory;
                        signer.sign(&mut message, seconds(&clock));
                        message
                    });
                    return Some(Reply { messages: Box::new(signed), is_verified: true });
                }
                Err(refusal) => refused(&self.doors, &verified.identity, client, refusal),
            },
            Kind::Update => self.update_once(&verified, &message, client).await,
            Kind::Other => Rcode::NOTIMP,
        };
        self.metrics.count(kind, rcode);
        let mut response = response(&message, rcode);
        signer.sign(&mut response, self.now());
        Some(Reply::one(response, true))
    }

    pub(crate) fn now(&self) -> u64 {
        seconds(&self.doors)
    }
}

/// The response code of a refusal. Its reason goes to the key's log.
pub(crate) fn refused(doors: &Doors, identity: &KeyIdentity, client: &Client, refusal: Refusal) -> Rcode {
    if let Some(reason) = refusal.reason {
        note(doors, identity, client, reason);
    }
    refusal.rcode
}

fn note(doors: &Doors, identity: &KeyIdentity, client: &Client, reason: Reason) {
    let Reason { rule, asked, detail } = reason;
    tracing::info!(key.name = %identity.key.key_name, client.address = %client.address, %rule, asked, detail, "a request of an update key is refused");
    let transport = match client.transport {
        Transport::Udp => store::Transport::Udp,
        Transport::Tcp => store::Transport::Tcp,
    };
    let source = Some(client.address.ip().to_canonical());
    let refusal = store::Refusal { time: doors.now(), source, transport, asked, rule, detail, count: 1 };
    doors.note_refusal(identity, refusal);
}

/// Seconds since 1970.
fn seconds(clock: &Doors) -> u64 {
    u64::try_from(clock.now().as_second()).unwrap_or_default()
}

/// Logs a failure of the store with its chain of causes. If the database cannot be used, the log says so already, and each message
/// is logged only at the level `debug`.
pub(crate) fn log(what: &'static str, error: &StoreError) {
    let (is_known, error) = (error.health().is_some(), store::Chain(error));
    if is_known {
        tracing::debug!(%error, what, "an update or a query failed");
    } else {
        tracing::error!(%error, what, "an update or a query failed");
    }
}

/// Logs a failure of the store; returns its response code.
pub(crate) fn failed(what: &'static str, error: &StoreError) -> Refusal {
    log(what, error);
    Refusal::silent(Rcode::SERVFAIL)
}

/// The client's address over TCP. Over UDP it can be forged.
fn address(client: &Client) -> Option<IpAddr> {
    (client.transport == Transport::Tcp).then(|| client.address.ip().to_canonical())
}

fn algorithm(algorithm: KeyAlgorithm) -> Algorithm {
    match algorithm {
        KeyAlgorithm::Md5 => Algorithm::Md5,
        KeyAlgorithm::Sha1 => Algorithm::Sha1,
        KeyAlgorithm::Sha224 => Algorithm::Sha224,
        KeyAlgorithm::Sha256 => Algorithm::Sha256,
        KeyAlgorithm::Sha384 => Algorithm::Sha384,
        KeyAlgorithm::Sha512 => Algorithm::Sha512,
    }
}

/// The kind of a request.
fn kind(message: &[u8]) -> Kind {
    let Ok(message) = Message::from_octets(message) else { return Kind::Other };
    match message.header().opcode() {
        Opcode::UPDATE => Kind::Update,
        Opcode::QUERY => match message.qtype() {
            Some(Rtype::AXFR | Rtype::IXFR) => Kind::Transfer,
            Some(Rtype::TKEY) => Kind::Other,
            _ => Kind::Query,
        },
        _ => Kind::Other,
    }
}

fn rcode(message: &[u8]) -> Rcode {
    Message::from_octets(message).map_or(Rcode::SERVFAIL, |message| message.header().rcode())
}

/// A response with only a header and the question.
pub(crate) fn response(request: &[u8], rcode: Rcode) -> Vec<u8> {
    let Ok(request) = Message::from_octets(request) else { return Vec::new() };
    let mut header = HeaderSection::new();
    let asked = request.header();
    header.header_mut().set_id(asked.id());
    header.header_mut().set_qr(true);
    header.header_mut().set_opcode(asked.opcode());
    header.header_mut().set_rd(asked.rd());
    header.header_mut().set_rcode(rcode);
    // The question can be copied: there is no earlier name that its name could point to.
    let question = request.sole_question().ok().and_then(|_| {
        let end = request.answer().ok()?.pos();
        request.as_slice().get(header.as_slice().len()..end)
    });
    let question = question.unwrap_or_default();
    header.counts_mut().set_qdcount(u16::from(!question.is_empty()));
    [header.as_slice(), question].concat()
}
