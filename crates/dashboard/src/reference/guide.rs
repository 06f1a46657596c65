//! The chapters of the reference page before and after the operations.
//!
//! The texts are in English here and translated like the descriptions of the operations (`words`). Tables that follow from code
//! (the operations, the record types, the nameservers) are generated from it. A test runs the requests under "Common patterns"
//! unchanged.

use std::net::SocketAddr;

use api::{EXAMPLE_ZONE, OPERATIONS};
use dns::{Apex, RecordType};
use serde_json::{Value, json};

use super::rows::Prose;
use super::snippets::{Request, written};

/// One chapter.
#[derive(Debug)]
pub(crate) struct Chapter {
    pub(crate) id: &'static str,
    pub(crate) title: String,
    pub(crate) blocks: Vec<Block>,
}

/// A part of a chapter.
#[derive(Debug)]
pub(crate) enum Block {
    Heading(String),
    Text(Prose),
    List(Vec<Prose>),
    /// In their order: steps to take.
    Steps(Vec<Prose>),
    Table {
        caption: String,
        head: Vec<String>,
        rows: Vec<Vec<Prose>>,
    },
    Code {
        id: String,
        label: String,
        text: String,
    },
    /// One request as several programs write it: key, name and text of each.
    Request {
        id: String,
        title: String,
        programs: Vec<(&'static str, &'static str, String)>,
    },
}

/// What the guide says of this server.
#[derive(Debug)]
pub(crate) struct Facts<'a> {
    /// The address of the server, without a path.
    pub(crate) base: &'a str,
    pub(crate) apex: &'a Apex,
    /// Where the nameserver answers, if it is this server's own.
    pub(crate) dns: Option<SocketAddr>,
}

/// Writes the guide in one language: `say` translates an English text.
pub(crate) struct Guide<'a> {
    pub(crate) say: &'a dyn Fn(&'static str) -> String,
}

