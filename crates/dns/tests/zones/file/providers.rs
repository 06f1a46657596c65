//! Files as other providers and programs write them, brought to a server of ours, and our own brought to another one.

use dns::apex::{Apex, ApexNameserver};
use dns::zonefile::{self, AUTOMATIC_TTL, Content, FileFault, LeftOutReason, MAX_WARNINGS, OTHER_ZONE, Options};
use dns::{Name, Position, Serial, ZoneId, ZoneName, ZoneSnapshot};
use uuid::Uuid;

const CLOUDFLARE: &str = ";;\n\
;; Domain:     cf.example.\n\
;; Exported:   2024-05-01 10:21:33\n\
;;\n\
;; This file is intended for use for informational and archival\n\
;; purposes ONLY and MUST be edited before use on a production\n\
;; DNS server.\n\
;; SOA Record\n\
cf.example\t3600\tIN\tSOA\tkip.ns.example. dns.example. 2053368469 10000 2400 604800 3600\n\
\n\
;; NS Records\n\
cf.example.\t86400\tIN\tNS\tkip.ns.example.\n\
cf.example.\t86400\tIN\tNS\tzara.ns.example.\n\
\n\
;; A Records\n\
cf.example.\t1\tIN\tA\t192.0.2.1 ; cf_tags=cf-proxied:true\n\
ftp.cf.example.\t600\tIN\tA\t192.0.2.2 ; cf_tags=cf-proxied:false\n\
\n\
;; CNAME Records\n\
www.cf.example.\t1\tIN\tCNAME\tcf.example. ; cf_tags=cf-proxied:true\n\
\n\
;; MX Records\n\
cf.example.\t1\tIN\tMX\t10 ftp.cf.example.\n\
\n\
;; TXT Records\n\
cf.example.\t1\tIN\tTXT\t\"v=spf1 include:_spf.mx.example ~all\"\n";

const GODADDY: &str = "; Domain: go.example\n\
; Exported (y-m-d hh:mm:ss): 2021-01-01 00:00:00\n\
;\n\
; This file is intended for use for informational and archival\n\
; purposes ONLY and MUST be edited before use on a production\n\
; DNS server.\n\
\n\
$ORIGIN go.example.\n\
\n\
; SOA Record\n\
@\t3600\t IN \tSOA\tns51.registrar.example.\tdns.jomax.example. (\n\
\t\t\t\t2021010100\n\t\t\t\t28800\n\t\t\t\t7200\n\t\t\t\t604800\n\t\t\t\t3600\n\t\t\t\t) \n\
\n\
; A Record\n\
@\t600\t IN \tA\t192.0.2.1\n\
; CNAME Record\n\
www\t3600\t IN \tCNAME\t@\n\
; NS Record\n\
@\t3600\t IN \tNS\tns51.registrar.example.\n\
@\t3600\t IN \tNS\tns52.registrar.example.\n\
; MX Record\n\
@\t3600\t IN \tMX\t0\tgo-example.mail.protection.example.\n";

const WINDOWS: &str = ";\n;  Database file win.example.dns for win.example zone.\n;      Zone version:  42\n;\n\
\n\
@                       IN  SOA dc1.win.example. hostmaster.win.example. (\n\
                        \t\t42           ; serial number\n\
                        \t\t900          ; refresh\n\
                        \t\t600          ; retry\n\
                        \t\t86400        ; expire\n\
                        \t\t3600       ) ; default TTL\n\
\n\
;\n;  Zone NS records\n;\n\
\n\
@                       NS\tdc1.win.example.\n\
\n\
;\n;  WINS lookup record\n;\n\
\n\
@                       0\tWINS\tLOCAL L5 C900 ( 192.0.2.9 )\n\
@                       [AGE:3637620]\t600\tA\t192.0.2.9\n\
dc1                     A\t192.0.2.9\n\
pc1                     [AGE:3638888]\t1200\tA\t192.0.2.10\n\
_ldap._tcp              [AGE:3637620]\t600\tSRV\t0 100 389\tdc1.win.example.\n";

/// As `cli53 export` writes a zone of Route 53.
const ROUTE53: &str = "$ORIGIN r53.example.\n\
@\t900\tIN\tSOA\tns-1.awsdns-00.example. awsdns-hostmaster.amazon.example. 1 7200 900 1209600 86400\n\
@\t172800\tIN\tNS\tns-1.awsdns-00.example.\n\
@\t172800\tIN\tNS\tns-2.awsdns-01.example.\n\
@\t300\tIN\tA\t192.0.2.1\n\
www\t1\tIN\tA\t192.0.2.1\n\
*.dev\t300\tIN\tCNAME\twww\n";

