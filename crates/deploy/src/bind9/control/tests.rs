//! A fake named that closes the connection, is slow, or sends wrong responses, which a real one does not do. `tests/control.rs`
//! has the other tests.

use std::sync::Arc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use wire::secret::Algorithm;

use super::message::tests::{open_request, seal_response};
use super::*;

const NONCE: u32 = 4711;

/// What the other end does with one command.
#[derive(Clone, Copy)]
enum Act {
    /// Answers with the command line as text.
    Echo,
    /// Reads the command and closes the connection.
    Close,
    /// Sends half of an answer and closes the connection.
    Half,
    /// Answers a serial that was not asked.
    OtherSerial,
    /// Answers with a nonce that is not the connection's.
    OtherNonce,
    /// Answers with a frame that claims to be 4 GiB long.
    Endless,
    /// Keeps silent, the connection open.
    Silent,
}

/// The other end: it plays `acts` in turn, over as many connections as are made.
struct Fake {
    control: Arc<Control>,
    /// The commands that were read, in order, with the number of their connection.
    seen: mpsc::UnboundedReceiver<(usize, String)>,
}

impl Fake {
    async fn start(acts: &'static [Act]) -> Fake {
        let key = ControlKey::generate(Algorithm::Sha256).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let control = Control::new(listener.local_addr().unwrap(), key.clone()).unwrap().with_timeouts(Timeouts {
            connect: Duration::from_secs(5),
            command: Duration::from_millis(200),
            ..Timeouts::default()
        });
        let (report, seen) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut acts = acts.iter();
            let mut silenced = Vec::new();
            for number in 0.. {
                let (mut stream, _) = listener.accept().await.unwrap();
                while let Some((serial, nonce, command)) = read(&mut stream, &key).await {
                    if command == "null" {
                        assert_eq!(nonce, None);
                        write(&mut stream, &answer(serial, &command), &key, usize::MAX).await;
                        continue;
                    }
                    assert_eq!(nonce, Some(NONCE));
                    report.send((number, command.clone())).unwrap();
                    let mut answer = answer(serial, &command);
                    match acts.next().expect("no more commands") {
                        Act::Echo => {}
                        Act::Close => break,
                        Act::Half => {
                            write(&mut stream, &answer, &key, 40).await;
                            break;
                        }
                        Act::OtherSerial => answer.serial = answer.serial.wrapping_add(1),
                        Act::OtherNonce => answer.nonce += 1,
                        Act::Endless => {
                            stream.write_all(&[0xff; 4]).await.unwrap();
                            continue;
                        }
                        Act::Silent => {
                            silenced.push(stream);
                            break;
                        }
                    }
                    write(&mut stream, &answer, &key, usize::MAX).await;
                }
            }
        });
        Fake { control: Arc::new(control), seen }
    }

    async fn send(&self, command: &Command) -> Result<String, ControlError> {
        self.control.send(command).await
    }

    fn seen(&mut self) -> Vec<(usize, String)> {
        std::iter::from_fn(|| self.seen.try_recv().ok()).collect()
    }
}

async fn read(stream: &mut TcpStream, key: &ControlKey) -> Option<(u32, Option<u32>, String)> {
    let length = stream.read_u32().await.ok()?;
    let mut message = vec![0; usize::try_from(length).unwrap()];
    stream.read_exact(&mut message).await.ok()?;
    Some(open_request(&message, key))
}

async fn write(stream: &mut TcpStream, answer: &Response, key: &ControlKey, most: usize) {
    let frame = seal_response(answer, key);
    stream.write_all(&frame[..frame.len().min(most)]).await.unwrap();
}

fn answer(serial: u32, text: &str) -> Response {
    Response { serial, nonce: NONCE, result: 0, error: String::new(), text: text.to_owned() }
}

fn show() -> Command {
    Command::ShowZone(ZoneName::parse("a.test").unwrap())
}

#[tokio::test]
async fn a_new_connection_that_breaks_is_not_tried_again() {
    let mut fake = Fake::start(&[Act::Close]).await;
    let error = fake.send(&Command::Status).await.unwrap_err();
    assert!(matches!(error, ControlError::NotAnswered), "{error:?}");
    assert_eq!(fake.seen().len(), 1);
}

