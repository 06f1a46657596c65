//! What keeps one client from flooding another, or from taking all connections: cookies, rate limiting, places for TCP. Beside a
//! real BIND with the same settings.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};

use dns::{Name, ZoneSnapshot};
use domain::base::iana::OptionCode;
use domain::base::message::Message;
use domain::base::opt::UnknownOptData;
use nameserver::{RateLimit, Settings, TcpLimits};
use socket2::{Domain, Socket, Type};

use super::common::Ours;
use super::common::client::{Answer, Query, Transport, exchange, receive, send};
use super::common::named::Named;
use super::common::zones::zone;

const SECRET: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const SECRET_OF_NAMED: &str = "cookie-secret \"000102030405060708090a0b0c0d0e0f\";";
const CLIENT_COOKIE: [u8; 8] = *b"a client";
const COOKIE: u16 = 10;
const NSID: u16 = 3;
const DEADLINE: Duration = Duration::from_secs(20);

fn example() -> ZoneSnapshot {
    let lines = [
        "@ 3600 NS ns.elsewhere.example",
        "www 60 A 192.0.2.1",
        "*.wild 60 A 192.0.2.2",
        "sub 60 NS ns.sub.example.com",
    ];
    zone("example.com", 5, &lines)
}

fn ours(settings: Settings) -> Ours {
    let ours = Ours::start_with(settings);
    ours.zones.load(example());
    ours
}

/// A query with an OPT record that has these options.
fn query(id: u16, name: &str, qtype: u16, options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut message = Query { edns: Some((1232, false)), ..Query::new(&Name::parse(name).unwrap(), qtype) }.message();
    message[..2].copy_from_slice(&id.to_be_bytes());
    let mut data = Vec::new();
    for (code, value) in options {
        data.extend(code.to_be_bytes());
        data.extend((value.len() as u16).to_be_bytes());
        data.extend(*value);
    }
    let length_at = message.len() - 2;
    message[length_at..].copy_from_slice(&(data.len() as u16).to_be_bytes());
    message.extend(data);
    message
}

/// A query without a question.
fn bare(options: &[(u16, &[u8])]) -> Vec<u8> {
    let mut message = query(7, ".", 1, options);
    message[5] = 0;
    message.splice(12..17, []);
    message
}

/// The option of a response.
fn option(response: &[u8], code: u16) -> Option<Vec<u8>> {
    let opt = Message::from_octets(response).unwrap().opt()?;
    let mut options = opt.opt().iter::<UnknownOptData<_>>().map(Result::unwrap);
    options.find(|option| option.code() == OptionCode::from_int(code)).map(|option| option.as_slice().to_vec())
}

fn cookie(client: &[u8], server: &[u8]) -> Vec<u8> {
    [client, server].concat()
}