/// As `named` writes a zone that it was given in text (`masterfile-format text`).
const BIND: &str = "$ORIGIN .\n$TTL 3600\t; 1 hour\n\
b9.example\t\tIN SOA\tns.b9.example. root.b9.example. (\n\
\t\t\t\t2024010101 ; serial\n\t\t\t\t3600       ; refresh (1 hour)\n\t\t\t\t900        ; retry\n\
\t\t\t\t1209600    ; expire\n\t\t\t\t300        ; minimum\n\t\t\t\t)\n\
\t\t\tNS\tns.b9.example.\n\t\t\tMX\t10 mail.b9.example.\n\
$ORIGIN b9.example.\nmail\t\t\tA\t192.0.2.25\nns\t\t\tA\t192.0.2.53\nwww\t\t\tCNAME\tmail\n";

fn zone(text: &str) -> ZoneName {
    ZoneName::from_stored(Name::parse(text).unwrap())
}

fn apex(names: &[&str]) -> Apex {
    let nameserver = |name: &&str| ApexNameserver { name: Name::parse(name).unwrap(), addresses: Vec::new() };
    Apex::new(names.iter().map(nameserver).collect()).unwrap()
}

/// The apex of the server that files come to.
fn here() -> Apex {
    apex(&["ns1.here.example", "ns2.here.example"])
}

/// What a new zone gets unless more is asked for.
fn options() -> Options {
    Options { keep_apex_ns: false, ..Options::default() }
}

