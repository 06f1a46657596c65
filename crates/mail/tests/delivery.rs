//! Letters handed to a real mail server, and to such as do not want them.

#![expect(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

#[expect(dead_code, reason = "each program that includes it uses a part of it")]
mod smtp_server;

use std::time::{Duration, Instant};

use mail::{Failure, Letter, Login, Mailer, Secret, Security, Settings, TooMany};
use smtp_server::{Behaviour, MailServer, Tls};
use tokio_util::sync::CancellationToken;

fn settings(server: &MailServer) -> Settings {
    Settings {
        server: "localhost".to_owned(),
        port: server.port(),
        security: Security::None,
        login: None,
        sender: "Zonewright <dns@example.net>".parse().unwrap(),
        authorities: Some(MailServer::certificate().into_bytes()),
        host: "dns.example.net".to_owned(),
        retry_after: vec![Duration::from_millis(50); 3],
    }
}

fn mailer(settings: Settings) -> Mailer {
    Mailer::new(settings, CancellationToken::new()).unwrap()
}

fn login(password: &str) -> Option<Login> {
    Some(Login { user: "dns-mailer".to_owned(), password: Secret::new(password) })
}

fn letter(text: &str) -> Letter {
    Letter { to: "ann@example.com".to_owned(), subject: "Hello".to_owned(), text: text.to_owned() }
}

async fn wait_for(server: &MailServer, number: usize) -> smtp_server::Taken {
    let end = Instant::now() + Duration::from_secs(30);
    while server.taken().len() < number {
        assert!(Instant::now() < end, "{} letters came instead of {number}", server.taken().len());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    server.wait_for(number)
}

/// Waits until nothing is under way any more: then there is room for as many letters as ever.
async fn at_rest(mailer: &Mailer) {
    let end = Instant::now() + Duration::from_secs(30);
    while mailer.under_way() > 0 {
        assert!(Instant::now() < end, "something is under way for ever");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn who_cannot_be_trusted_or_does_not_want_us_gets_nothing() {
    // No TLS where TLS is wanted: neither the letter nor the password is said.
    let plain = MailServer::start(Behaviour { login: Some(("dns-mailer", "hunter2")), ..Behaviour::default() });
    let starttls = Settings { security: Security::StartTls, login: login("hunter2"), ..settings(&plain) };
    assert!(matches!(mailer(starttls).check().await, Err(Failure::Unable(_))));
    // A certificate that nobody vouches for, or of another host.
    let encrypted = MailServer::start(Behaviour { tls: Some(Tls::Start), ..Behaviour::default() });
    let secure = Settings { security: Security::StartTls, ..settings(&encrypted) };
    for distrusted in [
        Settings { authorities: None, ..secure.clone() },
        Settings { server: "127.0.0.1".to_owned(), ..secure.clone() },
    ] {
        let mailer = mailer(distrusted);
        assert!(matches!(mailer.check().await, Err(Failure::Tls(_) | Failure::Connection(_))));
        mailer.post(async { Some(letter("secret")) }).unwrap();
        at_rest(&mailer).await;
    }
    assert!(encrypted.taken().is_empty());
    // A password that is wrong, and none where one is wanted.
    let refused = mailer(Settings { login: login("wrong"), ..settings(&plain) }).check().await;
    assert_eq!(refused, Err(Failure::Refused("535 5.7.8".to_owned())));
    let nobody = mailer(settings(&plain));
    nobody.post(async { Some(letter("secret")) }).unwrap();
    at_rest(&nobody).await;
    assert!(plain.taken().is_empty());
    // Nobody there: an address on which no test listens.
    let port = 9;
    let away = Settings { port, server: "127.0.0.2".to_owned(), ..settings(&plain) };
    assert!(matches!(mailer(away).check().await, Err(Failure::Connection(_))));
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_tried_again() {
    let server = MailServer::start(Behaviour { refuse: true, ..Behaviour::default() });
    let mailer = mailer(settings(&server));
    mailer.post(async { Some(letter("no")) }).unwrap();
    at_rest(&mailer).await;
    assert_eq!(server.connections(), 1);
    mailer.post(async { None }).unwrap();
    let to = "ann@example.com\r\nRCPT TO:<eve@example.org>".to_owned();
    mailer.post(async { Some(Letter { to, ..letter("no") }) }).unwrap();
    at_rest(&mailer).await;
    assert_eq!(server.connections(), 1, "nothing to send, and nobody to send it to");
}

#[tokio::test]
async fn what_is_refused_for_now_is_tried_again_but_not_for_ever() {
    let patient = MailServer::start(Behaviour { defer: 3, ..Behaviour::default() });
    let mailer = mailer(settings(&patient));
    mailer.post(async { Some(letter("at last")) }).unwrap();
    assert_eq!(wait_for(&patient, 1).await.body().trim_end(), "at last");
    assert_eq!(patient.connections(), 4);
    let never = MailServer::start(Behaviour { defer: usize::MAX, ..Behaviour::default() });
    let mailer = self::mailer(settings(&never));
    mailer.post(async { Some(letter("never")) }).unwrap();
    at_rest(&mailer).await;
    assert_eq!((never.connections(), never.taken().len()), (4, 0));
}

#[tokio::test]
async fn a_letter_arrives_as_it_was_written_over_every_kind_of_connection() {
    let text =
        "Línea\n.\n..dots\nFrom here\n\nhttps://dns.example.net/link/0123456789012345678901234567890123456789012/\n";
    for (tls, security) in
        [(None, Security::None), (Some(Tls::Start), Security::StartTls), (Some(Tls::Implicit), Security::Implicit)]
    {
        let server =
            MailServer::start(Behaviour { tls, login: Some(("dns-mailer", "hunter2")), ..Behaviour::default() });
        let mailer = mailer(Settings { security, login: login("hunter2"), ..settings(&server) });
        assert_eq!(mailer.check().await, Ok(()));
        assert!(server.taken().is_empty(), "a check sends nothing");
        mailer.post(async { Some(letter(text)) }).unwrap();
        let taken = wait_for(&server, 1).await;
        assert_eq!(
            (taken.from.as_str(), taken.to.as_slice()),
            ("dns@example.net", &["ann@example.com".to_owned()][..])
        );
        assert_eq!(taken.body().trim_end(), text.trim_end());
        assert_eq!(taken.over_tls, tls.is_some());
        assert!(taken.link().ends_with("9012/"), "on one line, whatever the encoding");
    }
}

#[tokio::test]
async fn only_so_many_letters_are_under_way() {
    let silent = MailServer::start(Behaviour { silent: true, ..Behaviour::default() });
    let stop = CancellationToken::new();
    let mailer = Mailer::new(settings(&silent), stop.clone()).unwrap();
    let posted = (0..1000).take_while(|_| mailer.post(async { Some(letter("wait")) }).is_ok()).count();
    assert_eq!(posted, 256);
    assert_eq!(mailer.post(async { None }), Err(TooMany));
    stop.cancel();
    at_rest(&mailer).await;
    assert!(silent.connections() <= 4, "{} connections at a time", silent.connections());
    assert_eq!(mailer.post(async { None }), Ok(()));
}
