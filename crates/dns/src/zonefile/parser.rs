//! Reads entries: directives, and records with what they inherit (owner, TTL, origin).

use std::str;

use super::generate::{Bounds, Generate};
use super::lexer::{Entry, Lexer};
use super::maker::Maker;
use super::runs::Runs;
use super::settle::{Row, settle};
use super::words::{is_age, is_class, is_type_name};
use super::{
    AUTOMATIC_TTL, FileFault, LeftOut, LeftOutReason, MAX_FAULTS, MAX_NOTES, Note, Options, UNSUPPORTED_TYPE, ZoneFile,
    duration,
};
use crate::presentation::{Position, Token};
use crate::rdata::fields::{FieldError, Fields, Names, Noted, Readings, excerpt};
use crate::rdata::{RecordData, Soa};
use crate::{Fault, Message, Name, OwnerName, RecordType, Serial, Ttl, ZoneName, message};

/// Reads a zone file as the content of `zone`, which is also the first origin.
///
/// Time and memory are proportional to the text, and to the allowed output of `$GENERATE`.
///
/// # Errors
///
/// All errors in the order of the file, at most [`MAX_FAULTS`] and one that says that there may be more. The rules over a zone
/// (no CNAME beside other data, and so on) are not checked here, but when the records become a zone's content.
pub fn parse(text: &[u8], zone: &ZoneName, options: &Options) -> Result<ZoneFile, Vec<FileFault>> {
    // A byte order mark, which some editors write, is no part of the first name.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut parser = Parser::new(zone, options);
    if !options.keep_ttl && matches!(Maker::of(text), Maker::Cloudflare { .. }) {
        parser.automatic = Some(Automatic::default());
    }
    let mut lexer = Lexer::new(text);
    let mut tokens = Vec::new();
    while let Some(entry) = lexer.entry(&mut tokens) {
        let outcome = match entry {
            Ok(entry) => parser.entry(entry, &tokens),
            Err(error) => Err(fault_at(error.at, "value", "zone-file-syntax", error.kind.message())),
        };
        for Noted { at, check, detail } in parser.readings.take() {
            parser.note(Note { at, check, detail });
        }
        if let Err(fault) = outcome {
            if parser.faults.len() == MAX_FAULTS {
                let detail =
                    message!("there are more than {most} errors; the rest of the file was not read", most = MAX_FAULTS);
                parser.faults.push(FileFault { at: fault.at, fault: Fault::general("zone-file-faults", detail) });
                break;
            }
            let FileFault { at, fault } = fault;
            parser.faults.push(FileFault { at, fault: Fault { detail: fault.detail.shortened(MAX_DETAIL), ..fault } });
        }
    }
    parser.finish()
}

pub(super) struct Parser<'z> {
    zone: &'z ZoneName,
    options: &'z Options,
    origin: Name,
    /// The owner that an indented entry inherits.
    owner: Option<Owner>,
    ttl: InheritedTtl,
    pub(super) runs: Runs,
    rows: Vec<Row>,
    soa: Option<(Soa, Position)>,
    left_out: Vec<LeftOut>,
    notes: Vec<Note>,
    readings: Readings,
    faults: Vec<FileFault>,
    /// Set where a TTL of 1 means "automatic".
    automatic: Option<Automatic>,
    pub(super) bounds: Bounds,
}

/// The automatic TTLs of a file.
#[derive(Default)]
struct Automatic {
    count: usize,
    first: Option<Position>,
}

/// Where records are put.
#[derive(Clone)]
struct Owner {
    name: Name,
    /// `None` outside the zone.
    in_zone: Option<OwnerName>,
}

/// The TTL of records that have none of their own (RFC 2308, section 4; RFC 1035, section 5.1).
#[derive(Default)]
struct InheritedTtl {
    /// `$TTL`, or without one the minimum of the SOA.
    default: Option<Ttl>,
    /// The last TTL that an entry had.
    last: Option<Ttl>,
}

/// What stands between an owner and the data.
pub(super) struct Head<'t> {
    pub(super) ttl: Option<Ttl>,
    pub(super) record_type: &'t Token<'t>,
}

