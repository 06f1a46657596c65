//! The messages that real programs sent to a BIND on loopback, sent again here: each gets the response code that BIND gave, the same
//! answers, and a signature where it is signed.
//!
//! `traces/captured-rfc2136.json` has the recordings: certbot, lego, acme.sh, dehydrated, Ansible, octoDNS, lexicon, ddclient, Kea,
//! nsupdate and knsupdate. Left out of the comparison: the authority section of positive answers, which is empty here.

use std::collections::BTreeMap;

use dns::{RecordData, RecordType, ZoneName};
use domain::base::iana::{Class, Opcode, Rtype};
use serde::Deserialize;

use crate::common::{Door, Key, ZONE};
use crate::messages::Message;

/// What the zone had when the programs came.
const CONTENT: &str = "
    www 300 A 192.0.2.1
    mail 300 A 192.0.2.3
    old 300 TXT x
    gone 300 A 192.0.2.4
    sub 300 NS ns1.example.net.
    *.wild 300 A 192.0.2.9
    new 300 TXT x
    txt 300 TXT hello";

#[derive(Deserialize)]
struct Recording {
    runs: BTreeMap<String, Vec<Recorded>>,
}

/// One message, and what BIND answered.
#[derive(Deserialize)]
struct Recorded {
    proto: String,
    op: String,
    question: String,
    #[serde(default)]
    prerequisites: Vec<String>,
    #[serde(default)]
    update: Vec<String>,
    /// Of the signature, in the letters in which it was sent.
    algorithm: Option<String>,
    rcode: u8,
    answer_counts: [u16; 4],
}

impl Recorded {
    fn message(&self) -> Message {
        let opcode = if self.op == "UPDATE" { Opcode::UPDATE } else { Opcode::QUERY };
        let words: Vec<&str> = self.question.split(' ').collect();
        let [name, _, rtype] = words[..] else { panic!("{}", self.question) };
        let mut message = Message::empty(opcode).zone(name, rtype.parse().unwrap(), Class::IN);
        for line in &self.prerequisites {
            let (name, rtype, class, ttl, data) = record(line);
            message = message.prerequisite(&name, rtype, class, ttl, &data);
        }
        for line in &self.update {
            let (name, rtype, class, ttl, data) = record(line);
            message = message.record(&name, rtype, class, ttl, &data);
        }
        message
    }
}

/// A line as the recordings have it: owner, TTL, class, type, and data as in a zone file.
fn record(line: &str) -> (String, Rtype, Class, u32, Vec<u8>) {
    let mut words = line.splitn(5, ' ');
    let mut word = || words.next().unwrap();
    let (owner, ttl, class, rtype) = (word(), word(), word(), word());
    let class = match class {
        "IN" => Class::IN,
        "NONE" => Class::NONE,
        "ANY" => Class::ANY,
        other => panic!("{other}"),
    };
    let data = words.next().map_or_else(Vec::new, |text| {
        let record_type = RecordType::parse(rtype).unwrap();
        RecordData::parse_whole(record_type, text, &ZoneName::parse(ZONE).unwrap()).unwrap().wire()
    });
    (owner.to_owned(), rtype.parse().unwrap(), class, ttl.parse().unwrap(), data)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_messages_of_real_programs_get_the_same_answers() {
    let recording: Recording = serde_json::from_str(include_str!("../traces/captured-rfc2136.json")).unwrap();
    let mut messages = 0;
    for (name, run) in recording.runs {
        let door = Door::with(CONTENT).await;
        let mut zones = vec![door.zone.id];
        for other in ["2.0.192.in-addr.arpa", "example.com", "sub.example.test"] {
            zones.push(door.store.create_zone(&door.author, ZoneName::parse(other).unwrap()).await.unwrap().id);
        }
        let key = |algorithm| door.key_with(move |new| (new.algorithm, new.zones) = algorithm);
        let sha256 = key((store::KeyAlgorithm::Sha256, zones.clone())).await;
        let md5 = key((store::KeyAlgorithm::Md5, zones)).await;
        for (number, recorded) in run.iter().enumerate() {
            let of = recorded.algorithm.as_ref().map(|spelled| {
                let key = if spelled.to_lowercase().starts_with("hmac-md5") { &md5 } else { &sha256 };
                Key { spelled: Some(spelled.clone()), ..key.clone() }
            });
            let mut message = recorded.message();
            // Programs choose ids at random: a message with the same one within a second would be the same message.
            message.octets[1] = number as u8;
            let sent = match recorded.proto.as_str() {
                "udp" => door.send_udp(&message, of.as_ref()).await.unwrap(),
                _ => door.send_tcp(&message, of.as_ref()).await.unwrap(),
            };
            let what = format!("{name}, message {number}: {} {:?}", recorded.question, recorded.update);
            assert_eq!(sent.rcode.to_int(), recorded.rcode, "{what}");
            assert_eq!(sent.is_signed, of.is_some(), "{what}");
            let [_, answers, authority, _] = recorded.answer_counts;
            if !recorded.question.ends_with("AXFR") {
                assert_eq!(sent.counts[1], answers, "{what}");
                assert!(answers > 0 || sent.counts[2] == authority, "{what}: {:?}", sent.counts);
            }
            messages += 1;
        }
    }
    assert!(messages > 90, "{messages}");
}
