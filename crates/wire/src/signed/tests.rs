use std::str::FromStr as _;

use domain::base::MessageBuilder;
use domain::base::name::Name as WireName;
use domain::rdata::tsig::Time48;
use domain::tsig::{self, ClientSequence, ClientTransaction};

use super::*;

const NOW: u64 = 1_700_000_000;

type Query = domain::base::message_builder::AdditionalBuilder<Vec<u8>>;

fn both(algorithm: Algorithm, other: tsig::Algorithm) -> (Arc<Secret>, tsig::Key) {
    let secret = Secret::from_octets(algorithm, b"0123456789abcdef0123456789abcdef".to_vec());
    let name = tsig::KeyName::from_str("key.example").unwrap();
    let client = tsig::Key::new(other, secret.octets(), name, None, None).unwrap();
    (Arc::new(secret), client)
}

fn query() -> Query {
    let mut message = MessageBuilder::new_vec();
    message.header_mut().set_id(4711);
    let mut question = message.question();
    question.push((WireName::<Vec<u8>>::from_str("example.test").unwrap(), Rtype::SOA)).unwrap();
    question.additional()
}

/// A query signed by another implementation.
fn signed(client: &tsig::Key, now: u64) -> (Vec<u8>, ClientTransaction<&tsig::Key>) {
    let mut message = query();
    let transaction = ClientTransaction::request(client, &mut message, Time48::from_u64(now)).unwrap();
    (message.finish(), transaction)
}

fn answer(query: &[u8]) -> Vec<u8> {
    let mut answer = query.to_vec();
    answer[2] |= 0x80;
    answer
}

fn verify(message: &[u8], key: &Arc<Secret>, now: u64) -> Result<(Vec<u8>, Signer), Unverified> {
    let signature = Signature::read(message).unwrap().unwrap();
    let mut plain = message.to_vec();
    let signer = signature.verify(&mut plain, key, now)?;
    Ok((plain, signer))
}

#[test]
fn another_implementation_is_understood_and_understands() {
    for (algorithm, other) in [
        (Algorithm::Sha1, tsig::Algorithm::Sha1),
        (Algorithm::Sha256, tsig::Algorithm::Sha256),
        (Algorithm::Sha384, tsig::Algorithm::Sha384),
        (Algorithm::Sha512, tsig::Algorithm::Sha512),
    ] {
        let (key, client) = both(algorithm, other);
        let (message, transaction) = signed(&client, NOW);
        let (plain, mut signer) = verify(&message, &key, NOW + 300).unwrap();
        assert_eq!(plain, query().finish());
        let mut answer = answer(&plain);
        let unsigned = answer.len();
        signer.sign(&mut answer, NOW + 1);
        assert!(answer.len() - unsigned <= signer.room());
        transaction.answer(&mut Message::from_octets(answer).unwrap(), Time48::from_u64(NOW)).unwrap();
    }
}

#[test]
fn all_messages_of_a_transfer_are_signed() {
    let (key, client) = both(Algorithm::Sha256, tsig::Algorithm::Sha256);
    let mut message = query();
    let mut sequence = ClientSequence::request(&client, &mut message, Time48::from_u64(NOW)).unwrap();
    let (plain, mut signer) = verify(message.as_slice(), &key, NOW).unwrap();
    for later in 0..3 {
        let mut answer = answer(&plain);
        signer.sign(&mut answer, NOW + later);
        sequence.answer(&mut Message::from_octets(answer).unwrap(), Time48::from_u64(NOW)).unwrap();
    }
    sequence.done().unwrap();
}