/// What to do with a record of a type.
pub(super) enum Use {
    /// It is read, and becomes a record.
    Keep(RecordType),
    /// The one that starts the zone.
    Soa,
    /// It is left out, and its data is not looked at.
    Leave(LeftOutReason),
}

impl<'z> Parser<'z> {
    fn new(zone: &'z ZoneName, options: &'z Options) -> Self {
        Parser {
            zone,
            options,
            origin: zone.name().clone(),
            owner: None,
            ttl: InheritedTtl::default(),
            runs: Runs::default(),
            rows: Vec::new(),
            soa: None,
            left_out: Vec::new(),
            notes: Vec::new(),
            readings: Readings::default(),
            faults: Vec::new(),
            automatic: None,
            bounds: Bounds::new(options.generated_records),
        }
    }

    fn entry<'t>(&mut self, entry: Entry, tokens: &'t [Token<'t>]) -> Result<(), FileFault> {
        let Some((first, rest)) = tokens.split_first() else { return Ok(()) };
        if entry.indented {
            if self.owner.is_none() {
                let detail = message!(
                    "this line begins with a space, so it has the owner of the line before, but there is none"
                );
                return Err(fault_at(first.at, "name", "owner-missing", detail));
            }
            return self.record(entry.end, first.at, tokens);
        }
        if first.raw.first() == Some(&b'$') {
            return self.directive(entry.end, first, rest);
        }
        self.enter(first)?;
        self.record(entry.end, first.at, rest)
    }

    /// What follows is of the owner that `token` names.
    fn enter(&mut self, token: &Token<'_>) -> Result<(), FileFault> {
        let name = self.owner_name(token.raw, token.at)?;
        if self.owner.as_ref().is_none_or(|owner| owner.name != name) {
            let in_zone = OwnerName::of(&name, self.zone);
            if in_zone.is_none() {
                self.note_out_of_zone(&name, token.at);
            }
            self.owner = Some(Owner { name, in_zone });
        }
        if let Some(owner) = &self.owner {
            self.runs.enter(&owner.name);
        }
        Ok(())
    }

    pub(super) fn owner_name(&self, raw: &[u8], at: Position) -> Result<Name, FileFault> {
        self.readings
            .name(raw, at, &self.origin, "owner-name")
            .map_err(|(check, error)| fault_at(at, "name", check, error.message()))
    }

