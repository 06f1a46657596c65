//! Valid, malformed and hostile messages.

use proptest::prelude::*;
use wire::secret::Algorithm;

use super::*;

const SECRET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

fn key(algorithm: Algorithm) -> ControlKey {
    ControlKey::new(&algorithm.to_string(), SECRET).unwrap()
}

/// A message whose signature is right, whatever is signed.
fn signed(body: &[u8], key: &ControlKey) -> Vec<u8> {
    let mut authenticator = vec![key.algorithm_code()];
    authenticator.extend(BASE64.encode(key.sign(body)).bytes());
    authenticator.resize(AUTHENTICATOR_LEN, 0);
    let mut message = VERSION.to_be_bytes().to_vec();
    put_table(&mut message, "_auth", |table| put_octets(table, "hsha", &authenticator));
    message.extend(body);
    message
}

/// What a named reads: serial, nonce and command line of a request without its length.
pub(in super::super) fn open_request(message: &[u8], key: &ControlKey) -> (u32, Option<u32>, String) {
    let mut rest = &message[4..];
    verify(&mut rest, key).unwrap();
    let message = Table::decode(rest, &mut Budget::default(), 1).unwrap();
    let control = message.table("_ctrl").unwrap();
    let command = message.table("_data").unwrap().text("type").into_owned();
    (control.number("_ser").unwrap(), control.number("_nonce").ok(), command)
}

/// What a named writes: the frame of an answer.
pub(in super::super) fn seal_response(answer: &Response, key: &ControlKey) -> Vec<u8> {
    let mut body = Vec::new();
    put_table(&mut body, "_ctrl", |table| {
        put_octets(table, "_ser", answer.serial.to_string().as_bytes());
        put_octets(table, "_rpl", b"1");
        put_octets(table, "_nonce", answer.nonce.to_string().as_bytes());
    });
    put_table(&mut body, "_data", |table| {
        put_octets(table, "result", answer.result.to_string().as_bytes());
        put_octets(table, "err", answer.error.as_bytes());
        put_octets(table, "text", answer.text.as_bytes());
    });
    let message = signed(&body, key);
    [&length(message.len())[..], &message].concat()
}

fn answer_body() -> Vec<u8> {
    let mut body = Vec::new();
    put_table(&mut body, "_ctrl", |table| {
        put_octets(table, "_ser", b"7");
        put_octets(table, "_tim", b"1700000000");
        put_octets(table, "_exp", b"1700000060");
        put_octets(table, "_rpl", b"1");
        put_octets(table, "_nonce", b"99");
    });
    put_table(&mut body, "_data", |table| {
        put_octets(table, "type", b"zonestatus");
        put_octets(table, "result", b"23");
        put_octets(table, "err", b"not found");
        put_octets(table, "text", b"no such zone\0");
    });
    body
}

#[test]
fn unsigned_and_wrongly_signed_answers_are_refused_undecoded() {
    let key = key(Algorithm::Sha256);
    let other = ControlKey::generate(Algorithm::Sha256).unwrap();
    let good = signed(&answer_body(), &key);
    let mut bare = VERSION.to_be_bytes().to_vec();
    bare.extend(answer_body());
    let mut empty_tag = VERSION.to_be_bytes().to_vec();
    put_table(&mut empty_tag, "_auth", |table| {
        put_octets(table, "hsha", &[key.algorithm_code()]);
    });
    empty_tag.extend(answer_body());
    let messages = [
        signed(&answer_body(), &other),
        signed(&answer_body(), &self::key(Algorithm::Sha512)),
        signed(b"\xff\xff\xff", &other),
        [&good[..], b"\0"].concat(),
        bare,
        empty_tag,
    ];
    for message in messages {
        assert_eq!(Response::open(&message, &key), Err(ProtocolError::Signature));
    }
}

#[test]
fn a_changed_octet_is_never_accepted() {
    let key = key(Algorithm::Sha1);
    let good = signed(&answer_body(), &key);
    for at in 0..good.len() {
        for flip in [1, 0x20, 0x80] {
            let mut changed = good.clone();
            changed[at] ^= flip;
            assert!(Response::open(&changed, &key).is_err(), "octet {at}");
        }
    }
}

#[test]
fn every_cut_is_refused() {
    let key = key(Algorithm::Sha256);
    let body = answer_body();
    let good = signed(&body, &key);
    for end in 0..good.len() {
        assert!(Response::open(&good[..end], &key).is_err(), "{end}");
    }
    for end in 0..body.len() {
        assert!(Response::open(&signed(&body[..end], &key), &key).is_err(), "{end}");
    }
}