#[track_caller]
fn read(text: &str, domain: &str, options: &Options) -> Content {
    zonefile::read(text.as_bytes(), &zone(domain), &here(), options).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn faults(text: &str, domain: &str) -> Vec<FileFault> {
    zonefile::read(text.as_bytes(), &zone(domain), &here(), &Options::default()).unwrap_err()
}

fn records(content: &Content) -> Vec<String> {
    let line = |record: &dns::change::NewRecord| {
        let dns::change::TtlChoice::Set(ttl) = record.ttl else { panic!("{record:?}") };
        format!("{} {ttl} {} {}", record.owner, record.data.record_type(), record.data)
    };
    content.records.iter().map(line).collect()
}

fn left_out(content: &Content) -> Vec<(LeftOutReason, &str, usize)> {
    content.left_out.iter().map(|left| (left.reason, left.record_type.as_str(), left.count)).collect()
}

fn notes(content: &Content) -> Vec<(u32, &str)> {
    content.notes.iter().map(|note| (note.at.line, note.check)).collect()
}

fn warnings(content: &Content) -> Vec<(String, String)> {
    content.warnings.iter().map(|warning| (warning.code.to_string(), warning.owner.to_string())).collect()
}

const NEW_ZONE: [(LeftOutReason, &str, usize); 2] =
    [(LeftOutReason::Soa, "SOA", 1), (LeftOutReason::ForeignNameserver, "NS", 2)];

#[test]
fn a_file_for_another_zone_says_so() {
    for (text, domain, other) in [
        (GODADDY, "shop.example", "go.example"),
        (GODADDY, "shop.go.example", "go.example"),
        (CLOUDFLARE, "shop.example", "cf.example"),
        (ROUTE53, "example", "r53.example"),
        ("$ORIGIN shop.example.org.\nwww 60 A 192.0.2.1\n", "shop2.example.org", "shop.example.org"),
        // Some records would be inside, but the SOA says whose they are.
        ("example.org. 60 SOA a. b. 1 2 3 4 5\nwww.shop.example.org. A 192.0.2.1\n", "shop.example.org", "example.org"),
    ] {
        let found = faults(text, domain);
        let wanted = format!("This file is for {other}, not {domain}");
        assert_eq!((found[0].fault.check, found[0].fault.detail.to_string()), (OTHER_ZONE, wanted), "{found:?}");
        assert_eq!(found.len(), 1);
    }
    for text in ["", "; nothing\n", "www.example.org. 60 A 192.0.2.1\n"] {
        assert_eq!(faults(text, "shop.example.org")[0].fault.check, "zone-file-empty", "{text:?}");
    }
    // Records of a zone that has neither an SOA nor an origin of its own are taken as they are.
    let part = "$ORIGIN example.org.\nshop 60 A 192.0.2.1\nwww 60 A 192.0.2.1\n";
    assert_eq!(records(&read(part, "shop.example.org", &options())), ["@ 60 A 192.0.2.1"]);
}

#[test]
fn a_missing_final_dot_is_named() {
    let told = |text: &str| {
        let found = faults(text, "cf.example");
        assert!(found[0].fault.detail.to_string().contains("final dot"), "{text}: {found:?}");
        assert_eq!(found[0].fault.check, "final-dot");
    };
    told("$ORIGIN cf.example\n@ 60 SOA a. b. 1 2 3 4 5\n");
    told("sub.cf.example 60 A 192.0.2.1\n$ORIGIN sub\ncf.example.cf.example. 60 SOA a. b. 1 2 3 4 5\n");
    let elsewhere = faults("www 60 SOA a. b. 1 2 3 4 5\n", "cf.example");
    assert!(!elsewhere[0].fault.detail.to_string().contains("final dot"), "{elsewhere:?}");

    // What follows on indented lines is of the same owner.
    let file = read("cf.example 60 SOA a. b. 1 2 3 4 5\n  MX 10 mail\nmail A 192.0.2.1\n", "cf.example", &options());
    assert_eq!(records(&file), ["@ 60 MX 10 mail.cf.example.", "mail 60 A 192.0.2.1"]);
    assert_eq!(notes(&file), [(1, "final-dot")]);
    let origin = read("www 60 A 192.0.2.1\n$ORIGIN cf.example\nmail 60 A 192.0.2.2\n", "cf.example", &options());
    assert_eq!(notes(&origin), [(2, "final-dot")]);
    let target = read("@ 60 MX 10 mail.cf.example\nmail 60 A 192.0.2.1\n", "cf.example", &options());
    let doubled = target.warnings.iter().find(|warning| warning.code.name() == "doubled-name");
    assert!(doubled.is_some_and(|warning| warning.detail.to_string().contains("final dot")), "{:?}", target.warnings);
}

#[test]
fn an_export_of_cloudflare_comes_as_it_was_downloaded() {
    let file = read(CLOUDFLARE, "cf.example", &options());
    let soon = AUTOMATIC_TTL;
    assert_eq!(
        records(&file),
        [
            format!("@ {soon} A 192.0.2.1"),
            format!("@ {soon} MX 10 ftp.cf.example."),
            format!("@ {soon} TXT \"v=spf1 include:_spf.mx.example ~all\""),
            "ftp 600 A 192.0.2.2".to_owned(),
            format!("www {soon} CNAME cf.example."),
        ]
    );
    assert_eq!(left_out(&file), NEW_ZONE);
    assert_eq!(notes(&file), [(9, "final-dot"), (16, "ttl-automatic")]);
    assert!(file.notes[1].detail.to_string().starts_with("4 lines have the TTL 1"), "{:?}", file.notes);
    assert_eq!((file.serial, warnings(&file)), (Some(Serial(2_053_368_469)), Vec::new()));

    let kept = read(CLOUDFLARE, "cf.example", &Options { keep_ttl: true, ..options() });
    assert_eq!(records(&kept)[0], "@ 1 A 192.0.2.1");
    assert_eq!(notes(&kept), [(9, "final-dot")]);
    assert!(warnings(&kept).contains(&("low-ttl".to_owned(), "@".to_owned())));

    // The tags alone are enough; without header and tags, a TTL of 1 is a TTL of 1.
    let tagged = "www 1 A 192.0.2.1 ; cf_tags=cf-proxied:true\n";
    assert_eq!(records(&read(tagged, "cf.example", &options())), ["www 300 A 192.0.2.1"]);
    let other = read(ROUTE53, "r53.example", &options());
    assert!(records(&other).contains(&"www 1 A 192.0.2.1".to_owned()));
}

#[test]
fn exports_of_others_bring_no_nameservers_of_theirs() {
    let godaddy = read(GODADDY, "go.example", &options());
    assert_eq!(
        records(&godaddy),
        ["@ 600 A 192.0.2.1", "@ 3600 MX 0 go-example.mail.protection.example.", "www 3600 CNAME go.example."]
    );
    assert_eq!((left_out(&godaddy), notes(&godaddy)), (NEW_ZONE.to_vec(), Vec::new()));
    let route53 = read(ROUTE53, "r53.example", &options());
    assert_eq!(records(&route53), ["@ 300 A 192.0.2.1", "*.dev 300 CNAME www.r53.example.", "www 1 A 192.0.2.1"]);
    assert_eq!(left_out(&route53), NEW_ZONE);

    let windows = read(WINDOWS, "win.example", &Options { leave_out_unknown: true, ..options() });
    assert_eq!(
        records(&windows),
        [
            "@ 600 A 192.0.2.9",
            "_ldap._tcp 600 SRV 0 100 389 dc1.win.example.",
            "dc1 3600 A 192.0.2.9",
            "pc1 1200 A 192.0.2.10",
        ]
    );
    assert!(left_out(&windows).contains(&(LeftOutReason::UnsupportedType, "WINS", 1)), "{:?}", windows.left_out);
    let bind = read(BIND, "b9.example", &options());
    assert_eq!(
        records(&bind),
        [
            "@ 3600 MX 10 mail.b9.example.",
            "mail 3600 A 192.0.2.25",
            "ns 3600 A 192.0.2.53",
            "www 3600 CNAME mail.b9.example."
        ]
    );
}

#[test]
fn nameservers_of_others_stay_where_they_are_asked_for() {
    let kept = read(GODADDY, "go.example", &Options::default());
    assert_eq!(records(&kept)[..2], ["@ 3600 NS ns51.registrar.example.", "@ 3600 NS ns52.registrar.example."]);
    assert_eq!(left_out(&kept), NEW_ZONE[..1]);
    assert_eq!(warnings(&kept), [("foreign-apex-ns".to_owned(), "@".to_owned())]);
    assert!(kept.warnings[0].detail.to_string().contains("ns51.registrar.example, ns52.registrar.example"));
    // Our own are never kept, and delegations inside the zone are nobody's business.
    let mixed = "@ 60 NS ns1.here.example.\n@ 60 NS ns.other.example.\nsub 60 NS ns.other.example.\n";
    let file = read(mixed, "go.example", &options());
    assert_eq!(records(&file), ["sub 60 NS ns.other.example."]);
    let reasons = [(LeftOutReason::OwnNameserver, "NS", 1), (LeftOutReason::ForeignNameserver, "NS", 1)];
    assert_eq!(left_out(&file), reasons);
}

#[test]
fn our_exports_come_back_whole_here_and_elsewhere() {
    let domain = zone("back.example");
    let there = apex(&["ns1.there.example", "ns2.there.example"]);
    let users = "@ 60 NS ns.second.example.\n@ 60 MX 10 mail\nmail 60 A 192.0.2.1\n";
    let content = read(users, "back.example", &Options::default());
    let mut all = there.records(&domain, Some(dns::Ttl::new(60).unwrap()));
    all.extend(content.records.iter().map(|record| dns::ResourceRecord {
        owner: record.owner.clone(),
        ttl: dns::Ttl::new(60).unwrap(),
        data: record.data.clone(),
    }));
    let snapshot = ZoneSnapshot { id: ZoneId(Uuid::nil()), name: domain, soa: there.soa(Serial(7)), records: all };
    let text = zonefile::export(&snapshot, &there);
    assert!(text.starts_with("; Zonewright zone file, format 1\n"), "{text}");
    // On another server, unless it is asked to keep foreign nameservers, and if it is.
    for options in [options(), Options::default()] {
        let back = read(&text, "back.example", &options);
        assert_eq!(records(&back), records(&content));
        assert_eq!(left_out(&back), [(LeftOutReason::Soa, "SOA", 1), (LeftOutReason::OwnNameserver, "NS", 2)]);
    }
    // A file that only begins so, as one that was edited by hand, comes back whole too.
    let edited = format!("; Zonewright zone file, format 1\n{users}");
    assert_eq!(records(&read(&edited, "back.example", &options())), records(&content));
}

#[test]
fn warnings_are_bounded_and_each_is_there_once() {
    let mut text = "@ 60 MX 10 missing\n@ 1 TXT \"v=spf1 -all\"\n@ 1 TXT \"v=spf1 mx -all\"\n".to_owned();
    for number in 0..3_000 {
        text.push_str(&format!("h{number} 60 A 192.0.2.1\n"));
    }
    let file = read(&text, "many.example", &options());
    let wanted = [("low-ttl", "@"), ("spf-multiple", "@"), ("dangling-target", "@")];
    assert_eq!(warnings(&file), wanted.map(|(code, owner)| (code.to_owned(), owner.to_owned())));
    let file = read(&text.replace(" 60 ", " 1 "), "many.example", &options());
    assert_eq!(file.warnings.len(), MAX_WARNINGS);
    assert_eq!(file.left_out.first().map(|left| left.first), None::<Position>);
}