    fn directive<'t>(&mut self, end: Position, name: &Token<'t>, rest: &'t [Token<'t>]) -> Result<(), FileFault> {
        let is = |directive: &str| name.raw.eq_ignore_ascii_case(directive.as_bytes());
        if is("$ORIGIN") {
            let token = only(rest, end, "name", message!("$ORIGIN needs a name, such as $ORIGIN example.com."))?;
            let origin = self.owner_name(token.raw, token.at)?;
            if self.lacks_dot(&origin, &self.origin) {
                let detail = message!(
                    "$ORIGIN lacks its final dot, and so becomes {origin}",
                    origin = origin.fqdn().to_string()
                );
                self.note(Note { at: token.at, check: "final-dot", detail });
            }
            self.origin = origin;
            Ok(())
        } else if is("$TTL") {
            let expected = message!("$TTL needs a time, such as $TTL 3600 or $TTL 1d12h");
            let token = only(rest, end, "ttl", expected.clone())?;
            let seconds = duration::parse(token.raw).ok_or_else(|| fault_at(token.at, "ttl", "ttl-value", expected))?;
            self.ttl.default = Some(self.checked_ttl(seconds, token.at));
            Ok(())
        } else if is("$GENERATE") {
            self.generate(end, rest)
        } else if is("$INCLUDE") {
            let detail = message!(
                "$INCLUDE is not supported, because no file of the server is opened; put the included text in its place"
            );
            Err(fault_at(name.at, "value", "include", detail))
        } else if is("$DATE") {
            // BIND dumps caches with it. It says when TTLs began to run down, and a primary serves them as they are.
            let expected = message!("$DATE needs a time of 14 digits, such as $DATE 20240115103000");
            let token = only(rest, end, "value", expected.clone())?;
            let sound = token.raw.len() == 14 && token.raw.iter().all(u8::is_ascii_digit);
            if sound { Ok(()) } else { Err(fault_at(token.at, "value", "date-value", expected)) }
        } else {
            let detail = message!(
                "\"{found}\" is not a directive; there are $ORIGIN, $TTL and $GENERATE (a name that begins with a dollar sign is \
                 written with a backslash before it)",
                found = excerpt(name.raw)
            );
            Err(fault_at(name.at, "value", "directive", detail))
        }
    }

    /// `$GENERATE range owner [ttl] [class] type data` (BIND's own).
    fn generate<'t>(&mut self, end: Position, rest: &'t [Token<'t>]) -> Result<(), FileFault> {
        let missing = |what: Message| {
            let detail = message!("$GENERATE needs a range, an owner, a type and data, and {what} is missing", what);
            fault_at(end, "value", "generate", detail)
        };
        let (range, rest) = rest.split_first().ok_or_else(|| missing(message!("the range")))?;
        let (owner, rest) = rest.split_first().ok_or_else(|| missing(message!("the owner")))?;
        let (head, rest) = self.head(end, rest)?;
        let (data, rest) = rest.split_first().ok_or_else(|| missing(message!("the data")))?;
        if let Some(extra) = rest.first() {
            let detail = message!("the data of $GENERATE is one word; put it in double quotes where it has spaces");
            return Err(fault_at(extra.at, "value", "field-extra", detail));
        }
        for word in [range, owner] {
            plain(word, "value")?;
        }
        let record_type = match self.usage(head.record_type)? {
            Use::Keep(record_type) => record_type,
            Use::Leave(reason) => {
                self.leave_out(reason, head.record_type);
                return Ok(());
            }
            Use::Soa => {
                let detail = message!("$GENERATE cannot create SOA records: a zone has only one");
                return Err(fault_at(head.record_type.at, "record_type", "generate", detail));
            }
        };
        let ttl = self.ttl.of(head.ttl, None).ok_or_else(|| no_ttl(head.record_type.at))?;
        let work = Generate::new(range, owner, data)?;
        let mut bounds = std::mem::take(&mut self.bounds);
        let outcome = work.each(&mut bounds, |made| {
            let name = self.owner_name(made.owner, owner.at)?;
            let Some(in_zone) = OwnerName::of(&name, self.zone) else {
                self.note_out_of_zone(&name, owner.at);
                self.leave_out(LeftOutReason::OutOfZone, head.record_type);
                return Ok(());
            };
            let tokens = made.tokens(data.at)?;
            let mut fields =
                Fields::new(&tokens, Names::File { origin: &self.origin, readings: &self.readings }, data.at);
            let record = RecordData::from_fields(record_type, &mut fields).map_err(|error| FileFault {
                at: data.at,
                fault: Fault {
                    detail: message!("made for {number}: {reason}", number = made.number, reason = error.fault.detail),
                    ..error.fault
                },
            })?;
            let run = self.runs.alone();
            self.rows.push(Row { owner: in_zone, data: record, ttl, run, at: owner.at });
            Ok(())
        });
        self.bounds = bounds;
        outcome
    }

    /// `[ttl] [class] type data`, the first two in either order (RFC 1035, section 5.1).
    fn record<'t>(&mut self, end: Position, at: Position, rest: &'t [Token<'t>]) -> Result<(), FileFault> {
        let (head, data) = self.head(end, rest)?;
        let token = head.record_type;
        let Some(owner) = self.owner.clone() else { return Ok(()) };
        let usage = self.usage(token)?;
        let mut fields = Fields::new(data, Names::File { origin: &self.origin, readings: &self.readings }, end);
        match usage {
            Use::Leave(reason) => self.leave_out(reason, token),
            Use::Soa => {
                let soa = read_soa(&mut fields)?;
                match &owner.in_zone {
                    None => self.leave_out(LeftOutReason::OutOfZone, token),
                    Some(at_apex) if at_apex.is_apex() => return self.start(soa, head.ttl, at),
                    // Cloudflare writes it so. It cannot stand anywhere else, so nothing else can be meant.
                    Some(_) if self.lacks_dot(&owner.name, &self.origin) => {
                        let detail = message!(
                            "the owner of the SOA record lacks its final dot; it is taken for {zone}.",
                            zone = self.zone
                        );
                        self.note(Note { at, check: "final-dot", detail });
                        let name = self.zone.name().clone();
                        self.runs.enter(&name);
                        self.owner = Some(Owner { name, in_zone: Some(OwnerName::apex()) });
                        return self.start(soa, head.ttl, at);
                    }
                    Some(_) => {
                        let detail =
                            message!("the SOA record belongs at the top of the zone, {zone}", zone = self.zone);
                        return Err(if self.lacks_dot(&owner.name, self.zone.name()) {
                            let detail = message!("{detail}; the final dot is missing, in $ORIGIN or here", detail);
                            fault_at(at, "name", "final-dot", detail)
                        } else {
                            fault_at(at, "name", SOA_OWNER, detail)
                        });
                    }
                }
            }
            Use::Keep(record_type) => {
                let data = RecordData::from_fields(record_type, &mut fields)?;
                let Some(in_zone) = owner.in_zone else {
                    self.leave_out(LeftOutReason::OutOfZone, token);
                    return Ok(());
                };
                let ttl = self.ttl.of(head.ttl, None).ok_or_else(|| no_ttl(token.at))?;
                let (run, ttl_in_run) = self.runs.add(record_type, ttl, nameserver(&data));
                if ttl_in_run != ttl {
                    let detail = message!(
                        "the {record_type} records of {owner} have another TTL before this line; {ttl} counts",
                        record_type,
                        owner = in_zone,
                        ttl = ttl_in_run
                    );
                    self.note(Note { at, check: "ttl-differs", detail });
                    self.ttl.last = Some(ttl_in_run);
                }
                self.rows.push(Row { owner: in_zone, data, ttl: ttl_in_run, run, at });
            }
        }
        Ok(())
    }

    /// Whether a name is what the zone's name without its final dot becomes under this origin.
    fn lacks_dot(&self, name: &Name, origin: &Name) -> bool {
        let doubled = Name::from_labels(self.zone.name().labels().chain(origin.labels()));
        !origin.is_root() && doubled.is_ok_and(|doubled| doubled == *name)
    }

    /// Takes the SOA.
    fn start(&mut self, mut soa: Soa, ttl: Option<Ttl>, at: Position) -> Result<(), FileFault> {
        let minimum = Ttl::new(soa.minimum).unwrap_or(Ttl::MIN);
        let default_before = self.ttl.default;
        soa.ttl = self.ttl.of(ttl, Some(minimum)).unwrap_or(minimum);
        if self.ttl.default != default_before {
            let detail = message!(
                "there is no $TTL; records without a TTL get the minimum of the SOA record, {minimum}",
                minimum
            );
            self.note(Note { at, check: "ttl-from-soa", detail });
        }
        match &self.soa {
            None => self.soa = Some((soa, at)),
            // As a transfer ends (RFC 5936, section 2.2).
            Some((known, _)) if known.wire() == soa.wire() => {}
            Some(_) => {
                let detail = message!("the zone has an SOA record already, and can have only one");
                return Err(fault_at(at, "record_type", "soa-single", detail));
            }
        }
        Ok(())
    }

    /// What stands before the data: a class and a TTL, or neither, and the type.
    fn head<'t>(&mut self, end: Position, tokens: &'t [Token<'t>]) -> Result<(Head<'t>, &'t [Token<'t>]), FileFault> {
        let mut rest = tokens;
        let mut class = None;
        let mut ttl = None;
        loop {
            let Some((token, after)) = rest.split_first() else {
                let detail = message!("a record needs a type, and the line ends before it");
                return Err(fault_at(end, "record_type", "record-type-missing", detail));
            };
            plain(token, "record_type")?;
            if is_age(token.raw) {
                let detail = message!("the time stamp of Windows ([AGE:...]) is ignored; the record is kept");
                self.note(Note { at: token.at, check: "age-ignored", detail });
                rest = after;
                continue;
            }
            // A class that came after a TTL is not followed by another TTL: BIND reads on for the type.
            if class.is_none() && is_class(token.raw).is_some() {
                class = is_class(token.raw).map(|in_class| (in_class, token));
            } else if ttl.is_none()
                && let Some(seconds) = duration::parse(token.raw)
            {
                ttl = Some(self.checked_ttl(seconds, token.at));
                // Entries that are left out are heard too.
                self.ttl.last = ttl;
            } else {
                if let Some((false, token)) = class {
                    let detail = message!("only class IN is served, not {found}", found = excerpt(token.raw));
                    return Err(fault_at(token.at, "record_type", "class", detail));
                }
                return Ok((Head { ttl, record_type: token }, after));
            }
            rest = after;
        }
    }

    fn usage(&self, token: &Token<'_>) -> Result<Use, FileFault> {
        let unsupported = |detail: Message| {
            // A word of another form is a mistake in the line, and leaving the record out would hide it.
            let named = is_type_name(token.raw) && is_class(token.raw).is_none();
            if named && self.options.leave_out_unknown {
                return Ok(Use::Leave(LeftOutReason::UnsupportedType));
            }
            Err(fault_at(token.at, "record_type", if named { UNSUPPORTED_TYPE } else { "record-type" }, detail))
        };
        let refused = |reason: Message| {
            unsupported(message!("the {record_type} record {reason}", record_type = excerpt(token.raw), reason))
        };
        let Some(code) = str::from_utf8(token.raw).ok().and_then(RecordType::code_of) else {
            return unsupported(message!(
                "a record type such as A or MX is expected here, not \"{found}\"",
                found = excerpt(token.raw)
            ));
        };
        match code {
            SOA => Ok(Use::Soa),
            RRSIG | NSEC | NSEC3 | NSEC3PARAM | BIND_SIGNING => Ok(Use::Leave(LeftOutReason::Dnssec)),
            DNSKEY | CDS | CDNSKEY if !self.options.keep_keys => Ok(Use::Leave(LeftOutReason::Dnssec)),
            MD | MF => refused(message!("is obsolete; MX has taken its place (RFC 973)")),
            code => match RecordType::from_code(code) {
                Some(record_type) => Ok(Use::Keep(record_type)),
                None => refused(RecordType::refusal(code).unwrap_or(message!("cannot be part of a zone"))),
            },
        }
    }

    /// RFC 2181, section 8: a TTL with the top bit is 0.
    fn checked_ttl(&mut self, seconds: u32, at: Position) -> Ttl {
        if seconds == 1
            && let Some(automatic) = &mut self.automatic
        {
            automatic.count += 1;
            automatic.first.get_or_insert(at);
            return Ttl::new(AUTOMATIC_TTL).unwrap_or(Ttl::MIN);
        }
        Ttl::new(seconds).unwrap_or_else(|| {
            let detail = message!(
                "a TTL has at most {most} seconds; {seconds} counts as 0, as it does in BIND",
                most = Ttl::MAX,
                seconds
            );
            self.note(Note { at, check: "ttl-range", detail });
            Ttl::MIN
        })
    }

    fn leave_out(&mut self, reason: LeftOutReason, record_type: &Token<'_>) {
        let is_same = |known: &LeftOut| {
            known.reason == reason && known.record_type.as_bytes().eq_ignore_ascii_case(record_type.raw)
        };
        match self.left_out.iter_mut().find(|known| is_same(known)) {
            Some(known) => known.count += 1,
            None => {
                let name = excerpt(record_type.raw).to_ascii_uppercase();
                self.left_out.push(LeftOut { reason, record_type: name, count: 1, first: record_type.at });
            }
        }
    }

    fn note_out_of_zone(&mut self, name: &Name, at: Position) {
        let detail = message!(
            "{name} is not inside {zone}; its records are left out",
            name = name.fqdn().to_string(),
            zone = self.zone
        );
        self.note(Note { at, check: "out-of-zone", detail });
    }

    fn note(&mut self, note: Note) {
        if self.notes.len() < MAX_NOTES {
            self.notes.push(note);
        }
    }

    fn finish(mut self) -> Result<ZoneFile, Vec<FileFault>> {
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        if let Some(Automatic { count, first: Some(at) }) = self.automatic {
            let detail = if count == 1 {
                message!(
                    "1 line has the TTL 1, which is Cloudflare's word for \"automatic\"; it becomes {ttl} seconds",
                    ttl = AUTOMATIC_TTL
                )
            } else {
                message!(
                    "{count} lines have the TTL 1, which is Cloudflare's word for \"automatic\"; it becomes {ttl} seconds",
                    count,
                    ttl = AUTOMATIC_TTL
                )
            };
            self.note(Note { at, check: "ttl-automatic", detail });
        }
        let rows = std::mem::take(&mut self.rows);
        let runs = std::mem::take(&mut self.runs);
        let (apex_ns, records) = settle(rows, &runs, |note| self.note(note));
        Ok(ZoneFile { soa: self.soa, apex_ns, records, left_out: self.left_out, notes: self.notes })
    }
}