#[test]
fn hostile_tables_are_refused() {
    let key = key(Algorithm::Sha256);
    let open = |body: &[u8]| Response::open(&signed(body, &key), &key);

    let mut nested = Vec::new();
    for _ in 0..4000 {
        let inner = std::mem::take(&mut nested);
        put(&mut nested, "A", TYPE_TABLE, &inner);
    }
    assert_eq!(open(&nested), Err(ProtocolError::TooDeep));

    // The shortest entry there is, an empty key with an empty value, as often as it fits.
    let many = [0, TYPE_OCTETS, 0, 0, 0, 0].repeat(MAX_ANSWER / 6);
    assert_eq!(open(&many), Err(ProtocolError::TooManyEntries));

    assert_eq!(open(b"\x01A\x01\xff\xff\xff\xff"), Err(ProtocolError::Truncated));
    assert_eq!(open(b"\xffA"), Err(ProtocolError::Truncated));
    assert_eq!(open(b"\x01A\x03\0\0\0\0"), Err(ProtocolError::ValueType(3)));
    assert_eq!(open(b""), Err(ProtocolError::Entry("_ctrl")));
}

#[test]
fn entries_that_are_not_what_they_should_be() {
    let key = key(Algorithm::Sha256);
    let cases: [(&str, &[u8]); 6] = [
        ("_ser", b"-1"),
        ("_ser", b"4294967296"),
        ("_nonce", b""),
        ("_nonce", b"\xff"),
        ("_rpl", b"yes"),
        ("result", b"many"),
    ];
    for (name, value) in cases {
        let mut body = Vec::new();
        let or = |entry, default: &'static [u8]| if entry == name { value } else { default };
        put_table(&mut body, "_ctrl", |table| {
            put_octets(table, "_ser", or("_ser", b"7"));
            put_octets(table, "_rpl", or("_rpl", b"1"));
            put_octets(table, "_nonce", or("_nonce", b"99"));
        });
        put_table(&mut body, "_data", |table| put_octets(table, "result", or("result", b"0")));
        let opened = Response::open(&signed(&body, &key), &key);
        assert_eq!(opened, Err(ProtocolError::Entry(name)), "{value:?}");
    }
}

#[test]
fn a_request_is_no_answer() {
    let key = key(Algorithm::Sha256);
    let frame = Request { serial: 1, sent: 2, nonce: Some(3), command: "status" }.seal(&key);
    assert_eq!(Response::open(&frame[4..], &key), Err(ProtocolError::Entry("_rpl")));
}

#[test]
fn another_version_is_refused() {
    let mut message = signed(&answer_body(), &key(Algorithm::Sha256));
    message[3] = 2;
    let opened = Response::open(&message, &key(Algorithm::Sha256));
    assert_eq!(opened, Err(ProtocolError::Version(2)));
}

#[test]
fn the_longest_command_fits() {
    let longest = "x".repeat(MAX_COMMAND);
    assert_eq!(check_length(&longest), Ok(()));
    let octets = MAX_COMMAND + 1;
    assert_eq!(check_length(&(longest.clone() + "x")), Err(CommandTooLong { octets }));
    for algorithm in Algorithm::ALL {
        let request = Request { serial: u32::MAX, sent: u64::MAX, nonce: Some(u32::MAX), command: &longest };
        assert!(request.seal(&key(algorithm)).len() <= 4 + MAX_REQUEST);
    }
}

#[test]
fn an_answer_in_every_algorithm() {
    for algorithm in Algorithm::ALL {
        let key = key(algorithm);
        let answer = Response::open(&signed(&answer_body(), &key), &key).unwrap();
        let expected = Response {
            serial: 7,
            nonce: 99,
            result: 23,
            error: "not found".to_owned(),
            text: "no such zone".to_owned(),
        };
        assert_eq!(answer, expected);
    }
}

proptest! {
    #[test]
    fn no_octets_make_the_decoder_panic(octets in prop::collection::vec(any::<u8>(), 0..400)) {
        let key = key(Algorithm::Sha256);
        prop_assert!(Response::open(&octets, &key).is_err());
        prop_assert!(Response::open(&signed(&octets, &key), &key).is_err());
    }

    /// Closer to the real thing than random octets: a valid body with a few octets changed.
    #[test]
    fn no_damage_makes_the_decoder_panic(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let key = key(Algorithm::Sha256);
        let mut body = answer_body();
        for (at, octet) in damage {
            let at = at.index(body.len());
            body[at] = octet;
        }
        // Signed after the damage, so that the decoder gets to see it. Some damage does no harm.
        let _ = Response::open(&signed(&body, &key), &key);
    }
}