impl Guide<'_> {
    /// The chapters before the operations.
    pub(crate) fn before(&self, facts: &Facts<'_>) -> Vec<Chapter> {
        vec![
            self.overview(),
            self.nameservers(facts.apex),
            self.features(),
            self.authentication(),
            self.endpoints(),
            self.types(),
        ]
    }

    /// The chapters after the operations.
    pub(crate) fn after(&self, facts: &Facts<'_>) -> Vec<Chapter> {
        vec![self.practices(facts.base), self.errors(), self.testing(facts)]
    }

    fn chapter(&self, id: &'static str, title: &'static str, blocks: Vec<Block>) -> Chapter {
        Chapter { id, title: (self.say)(title), blocks }
    }

    fn text(&self, text: &'static str) -> Block {
        Block::Text(Prose::new(&(self.say)(text)))
    }

    fn heading(&self, text: &'static str) -> Block {
        Block::Heading((self.say)(text))
    }

    fn prose<const N: usize>(&self, texts: [&'static str; N]) -> Vec<Prose> {
        texts.iter().map(|text| Prose::new(&(self.say)(text))).collect()
    }

    fn table<const N: usize>(&self, caption: &'static str, head: [&'static str; N], rows: Vec<Vec<Prose>>) -> Block {
        Block::Table { caption: (self.say)(caption), head: head.iter().map(|text| (self.say)(text)).collect(), rows }
    }

    fn overview(&self) -> Chapter {
        let blocks = vec![
            self.text(
                "This API manages DNS zones and their records. The server checks each change as a whole, stores it as a new version of \
                 the zone, and deploys it to the nameservers at once.",
            ),
            self.text(
                "Requests and answers are JSON over HTTP. A program needs a token. The examples on this page read it from the \
                 environment variable `TOKEN`, and run as they are.",
            ),
        ];
        self.chapter("overview", "Overview", blocks)
    }

    fn nameservers(&self, apex: &Apex) -> Chapter {
        let names = || apex.nameservers.iter().map(|nameserver| nameserver.name.to_string());
        let count = (self.say)("Number of nameservers: `{count}`. Enter their names at your registrar:");
        let blocks = vec![
            self.text("All zones are served by the same authoritative nameservers."),
            Block::Text(Prose::new(&count.replace("{count}", &names().count().to_string()))),
            Block::List(names().map(|name| Prose::new(&format!("`{name}`"))).collect()),
            self.text(
                "Deployment means that a stored change reaches the nameservers. The server deploys each change by itself, usually within \
                 milliseconds, and retries until every nameserver serves it.",
            ),
            self.text(
                "`GET /dns-zones/{uuid}/deployment/` asks each nameserver which version it serves. A change with the header \
                 `Prefer: wait=10` is answered when every nameserver serves it, and the answer has the header `Deployment: live`.",
            ),
        ];
        self.chapter("nameservers", "Nameserver infrastructure", blocks)
    }

    fn features(&self) -> Chapter {
        let features = self.prose([
            "Atomic changes: up to 10,000 changes are applied together as one version, or none of them is.",
            "History: every change is a version. Two versions can be compared, and an earlier one can be restored.",
            "No lost updates: `If-Match` refuses a change that is based on an old version.",
            "Safe retries: a request with an `Idempotency-Key` is done once, however often it is sent.",
            "Proof of deployment: each nameserver is polled for the version that it serves.",
            "Zone files: a zone can be exported as a BIND zone file, created from one, and replaced by one.",
            "Clear errors: an error names the field and says what would be right. Warnings point out records that are valid but \
             probably not intended.",
        ]);
        self.chapter("features", "Key features", vec![Block::List(features)])
    }

    fn authentication(&self) -> Chapter {
        let steps = self.prose([
            "Sign in to the dashboard and open `/account/developers/`.",
            "Create a token: give it a name, the permissions that the program needs, and a date on which it expires.",
            "Copy the token. It is shown once.",
            "Send it with each request: `Authorization: Bearer vps_...`",
        ]);
        let permissions = [
            ("dns:list", "Read zones, records, history and deployment status."),
            ("dns:create", "Create zones and records."),
            ("dns:update", "Change records and zone settings."),
            ("dns:delete", "Delete zones and records."),
            ("dns:*", "All of these."),
        ];
        let rows = permissions.map(|(name, meaning)| vec![code(name), Prose::new(&(self.say)(meaning))]).into();
        let blocks = vec![
            self.heading("How to create a token"),
            Block::Steps(steps),
            self.table("Permissions", ["Permission", "Allows"], rows),
            self.text(
                "A request without a valid token gets 401. A request whose token lacks the permission gets 403. A token can be \
                 limited to some zones; all other zones are then reported as not found.",
            ),
        ];
        self.chapter("authentication", "Authentication", blocks)
    }

    fn endpoints(&self) -> Chapter {
        let row = |operation: &api::Operation| {
            let description = operation.description();
            let title = Prose::link((self.say)(description.title), format!("#{}", description.id));
            vec![code(operation.method.as_str()), code(operation.path), title]
        };
        let rows = OPERATIONS.iter().map(row).collect();
        let blocks = vec![
            self.text("The base path is `/api/v1`. Every path works with and without its final slash."),
            self.table("Endpoints", ["Method", "Path", "Operation"], rows),
        ];
        self.chapter("endpoints", "Endpoints at a glance", blocks)
    }

    fn types(&self) -> Chapter {
        let (yes, no) = ((self.say)("Yes"), (self.say)("No"));
        let row = |record_type: RecordType| {
            let (form, example) = (record_type.form()?, record_type.example()?);
            let priority = if record_type.has_priority() { &yes } else { &no };
            let value = code(&example.value());
            Some(vec![code(form.name), Prose::new(&(self.say)(form.description)), value, Prose::new(priority)])
        };
        let rows = RecordType::EDITABLE.into_iter().filter_map(row).collect();
        let blocks = vec![
            self.text("A record has a type, a name, a value, a TTL and, for some types, a priority."),
            self.table("Record types", ["Type", "Purpose", "Example value", "Priority required"], rows),
            self.text("Every other type can be given by its number, such as `TYPE65280`, with a value in the form of RFC 3597."),
        ];
        self.chapter("record-types", "Supported record types", blocks)
    }

    fn practices(&self, base: &str) -> Chapter {
        let ttls = [
            ("300", "Records that will change soon. Lower the TTL a day before a move, and raise it again afterwards."),
            ("3600", "The default. It suits most records."),
            ("86400", "Records that rarely change, such as the MX records of an established mail provider."),
        ];
        let rows = ttls.map(|(ttl, meaning)| vec![code(ttl), Prose::new(&(self.say)(meaning))]).into();
        let mut blocks = vec![
            self.heading("Choosing a TTL"),
            self.text("The TTL says for how many seconds resolvers may cache a record. A change is seen everywhere after the old TTL has passed."),
            self.table("Common TTLs", ["TTL", "Use it for"], rows),
            self.heading("Common patterns"),
            self.text("Each pattern is one request that creates all its records as one version. Replace the names, the \
                       addresses and the zone's UUID."),
        ];
        for pattern in PATTERNS {
            let title = (self.say)(pattern.title);
            let body = json!({ "changes": (pattern.records)(), "comment": pattern.title });
            let request = Request::post(format!("{base}{}/dns-zones/{EXAMPLE_ZONE}/changes/", api::BASE), &body);
            let programs = request.programs();
            blocks.push(self.text(pattern.text));
            blocks.push(Block::Request { id: format!("pattern-{}", pattern.id), title, programs });
        }
        blocks.push(self.heading("Security of tokens"));
        blocks.push(Block::List(self.prose([
            "Create a separate token for each program, with only the permissions that it needs.",
            "Bind a token to its zones and to the networks that it is used from.",
            "Give every token an expiry date, and replace it before that date.",
            "Keep tokens out of source code, URLs and logs. Read them from the environment or from a secret store.",
            "Revoke a token at once when it may have become known. It is refused from that moment.",
        ])));
        self.chapter("best-practices", "Best practices", blocks)
    }

    fn errors(&self) -> Chapter {
        let example = json!({
            "detail": "MX records require a priority value", "error_code": "validation_error", "field": "priority",
        });
        let solutions = [
            (
                "400",
                "`validation_error`, `invalid_json`",
                "Correct the member that `field` names, as `detail` says. Do not retry unchanged.",
            ),
            (
                "401",
                "`authentication_failed`",
                "Check the token: it may be wrong, expired or revoked, or not allowed from this address.",
            ),
            ("403", "`permission_denied`", "Use a token with the permission that `detail` names."),
            ("404", "`not_found`", "Check the UUID. Zones and records of other accounts are reported as not found."),
            ("405", "`method_not_allowed`", "Use one of the methods in the header `Allow`."),
            ("409", "`conflict`", "The zone changed in the meantime. Read it again, then repeat the request."),
            (
                "412",
                "`precondition_failed`",
                "The version in `If-Match` is no longer the newest. Read the zone again, and decide whether to repeat the \
                 change.",
            ),
            (
                "413, 415",
                "`payload_too_large`, `unsupported_media_type`",
                "Send a smaller body, or the media type that the operation describes.",
            ),
            ("422", "`idempotency_key_reused`", "Use a new `Idempotency-Key` for a new request."),
            (
                "429",
                "`rate_limited`",
                "Wait for the number of seconds in the header `Retry-After`, then repeat the request.",
            ),
            (
                "500, 503",
                "`internal_error`, `unavailable`",
                "Retry later, with the same `Idempotency-Key`. The operator finds the cause by the header `X-Request-Id`.",
            ),
        ];
        let rows = solutions
            .map(|(status, codes, solution)| vec![code(status), Prose::new(codes), Prose::new(&(self.say)(solution))])
            .into();
        let blocks = vec![
            self.text("Every error has the same form: `detail` is for people, `error_code` for programs, and `field` names the member at fault, or is null."),
            Block::Code { id: "error-example".to_owned(), label: (self.say)("An error"), text: written(&example) },
            self.table("Errors and what to do", ["Status", "Error code", "Solution"], rows),
        ];
        self.chapter("errors", "Error handling", blocks)
    }

    fn testing(&self, facts: &Facts<'_>) -> Chapter {
        let server = dig_server(facts);
        let asks = [
            (
                "dig-resolver",
                "dig example.com A".to_owned(),
                "Asks your resolver, which may still have the old answer in its cache.",
            ),
            (
                "dig-a",
                format!("dig {server} example.com A"),
                "Asks a nameserver of this server directly, without any cache.",
            ),
            ("dig-mx", format!("dig {server} example.com MX"), "The same for the mail servers."),
            (
                "dig-any",
                format!("dig {server} example.com ANY"),
                "All records of the name. A nameserver may answer with a part of them (RFC 8482), so ask for one type to be sure.",
            ),
        ];
        let mut blocks =
            vec![self.text("`dig` shows what a nameserver answers. On Debian it is in the package `bind9-dnsutils`.")];
        for (id, text, meaning) in asks {
            blocks.push(self.text(meaning));
            blocks.push(Block::Code { id: id.to_owned(), label: text.clone(), text });
        }
        blocks.push(self.heading("How to read the answer"));
        let signs = [
            (
                "status: NOERROR",
                "The name exists. The records are in the ANSWER SECTION; without one, there is no record of this type.",
            ),
            ("status: NXDOMAIN", "The name does not exist in the zone. Check the record's name."),
            ("status: REFUSED", "The nameserver does not serve the zone. Check the zone's deployment status."),
            ("flags: aa", "The answer is authoritative: it comes from a nameserver of the zone, not from a cache."),
            ("3600 IN A", "The number is the TTL. In an answer from a cache it counts down to the next look-up."),
        ];
        let rows = signs.map(|(sign, meaning)| vec![code(sign), Prose::new(&(self.say)(meaning))]).into();
        blocks.push(self.table("Parts of the answer", ["In the answer", "Meaning"], rows));
        self.chapter("testing", "Testing changes", blocks)
    }
}

