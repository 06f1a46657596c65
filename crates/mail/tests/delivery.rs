//! Letters handed to a real mail server, and to such as do not want them.

#![expect(clippy::unwrap_used, reason = "a test ends where something unexpected happens")]

#[expect(dead_code, reason = "each program that includes it uses a part of it")]
mod smtp_server;

use std::time::Duration;

use mail::{CONNECTIONS, Failure, Letter, Login, Mailer, Secret, Security, Settings};
use smtp_server::{Behaviour, MailServer, Tls};
use uuid::Uuid;

fn settings(server: &MailServer) -> Settings {
    Settings {
        server: "localhost".to_owned(),
        port: server.port(),
        security: Security::None,
        login: None,
        sender: "Zonewright <dns@example.net>".parse().unwrap(),
        authorities: Some(MailServer::certificate().into_bytes()),
        host: "dns.example.net".to_owned(),
        retry_after: Vec::new(),
    }
}

fn mailer(settings: Settings) -> Mailer {
    Mailer::new(settings).unwrap()
}

fn login(password: &str) -> Option<Login> {
    Some(Login { user: "dns-mailer".to_owned(), password: Secret::new(password) })
}

fn letter(text: &str) -> Letter {
    Letter { to: "ann@example.com".to_owned(), subject: "Hello".to_owned(), text: text.to_owned() }
}

async fn send(mailer: &Mailer, text: &str) -> Result<(), Failure> {
    mailer.send(&letter(text), Uuid::from_u128(7)).await
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
        assert!(send(&mailer, "secret").await.unwrap_err().may_pass());
    }
    assert!(encrypted.taken().is_empty());
    // A password that is wrong, and none where one is wanted.
    let refused = mailer(Settings { login: login("wrong"), ..settings(&plain) }).check().await;
    assert_eq!(refused, Err(Failure::Refused("535 5.7.8".to_owned())));
    assert!(send(&mailer(settings(&plain)), "secret").await.is_err());
    assert!(plain.taken().is_empty());
    // Nobody there: an address on which no test listens.
    let port = 9;
    let away = Settings { port, server: "127.0.0.2".to_owned(), ..settings(&plain) };
    assert!(matches!(mailer(away).check().await, Err(Failure::Connection(_))));
}

#[tokio::test]
async fn what_is_refused_for_good_is_told_apart_from_what_is_put_off() {
    let server = MailServer::start(Behaviour { refuse: true, ..Behaviour::default() });
    assert!(!send(&mailer(settings(&server)), "no").await.unwrap_err().may_pass());
    let to = "ann@example.com\r\nRCPT TO:<eve@example.org>".to_owned();
    let split = mailer(settings(&server)).send(&Letter { to, ..letter("no") }, Uuid::nil()).await;
    assert!(matches!(split, Err(Failure::Malformed(_))));
    assert_eq!(server.connections(), 1, "nobody to send it to");

    let patient = MailServer::start(Behaviour { defer: 1, ..Behaviour::default() });
    let mailer = mailer(settings(&patient));
    let failure = send(&mailer, "at last").await.unwrap_err();
    assert!(matches!(failure, Failure::Deferred(_)) && failure.may_pass(), "{failure}");
    send(&mailer, "at last").await.unwrap();
    let taken = patient.wait_for(1);
    assert_eq!(taken.body().trim_end(), "at last");
    assert!(taken.text.contains(&format!("Message-ID: <{}@example.net>", Uuid::from_u128(7))), "{}", taken.text);
}

#[test]
fn the_pauses_grow_and_the_last_is_repeated() {
    let server = MailServer::start(Behaviour::default());
    let seconds = |seconds: &[u64]| seconds.iter().map(|seconds| Duration::from_secs(*seconds)).collect::<Vec<_>>();
    let mailer = mailer(Settings { retry_after: seconds(&[2, 30]), ..settings(&server) });
    let pauses: Vec<_> = [1, 2, 3, 1000].map(|attempt| mailer.retry_after(attempt).unwrap()).to_vec();
    assert_eq!(pauses, seconds(&[2, 30, 30, 30]));
    assert_eq!(self::mailer(settings(&server)).retry_after(1), None);
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
        send(&mailer, text).await.unwrap();
        let taken = server.wait_for(1);
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
async fn only_so_many_connections_are_open_at_a_time() {
    let silent = MailServer::start(Behaviour { silent: true, ..Behaviour::default() });
    let mailer = mailer(settings(&silent));
    let sending: Vec<_> = (0..20)
        .map(|_| {
            let mailer = mailer.clone();
            tokio::spawn(async move { send(&mailer, "wait").await })
        })
        .collect();
    let end = std::time::Instant::now() + Duration::from_secs(30);
    while silent.connections() < CONNECTIONS {
        assert!(std::time::Instant::now() < end, "nobody connects");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    for task in sending {
        task.abort();
    }
    assert_eq!(silent.connections(), CONNECTIONS);
}