impl InheritedTtl {
    /// The TTL of a record: its own, the default, the last one, or what an SOA record proposes, which then is the default.
    fn of(&mut self, own: Option<Ttl>, proposed: Option<Ttl>) -> Option<Ttl> {
        let ttl = match (own, self.default, self.last) {
            (Some(own), _, _) => own,
            (None, Some(default), _) => default,
            (None, None, Some(last)) => last,
            (None, None, None) => {
                self.default = proposed;
                return proposed;
            }
        };
        self.last = Some(ttl);
        Some(ttl)
    }
}

/// The longest detail of a fault, in octets, that quotes the file as it is: its words may be as long as the file.
const MAX_DETAIL: usize = 500;
/// The check of the fault of an SOA record at another name than the zone's.
pub(super) const SOA_OWNER: &str = "soa-owner";

const MD: u16 = 3;
const MF: u16 = 4;
const SOA: u16 = 6;
const RRSIG: u16 = 46;
const NSEC: u16 = 47;
const DNSKEY: u16 = 48;
const NSEC3: u16 = 50;
const NSEC3PARAM: u16 = 51;
const CDS: u16 = 59;
const CDNSKEY: u16 = 60;
/// Where BIND keeps the state of its signing (`sig-signing-type`).
const BIND_SIGNING: u16 = 65534;