/// Each case is asked of both, and both have to say the same, with a cookie that both accept afterwards.
#[test]
fn cookies_are_those_of_bind_with_the_same_secret() {
    const BADCOOKIE: u16 = 23;
    for require in [false, true] {
        let word = if require { "require-server-cookie yes;" } else { "" };
        let named = Named::start_with(&[example()], &format!("{SECRET_OF_NAMED} {word}"));
        let settings = Settings { cookie_secrets: vec![SECRET], require_server_cookie: require, ..Settings::default() };
        let ours = ours(settings);
        let fresh = |server: SocketAddr| {
            let response =
                exchange(server, &query(1, "www.example.com", 1, &[(COOKIE, &CLIENT_COOKIE)]), Transport::Udp).unwrap();
            option(&response, COOKIE).expect("a cookie")
        };
        let (mine, theirs) = (fresh(ours.address), fresh(named.address));
        assert_eq!((mine.len(), &mine[..12]), (24, &theirs[..12]), "client's part, version, reserved");
        let wrong = if require { BADCOOKIE } else { 0 };
        let ask = |options: &[(u16, &[u8])]| query(9, "www.example.com", 1, options);
        let changed = |cookie: &[u8]| {
            let mut changed = cookie.to_vec();
            changed[23] ^= 1;
            changed
        };
        let other_client = [b"a friend".as_slice(), &theirs[8..]].concat();
        let cases: Vec<(&str, Transport, Vec<u8>, u16, bool)> = vec![
            ("no option", Transport::Udp, ask(&[]), 0, false),
            ("a client's cookie", Transport::Udp, ask(&[(COOKIE, &CLIENT_COOKIE)]), wrong, true),
            ("a client's cookie over TCP", Transport::Tcp, ask(&[(COOKIE, &CLIENT_COOKIE)]), 0, true),
            ("our cookie", Transport::Udp, ask(&[(COOKIE, &mine)]), 0, true),
            ("BIND's cookie", Transport::Udp, ask(&[(COOKIE, &theirs)]), 0, true),
            ("the first of two counts", Transport::Udp, ask(&[(COOKIE, &theirs), (COOKIE, &changed(&mine))]), 0, true),
            ("a changed cookie", Transport::Udp, ask(&[(COOKIE, &changed(&theirs))]), wrong, true),
            ("another client's cookie", Transport::Udp, ask(&[(COOKIE, &other_client)]), wrong, true),
            ("of another make", Transport::Udp, ask(&[(COOKIE, &cookie(&CLIENT_COOKIE, &[1; 8]))]), wrong, true),
            ("of the longest", Transport::Udp, ask(&[(COOKIE, &cookie(&CLIENT_COOKIE, &[1; 32]))]), wrong, true),
            ("too short for a client", Transport::Udp, ask(&[(COOKIE, &[1; 7])]), 1, false),
            ("too short for a server", Transport::Udp, ask(&[(COOKIE, &[1; 15])]), 1, false),
            ("too long", Transport::Udp, ask(&[(COOKIE, &[1; 41])]), 1, false),
            ("empty", Transport::Udp, ask(&[(COOKIE, &[])]), 1, false),
            ("no question and a cookie", Transport::Udp, bare(&[(COOKIE, &theirs)]), 0, true),
            ("no question and no cookie", Transport::Udp, bare(&[]), 1, false),
        ];
        let mut different = Vec::new();
        for (case, transport, message, rcode, has_cookie) in cases {
            let [mine, theirs] = [ours.address, named.address].map(|server| {
                let response = exchange(server, &message, transport).unwrap_or_else(|error| panic!("{case}: {error}"));
                let rcode = u16::from(response[3] & 0xf) | if response.len() > 12 { extended(&response) } else { 0 };
                (rcode, response[7], option(&response, COOKIE).is_some())
            });
            if mine != theirs || (mine.0, mine.2) != (rcode, has_cookie) {
                different.push(format!("{case}: expected {rcode} {has_cookie}, ours {mine:?}, BIND's {theirs:?}"));
            }
        }
        assert!(different.is_empty(), "required: {require}\n{}", different.join("\n"));
    }
}

/// The upper bits of the response code.
fn extended(response: &[u8]) -> u16 {
    let opt = Message::from_octets(response).unwrap().opt();
    opt.map_or(0, |opt| opt.rcode(Message::from_octets(response).unwrap().header()).to_int() & 0xff0)
}