#[test]
fn a_clock_that_is_off_is_told_the_time_signed() {
    let (key, client) = both(Algorithm::Sha256, tsig::Algorithm::Sha256);
    let (message, _) = signed(&client, NOW);
    for now in [NOW + 301, NOW - 301] {
        let Err(Unverified::Time(signer)) = verify(&message, &key, now) else { panic!("the time is wrong") };
        let mut answer = answer(&query().finish());
        signer.refuse_time(&mut answer, now);
        let refusal = Signature::read(&answer).unwrap().unwrap();
        assert_eq!((refusal.time, refusal.error), (NOW, TsigRcode::BADTIME.to_int()));
        assert_eq!(refusal.other, now.to_be_bytes()[2..]);
        // The signature covers the six octets as they are sent (RFC 8945, section 4.3.3).
        let request = Signature::read(&message).unwrap().unwrap();
        let mut plain = answer.clone();
        refusal.take_off(&mut plain);
        let variables = refusal.variables(NOW, FUDGE, refusal.error, &refusal.other);
        assert!(key.verifies(&[&[0, 32], request.mac(), &plain, &variables], refusal.mac()));
    }
    // A fudge of hours is no reason to accept what is old.
    let mut message = query();
    ClientTransaction::request_with_fudge(&client, &mut message, Time48::from_u64(NOW), u16::MAX).unwrap();
    assert!(verify(message.as_slice(), &key, NOW + 300).is_ok());
    assert!(matches!(verify(message.as_slice(), &key, NOW + 301), Err(Unverified::Time(_))));
}

#[test]
fn another_secret_or_algorithm_is_refused() {
    let (key, client) = both(Algorithm::Sha256, tsig::Algorithm::Sha256);
    let (message, _) = signed(&client, NOW);
    let other = Arc::new(Secret::from_octets(Algorithm::Sha256, b"another".to_vec()));
    assert!(matches!(verify(&message, &other, NOW), Err(Unverified::Wrong(TsigRcode::BADSIG))));
    let weaker = Arc::new(Secret::from_octets(Algorithm::Sha1, key.octets().to_vec()));
    assert!(matches!(verify(&message, &weaker, NOW), Err(Unverified::Wrong(TsigRcode::BADSIG))));
}

#[test]
fn names_of_algorithms_compare_without_letter_case() {
    let (key, client) = both(Algorithm::Sha256, tsig::Algorithm::Sha256);
    let (mut message, _) = signed(&client, NOW);
    let at = message.windows(11).position(|octets| octets == b"hmac-sha256").unwrap();
    message[at..at + 11].make_ascii_uppercase();
    assert!(verify(&message, &key, NOW).is_ok());
}

/// Every bit of a signed message is covered, but for its id, which proxies change, and the letter case of the key's and the
/// algorithm's names.
#[test]
fn a_message_with_any_other_bit_is_not_verified() {
    let (key, client) = both(Algorithm::Sha256, tsig::Algorithm::Sha256);
    let (message, _) = signed(&client, NOW);
    let signature = Signature::read(&message).unwrap().unwrap();
    let key_name = signature.start..signature.start + signature.key_name.wire().len();
    let algorithm_name = key_name.end + 10..key_name.end + 10 + signature.algorithm_name.len();
    for at in 2..message.len() {
        for bit in 0..8 {
            let mut other = message.clone();
            other[at] ^= 1 << bit;
            let is_name = key_name.contains(&at) || algorithm_name.contains(&at);
            let is_letter = is_name && bit == 5 && message[at].is_ascii_alphabetic();
            let Ok(Some(signature)) = Signature::read(&other) else { continue };
            let verified = signature.verify(&mut other, &key, NOW);
            assert_eq!(verified.is_ok(), is_letter, "bit {bit} of octet {at}");
        }
    }
}

#[test]
fn what_is_cut_short_is_malformed_or_unsigned() {
    let (key, client) = both(Algorithm::Sha256, tsig::Algorithm::Sha256);
    let (message, _) = signed(&client, NOW);
    for length in 0..message.len() {
        assert!(!matches!(Signature::read(&message[..length]), Ok(Some(_))), "{length}");
    }
    // A MAC that was shortened.
    let signature = Signature::read(&message).unwrap().unwrap();
    let mut short = message[..signature.start].to_vec();
    short[11] -= 1;
    signature.append(&mut short, NOW, &signature.mac[..16], 0, &[]);
    assert!(matches!(verify(&short, &key, NOW), Err(Unverified::Wrong(TsigRcode::BADTRUNC))));
}