/// The host, of NS records.
fn nameserver(data: &RecordData) -> Option<&Name> {
    if data.record_type() == RecordType::Ns { data.target().map(crate::HostName::name) } else { None }
}

/// RFC 1035, section 3.3.13; the timers may have units, as in BIND.
fn read_soa(fields: &mut Fields<'_>) -> Result<Soa, FieldError> {
    let mname = fields.name(&message!("the primary nameserver"))?;
    let rname = fields.name(&message!("the mailbox"))?;
    let serial = Serial(fields.u32(&message!("the serial"))?);
    let mut timer = |what: &Message| {
        let expected = fields.fault("soa-timer", message!("{what} must be a time, such as 3600 or 1h", what));
        let token = fields.word(what)?;
        duration::parse(token.raw).ok_or(expected)
    };
    let refresh = timer(&message!("the refresh time"))?;
    let retry = timer(&message!("the retry time"))?;
    let expire = timer(&message!("the expiry time"))?;
    let minimum = timer(&message!("the minimum"))?;
    fields.end()?;
    Ok(Soa { mname, rname, serial, refresh, retry, expire, minimum, ttl: Ttl::MIN })
}

/// The only word that follows a directive.
fn only<'t>(
    rest: &'t [Token<'t>],
    end: Position,
    field: &'static str,
    expected: Message,
) -> Result<&'t Token<'t>, FileFault> {
    match rest {
        [token] => plain(token, field).map(|()| token),
        [] => Err(fault_at(end, field, "directive", expected)),
        [_, extra, ..] => {
            Err(fault_at(extra.at, field, "field-extra", message!("nothing more may follow; {expected}", expected)))
        }
    }
}

fn plain(token: &Token<'_>, field: &'static str) -> Result<(), FileFault> {
    if token.quoted {
        Err(fault_at(token.at, field, "field-quoted", message!("quotes are not allowed here")))
    } else {
        Ok(())
    }
}

fn no_ttl(at: Position) -> FileFault {
    let detail = message!("there is no TTL: give one here, or $TTL 3600 on a line before");
    fault_at(at, "ttl", "ttl-missing", detail)
}

pub(super) fn fault_at(at: Position, field: &'static str, check: &'static str, detail: Message) -> FileFault {
    FileFault { at, fault: Fault::of(field, check, detail) }
}
