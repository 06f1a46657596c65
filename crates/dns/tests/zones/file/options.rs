//! What the options of an import change, and what a reader is told about lines that are read otherwise than BIND reads them.

use dns::zonefile::{self, FileFault, LeftOutReason, Options, UNSUPPORTED_TYPE, ZoneFile};
use dns::{Name, ZoneName};

const HEAD: &str = "$TTL 300\n@ SOA ns.example.org. host.example.org. 1 2 3 4 5\n@ NS ns.example.org.\n";

fn read(lines: &str, options: &Options) -> Result<ZoneFile, Vec<FileFault>> {
    let zone = ZoneName::from_stored(Name::parse("example.com").unwrap());
    zonefile::parse(format!("{HEAD}{lines}").as_bytes(), &zone, options)
}

/// The records as a zone file has them, without TTL.
fn records(file: &ZoneFile) -> Vec<String> {
    let text = |record: &dns::ResourceRecord| format!("{} {} {}", record.owner, record.data.record_type(), record.data);
    file.records.iter().map(|found| text(&found.record)).collect()
}

fn notes(file: &ZoneFile) -> Vec<(u32, &str)> {
    file.notes.iter().map(|note| (note.at.line - 3, note.check)).collect()
}

#[test]
fn records_of_unsupported_types_are_left_out_when_asked() {
    let lines = "www A 192.0.2.1\n@ WINS 192.0.2.9\n@ 0 IN WINS LOCAL L5 C900 ( 192.0.2.9\n 192.0.2.10 )\n\
                 @ WINSR L1 C900 ( example.com. )\nx TYPE0 nonsense\nx MD a.example.org.\nmail A 192.0.2.2\n";
    let faults = read(lines, &Options::default()).unwrap_err();
    assert_eq!(faults.len(), 5);
    assert!(faults.iter().all(|fault| fault.fault.check == UNSUPPORTED_TYPE), "{faults:?}");

    let options = Options { leave_out_unknown: true, ..Options::default() };
    let file = read(lines, &options).unwrap();
    assert_eq!(records(&file), ["mail A 192.0.2.2", "www A 192.0.2.1"]);
    let left_out: Vec<_> =
        file.left_out.iter().map(|left| (left.record_type.as_str(), left.count, left.first.line - 3)).collect();
    assert_eq!(left_out, [("WINS", 2, 2), ("WINSR", 1, 5), ("TYPE0", 1, 6), ("MD", 1, 7)]);
    assert!(file.left_out.iter().all(|left| left.reason == LeftOutReason::UnsupportedType));
}

#[test]
fn leaving_out_unknown_types_hides_no_other_mistake() {
    let options = Options { leave_out_unknown: true, ..Options::default() };
    for (line, check) in [
        ("www 192.0.2.1", "record-type"),
        ("www 1y A 192.0.2.1", "record-type"),
        ("www IN IN A 192.0.2.1", "record-type"),
        ("www 60 60 A 192.0.2.1", "record-type"),
        ("www \\065 192.0.2.1", "record-type"),
        ("www A 192.0.2", "field-address"),
        ("www CH WINS 192.0.2.1", "class"),
        ("www WINS ( 192.0.2.1", "zone-file-syntax"),
    ] {
        let faults = read(line, &options).unwrap_err();
        assert_eq!(faults[0].fault.check, check, "{line}: {faults:?}");
    }
}

#[test]
fn time_stamps_of_windows_are_ignored() {
    let lines = "host [AGE:3637620] 1200 A 192.0.2.1\nhost [AGE:3637620] A 192.0.2.2\nother 60 [age:1] IN TXT x\n";
    let file = read(lines, &Options::default()).unwrap();
    assert_eq!(records(&file), ["host A 192.0.2.1", "host A 192.0.2.2", "other TXT \"x\""]);
    assert_eq!(notes(&file)[..3], [(1, "age-ignored"), (2, "age-ignored"), (2, "ttl-differs")]);
    for line in ["a [AGE:] A 192.0.2.1", "a [AGE:x] A 192.0.2.1", "a [AGE:1 A 192.0.2.1", "a \"[AGE:1]\" A 192.0.2.1"] {
        assert!(read(line, &Options::default()).is_err(), "{line}");
    }
}

#[test]
fn names_that_are_read_otherwise_are_noted() {
    let lines = "bücher 60 A 192.0.2.1\nc CNAME bücher\n_sip._tls.@ SRV 1 2 443 sip.example.org.\n\
                 a\\032é TXT x\n$ORIGIN ü.example.com.\nwww TXT é\n";
    let file = read(lines, &Options::default()).unwrap();
    assert_eq!(
        records(&file),
        [
            "_sip._tls SRV 1 2 443 sip.example.org.",
            "a\\032\\195\\169 TXT \"x\"",
            "c CNAME xn--bcher-kva.example.com.",
            "xn--bcher-kva A 192.0.2.1",
            "www.xn--tda TXT \"\\195\\169\"",
        ]
    );
    let expected =
        [(1, "name-converted"), (2, "name-converted"), (3, "name-at-sign"), (4, "name-octets"), (5, "name-converted")];
    assert_eq!(notes(&file), expected);
    let details: Vec<String> = file.notes.iter().map(|note| note.detail.to_string()).collect();
    assert_eq!(details[0], "\"bücher\" is not ASCII and is read as xn--bcher-kva.example.com. (UTS 46)");
    assert_eq!(details[2], "\"_sip._tls.@\" is read as _sip._tls.example.com.: \"@\" stands for example.com.");
    // The file of an internationalized zone is for that zone.
    assert_eq!(
        zonefile::apex_of("$ORIGIN bücher.example.\n@ A 192.0.2.1".as_bytes()),
        Name::parse("bücher.example").ok()
    );
    // However many names a line makes, the notes are bounded.
    let many = read("$GENERATE 1-5000 é$ A 192.0.2.1\n", &Options::default()).unwrap();
    assert_eq!((many.records.len(), many.notes.len()), (5000, zonefile::MAX_NOTES));
}