#[test]
fn dig_gets_a_good_cookie_and_the_identifier() {
    let settings = Settings { cookie_secrets: vec![SECRET], nsid: b"ams-1".to_vec(), ..Settings::default() };
    let ours = ours(settings);
    let dig = |more: &[&str]| {
        let port = ours.address.port().to_string();
        let mut command = Command::new("dig");
        command.args(["@127.0.0.1", "-p", &port, "www.example.com", "A"]).args(more);
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    let answer = dig(&["+cookie", "+nsid"]);
    assert!(answer.contains("(good)") && answer.contains("(\"ams-1\")") && answer.contains("192.0.2.1"), "{answer}");
    let answer = dig(&["+nocookie"]);
    assert!(!answer.contains("COOKIE") && !answer.contains("NSID") && answer.contains("192.0.2.1"), "{answer}");
    // Without a secret and a name, neither is answered; and what does not fit beside the options is truncated.
    let plain = self::ours(Settings::default());
    let both: [(u16, &[u8]); 2] = [(COOKIE, &CLIENT_COOKIE), (NSID, b"")];
    let response = exchange(plain.address, &query(1, "www.example.com", 1, &both), Transport::Udp).unwrap();
    assert_eq!((option(&response, COOKIE), option(&response, NSID)), (None, None));
}

/// What came back of a burst.
#[derive(Debug, Default, PartialEq, Eq)]
struct Burst {
    whole: usize,
    truncated: usize,
}

/// Sends queries from one address at once, and takes what comes back until `is_all`, or until nothing comes any more.
fn burst(server: SocketAddr, from: [u8; 4], messages: &[Vec<u8>], is_all: impl Fn(&Burst) -> bool) -> Burst {
    const SILENCE: Duration = Duration::from_millis(700);
    let socket = UdpSocket::bind((Ipv4Addr::from(from), 0)).unwrap();
    socket.set_read_timeout(Some(SILENCE)).unwrap();
    for message in messages {
        socket.send_to(message, server).unwrap();
    }
    let mut burst = Burst::default();
    let mut response = [0; 1500];
    while let (false, Ok(length)) = (is_all(&burst), socket.recv(&mut response)) {
        let answer = Answer::read(&response[..length]);
        if answer.tc {
            assert!(answer.answer.is_empty() && answer.authority.is_empty(), "{answer:?}");
            burst.truncated += 1;
        } else {
            burst.whole += 1;
        }
    }
    burst
}

const QUERIES: usize = 60;
const RATE: u16 = 5;

fn limits(slip: u8) -> RateLimit {
    RateLimit { responses_per_second: RATE, slip, exempt: Vec::new(), ..RateLimit::default() }
}

fn limits_of_named(slip: u8) -> String {
    format!("rate-limit {{ responses-per-second {RATE}; slip {slip}; window 15; }};")
}

/// Each kind of response is limited by what BIND limits it by, with names that are made up where that must not help.
#[test]
fn a_flood_is_limited_as_bind_limits_it() {
    let (ours, named) = (
        ours(Settings { rate_limit: Some(limits(2)), ..Settings::default() }),
        Named::start_with(&[example()], &limits_of_named(2)),
    );
    type Name<'n> = &'n dyn Fn(usize) -> String;
    let kinds: [(&str, Name<'_>, bool); 6] = [
        ("answers", &|_| "www.example.com".to_owned(), true),
        ("from a wildcard", &|number| format!("x{number}.wild.example.com"), true),
        ("no such name", &|number| format!("x{number}.example.com"), true),
        ("referrals", &|number| format!("x{number}.sub.example.com"), true),
        ("no such type", &|_| "wild.example.com".to_owned(), true),
        ("refusals", &|number| format!("x{number}.example.org"), false),
    ];
    let (least, most) = (usize::from(RATE), usize::from(RATE) * 4);
    for (number, (kind, name, slips)) in kinds.iter().enumerate() {
        let messages: Vec<Vec<u8>> = (0..QUERIES).map(|id| query(id as u16, &name(id), 1, &[])).collect();
        for (server, who) in [(ours.address, "ours"), (named.address, "BIND")] {
            let from = [127, 0, 40 + number as u8, 9];
            // Of two that are limited, one is truncated and one is not sent.
            let is_all = |burst: &Burst| *slips && burst.whole + 2 * burst.truncated > QUERIES;
            let burst = burst(server, from, &messages, is_all);
            // A busy machine takes more than a second for a burst now and then, and each second brings the rate again.
            assert!((least..=most).contains(&burst.whole), "{who}, {kind}: {burst:?}");
            let limited = QUERIES - burst.whole;
            let truncated = if *slips { limited / 2 - 3..=limited / 2 + 3 } else { 0..=0 };
            assert!(truncated.contains(&burst.truncated), "{who}, {kind}: {burst:?}");
        }
    }
    // Another network is answered, and so is this one over TCP.
    let other = [query(1, "www.example.com", 1, &[])];
    let answered = burst(ours.address, [127, 0, 60, 1], &other, |burst| burst.whole == 1);
    assert_eq!(answered, Burst { whole: 1, truncated: 0 });
    let mut stream = connect_from([127, 0, 40, 9], ours.address);
    for _ in 0..QUERIES {
        send(&mut stream, &other[0]).unwrap();
        assert!(!Answer::read(&receive(&mut stream).unwrap()).tc);
    }
}

#[test]
fn valid_cookies_and_exempt_networks_are_never_limited() {
    let with_cookies =
        ours(Settings { rate_limit: Some(limits(1)), cookie_secrets: vec![SECRET], ..Settings::default() });
    let by_default = ours(Settings::default());
    let plain = query(1, "www.example.com", 1, &[]);
    let is_all = |burst: &Burst| burst.whole + burst.truncated == QUERIES;
    // This machine is exempt by default.
    let here = burst(by_default.address, [127, 0, 0, 1], &vec![plain.clone(); QUERIES], is_all);
    assert_eq!(here, Burst { whole: QUERIES, truncated: 0 });

    let from = [127, 0, 50, 1];
    let socket = UdpSocket::bind((Ipv4Addr::from(from), 0)).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    socket.send_to(&query(1, "www.example.com", 1, &[(COOKIE, &CLIENT_COOKIE)]), with_cookies.address).unwrap();
    let mut response = [0; 1500];
    let length = socket.recv(&mut response).unwrap();
    let valid = option(&response[..length], COOKIE).unwrap();
    let with_cookie = query(1, "www.example.com", 1, &[(COOKIE, &valid)]);
    let answered = burst(with_cookies.address, from, &vec![with_cookie.clone(); QUERIES], is_all);
    assert_eq!(answered, Burst { whole: QUERIES, truncated: 0 });
    // The same octets from another address of that network prove nothing.
    let forged = burst(with_cookies.address, [127, 0, 50, 2], &vec![with_cookie; QUERIES], is_all);
    assert!(forged.truncated >= QUERIES / 2, "{forged:?}");
    // A truncated response brings a cookie, so that a client that speaks them comes back by UDP.
    let asked = query(1, "www.example.com", 1, &[(COOKIE, &CLIENT_COOKIE)]);
    let socket = UdpSocket::bind((Ipv4Addr::from([127, 0, 50, 2]), 0)).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let deadline = Instant::now() + DEADLINE;
    loop {
        socket.send_to(&asked, with_cookies.address).unwrap();
        let length = socket.recv(&mut response).unwrap();
        let answer = Answer::read(&response[..length]);
        assert!(option(&response[..length], COOKIE).is_some());
        if answer.tc {
            break;
        }
        assert!(Instant::now() < deadline, "never limited");
    }
}

/// Connects from an address of this machine.
fn connect_from(from: [u8; 4], server: SocketAddr) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((from, 0)).into()).unwrap();
    socket.connect(&server.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

fn is_answered(stream: &mut TcpStream) -> bool {
    send(stream, &query(1, "www.example.com", 1, &[])).is_ok() && receive(stream).is_ok()
}

#[test]
fn one_address_gets_a_quarter_of_the_connections_and_exempt_ones_all() {
    let exempt: IpAddr = [127, 0, 0, 77].into();
    let tcp = TcpLimits { connections: 12, exempt: vec![exempt.into()] };
    let ours = ours(Settings { tcp, ..Settings::default() });
    let connect = |from: [u8; 4]| {
        let mut stream = connect_from(from, ours.address);
        assert!(is_answered(&mut stream), "{from:?}");
        stream
    };
    let is_closed = |stream: &mut TcpStream| stream.read(&mut [0]).is_ok_and(|length| length == 0);

    // A fourth connection takes the place of the one that is silent for longest.
    let mut greedy: Vec<TcpStream> = (0..3).map(|_| connect([127, 0, 0, 2])).collect();
    assert!(is_answered(&mut greedy[0]));
    let mut fourth = connect([127, 0, 0, 2]);
    assert!(is_closed(&mut greedy[1]), "the longest idle connection is closed");
    assert!(is_answered(&mut greedy[0]) && is_answered(&mut greedy[2]) && is_answered(&mut fourth));
    // Others have their own quarter, and the exempt address has more.
    let mut other = connect([127, 0, 0, 3]);
    let mut exempt: Vec<TcpStream> = (0..8).map(|_| connect([127, 0, 0, 77])).collect();
    // All twelve are taken: of those that are not exempt, the longest idle one makes room.
    let mut last = connect([127, 0, 0, 4]);
    assert!(is_closed(&mut greedy[0]));
    assert!(is_answered(&mut other) && is_answered(&mut last) && exempt.iter_mut().all(is_answered));
}

#[test]
fn nobody_transfers_a_zone_unless_that_is_set() {
    let ours = ours(Settings::default());
    let refused = exchange(ours.address, &query(1, "example.com", 252, &[]), Transport::Tcp).unwrap();
    assert_eq!(Answer::read(&refused).rcode, 5);
}