#[tokio::test]
async fn a_command_is_sent_again_once() {
    let mut fake = Fake::start(&[Act::Echo, Act::Close, Act::Close, Act::Echo]).await;
    fake.send(&Command::Status).await.unwrap();
    let error = fake.send(&show()).await.unwrap_err();
    assert!(matches!(error, ControlError::NotAnswered), "{error:?}");
    fake.send(&Command::Status).await.unwrap();
    let numbers: Vec<_> = fake.seen().into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, [0, 0, 1, 2]);
}

#[tokio::test]
async fn half_an_answer_is_an_error_and_ends_the_connection() {
    let mut fake = Fake::start(&[Act::Half, Act::Echo]).await;
    let error = fake.send(&show()).await.unwrap_err();
    assert!(matches!(error, ControlError::Interrupted(_)), "{error:?}");
    assert_eq!(fake.send(&show()).await.unwrap(), "showzone \"a.test.\"");
    assert_eq!(fake.seen().len(), 2);
}

#[tokio::test]
async fn answers_to_something_else_are_refused_and_end_the_connection() {
    let mut fake = Fake::start(&[Act::OtherSerial, Act::OtherNonce, Act::Endless, Act::Echo]).await;
    for expected in [ProtocolError::Unrelated, ProtocolError::Unrelated, ProtocolError::TooLong(0xffff_ffff)] {
        match fake.send(&Command::Status).await.unwrap_err() {
            ControlError::Protocol(error) => assert_eq!(error, expected),
            error => panic!("{error:?}"),
        }
    }
    fake.send(&Command::Status).await.unwrap();
    let numbers: Vec<_> = fake.seen().into_iter().map(|(number, _)| number).collect();
    assert_eq!(numbers, [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_late_answer_is_not_taken_for_the_next_one() {
    let mut fake = Fake::start(&[Act::Silent, Act::Echo]).await;
    let error = fake.send(&show()).await.unwrap_err();
    let stage = Stage::Command;
    assert!(matches!(error, ControlError::Timeout { stage: s, .. } if s == stage), "{error:?}");
    assert_eq!(fake.send(&Command::Status).await.unwrap(), "status");
    assert_eq!(fake.seen(), [(0, show().to_string()), (1, "status".to_owned())]);
}

#[tokio::test]
async fn a_cancelled_command_ends_its_connection() {
    let mut fake = Fake::start(&[Act::Echo, Act::Silent, Act::Echo]).await;
    fake.send(&Command::Status).await.unwrap();
    tokio::select! {
        biased;
        _ = fake.control.send(&Command::Reconfig) => panic!("there is no answer"),
        seen = fake.seen.recv() => assert_eq!(seen, Some((0, "status".to_owned()))),
    }
    assert_eq!(fake.send(&Command::Status).await.unwrap(), "status");
}

#[tokio::test]
async fn concurrent_callers_share_one_connection() {
    let mut fake = Fake::start(&[Act::Echo; 20]).await;
    let callers: Vec<_> = (0..20)
        .map(|number| {
            let control = Arc::clone(&fake.control);
            let zone = ZoneName::parse(&format!("z{number}.test")).unwrap();
            let command = Command::ShowZone(zone);
            tokio::spawn(async move {
                assert_eq!(control.send(&command).await.unwrap(), command.to_string());
            })
        })
        .collect();
    for caller in callers {
        caller.await.unwrap();
    }
    assert!(fake.seen().iter().all(|(number, _)| *number == 0));
}

#[tokio::test]
async fn a_handshake_without_an_answer_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let key = ControlKey::generate(Algorithm::Sha256).unwrap();
    let timeouts = Timeouts { connect: Duration::from_millis(50), ..Timeouts::default() };
    let control = Control::new(listener.local_addr().unwrap(), key).unwrap().with_timeouts(timeouts);
    let error = control.send(&Command::Status).await.unwrap_err();
    let stage = Stage::Connect;
    assert!(matches!(error, ControlError::Timeout { stage: s, .. } if s == stage), "{error:?}");
}
