//! Many connections from one address: the other clients are served all the same.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::get;
use http_server::Settings;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Semaphore;

use crate::server::{PATIENCE, Server, Setup};

/// A server with that many connections, none of them for loopback alone, and a route that is answered once a permit is there.
fn server(max_connections: usize, exempt: bool) -> (Server, &'static Semaphore) {
    let permits: &'static Semaphore = Box::leak(Box::new(Semaphore::new(0)));
    let more =
        Router::new().route("/slow", get(|| async { permits.acquire().await.map(drop).map_or("", |()| "slow") }));
    let mut http = Settings { max_connections, ..Settings::default() };
    if !exempt {
        http.exempt.clear();
    }
    (Server::with(Setup { http, more, ..Setup::default() }), permits)
}

async fn connect(server: SocketAddr, from: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(IpAddr::from([127, 0, 0, from]), 0)).unwrap();
    socket.connect(server).await.unwrap()
}

async fn ask(stream: &mut TcpStream, path: &str) {
    // A failure shows in the read that follows.
    let _ = stream.write_all(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes()).await;
}

/// Whether an answer comes; false where the connection is closed instead.
async fn is_answered(stream: &mut TcpStream) -> bool {
    let mut first = [0; 9];
    let read = tokio::time::timeout(PATIENCE, stream.read_exact(&mut first)).await;
    read.unwrap().is_ok_and(|_| &first == b"HTTP/1.1 ")
}

/// Whether a new connection is served.
async fn is_served(server: SocketAddr, from: u8) -> bool {
    let mut stream = connect(server, from).await;
    ask(&mut stream, "/nothing").await;
    is_answered(&mut stream).await
}

async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.is_ok()
}

/// A connection that has had an answer, and is idle.
async fn idle(server: SocketAddr, from: u8) -> TcpStream {
    let mut stream = connect(server, from).await;
    ask(&mut stream, "/slow").await;
    assert!(answers_slowly(&mut stream).await);
    stream
}

/// Whether the whole answer of `/slow` comes.
async fn answers_slowly(stream: &mut TcpStream) -> bool {
    let mut text = Vec::new();
    while !text.ends_with(b"\r\n\r\nslow") {
        let read = tokio::time::timeout(PATIENCE, stream.read_buf(&mut text)).await;
        if !read.unwrap().is_ok_and(|length| length > 0) {
            return false;
        }
    }
    true
}

#[test]
fn an_address_with_requests_under_way_on_its_share_gets_no_more_connections() {
    for exempt in [false, true] {
        let (server, permits) = server(8, exempt);
        server.runtime.block_on(async {
            let mut busy = Vec::new();
            for _ in 0..2 {
                let mut stream = connect(server.address, 2).await;
                ask(&mut stream, "/slow").await;
                busy.push(stream);
            }
            // Connections are accepted in their order: once the third is judged, the two are open, and soon under way.
            assert!(is_served(server.address, 3).await, "another address is served");
            assert_eq!(is_served(server.address, 2).await, exempt);
            permits.add_permits(2);
            for stream in &mut busy {
                assert!(is_answered(stream).await, "what was under way is answered");
            }
        });
    }
}

#[test]
fn the_longest_idle_connection_of_an_address_gives_way_to_its_next() {
    let (server, permits) = server(8, false);
    permits.add_permits(10);
    server.runtime.block_on(async {
        let mut first = idle(server.address, 2).await;
        let mut second = idle(server.address, 2).await;
        let started = Instant::now();
        while !is_served(server.address, 2).await {
            assert!(started.elapsed() < PATIENCE, "the idle connections do not give way");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert!(is_closed(&mut first).await);
        ask(&mut second, "/slow").await;
        assert!(answers_slowly(&mut second).await, "the other one stays open");
    });
}

#[test]
fn where_all_connections_are_taken_the_longest_idle_one_gives_way() {
    let (server, permits) = server(4, false);
    permits.add_permits(10);
    server.runtime.block_on(async {
        let mut idle_ones = Vec::new();
        for from in 2..6 {
            idle_ones.push(idle(server.address, from).await);
        }
        assert!(is_served(server.address, 6).await);
        assert!(is_closed(&mut idle_ones[0]).await);
    });
}

#[test]
fn half_a_head_holds_no_place() {
    let (server, _) = server(4, false);
    server.runtime.block_on(async {
        let mut slow = Vec::new();
        for from in 2..6 {
            let mut stream = connect(server.address, from).await;
            stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nX-Slow: ").await.unwrap();
            slow.push(stream);
        }
        assert!(is_served(server.address, 6).await);
    });
}