/// Where `dig` asks: by name, as customers do. A nameserver on loopback has no name that resolves.
fn dig_server(facts: &Facts<'_>) -> String {
    let port =
        |address: SocketAddr| if address.port() == 53 { String::new() } else { format!(" -p {}", address.port()) };
    match (facts.dns, facts.apex.nameservers.first()) {
        (Some(address), _) if address.ip().is_loopback() => format!("@{}{}", address.ip(), port(address)),
        (address, Some(first)) => format!("@{}{}", first.name, address.map(port).unwrap_or_default()),
        (_, None) => "@ns1.example.net".to_owned(),
    }
}

fn code(text: &str) -> Prose {
    Prose::code(text)
}

struct Pattern {
    id: &'static str,
    title: &'static str,
    text: &'static str,
    records: fn() -> Value,
}

const PATTERNS: [Pattern; 4] = [
    Pattern {
        id: "website",
        title: "Website",
        text: "A website at the domain itself and at `www`, over IPv4 and IPv6, and one authority that may issue its certificates.",
        records: || {
            json!([
                {"action": "create", "record_type": "A", "name": "@", "value": "192.0.2.10"},
                {"action": "create", "record_type": "AAAA", "name": "@", "value": "2001:db8::10"},
                {"action": "create", "record_type": "CNAME", "name": "www", "value": "example.com."},
                {"action": "create", "record_type": "CAA", "name": "@", "value": "0 issue \"letsencrypt.org\""},
            ])
        },
    },
    Pattern {
        id: "mail",
        title: "Mail",
        text: "Mail for the domain: two mail servers, a sender policy (SPF), and a policy for mail that fails the checks (DMARC).",
        records: || {
            json!([
                {"action": "create", "record_type": "MX", "name": "@", "value": "mx1.mail.example.net", "priority": 10},
                {"action": "create", "record_type": "MX", "name": "@", "value": "mx2.mail.example.net", "priority": 20},
                {"action": "create", "record_type": "TXT", "name": "@", "value": "v=spf1 include:_spf.mail.example.net -all"},
                {"action": "create", "record_type": "TXT", "name": "_dmarc", "value": "v=DMARC1; p=quarantine"},
            ])
        },
    },
    Pattern {
        id: "verification",
        title: "Verification",
        text: "A TXT record with which another service verifies that the domain is yours.",
        records: || json!([{"action": "create", "record_type": "TXT", "name": "_verify", "value": "service-verification=7f3a9c", "ttl": 300}]),
    },
    Pattern {
        id: "delegation",
        title: "Delegation",
        text: "A subdomain that is delegated to other nameservers.",
        records: || {
            json!([
                {"action": "create", "record_type": "NS", "name": "lab", "value": "ns1.lab.example.net"},
                {"action": "create", "record_type": "NS", "name": "lab", "value": "ns2.lab.example.net"},
            ])
        },
    },
];

#[cfg(test)]
mod tests {
    use dns::Name;
    use dns::apex::ApexNameserver;

    use super::*;

    fn server(names: &[&str], dns: Option<&str>) -> String {
        let nameserver = |name: &&str| ApexNameserver { name: Name::parse(name).unwrap(), addresses: Vec::new() };
        let apex = Apex::new(names.iter().map(nameserver).collect()).unwrap();
        dig_server(&Facts { base: "", apex: &apex, dns: dns.map(|address| address.parse().unwrap()) })
    }

    #[test]
    fn dig_asks_what_can_be_asked() {
        let names = ["ns1.example.net", "ns2.example.net"];
        assert_eq!(server(&names, Some("127.0.0.1:5300")), "@127.0.0.1 -p 5300");
        assert_eq!(server(&names, Some("192.0.2.1:53")), "@ns1.example.net");
        assert_eq!(server(&names, Some("0.0.0.0:5353")), "@ns1.example.net -p 5353");
        assert_eq!(server(&names, None), "@ns1.example.net");
    }
}
