//! The layout of a configuration: statements, blocks and comments, one per line.
//!
//! The content of a line goes through [`CommandLine`], the only way to insert outside data into named's language.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use wire::tsig::TsigKey;

use crate::bind9::control::CommandLine;

use crate::bind9::key::statement;

/// named picks the ports that it sends from among those from here on, as Linux does.
const FIRST_EPHEMERAL: u16 = 32_768;

/// A configuration under construction.
#[derive(Debug, Default)]
pub(super) struct Writer {
    text: String,
    depth: usize,
}

impl Writer {
    /// A comment of the program's own, which may have several lines.
    pub(super) fn comment(&mut self, text: &'static str) -> &mut Self {
        for line in text.lines() {
            self.line(if line.is_empty() { "#" } else { "# " }, line, "");
        }
        self
    }

    /// An empty line.
    pub(super) fn gap(&mut self) -> &mut Self {
        self.text.push('\n');
        self
    }

    /// `WORDS;`
    pub(super) fn statement(&mut self, build: impl FnOnce(&mut CommandLine)) -> &mut Self {
        let mut line = CommandLine::default();
        build(&mut line);
        self.line("", line.as_str(), ";");
        self
    }

    /// `WORDS;`, all of them the program's own.
    pub(super) fn fixed(&mut self, words: &'static str) -> &mut Self {
        self.line("", words, ";");
        self
    }

    /// `WORDS;`, with the reason on the lines before it.
    pub(super) fn because(&mut self, reason: &'static str, words: &'static str) -> &mut Self {
        self.comment(reason).fixed(words)
    }

    /// `WORDS {`, the statements of `body`, `};`
    pub(super) fn block(&mut self, build: impl FnOnce(&mut CommandLine), body: impl FnOnce(&mut Self)) -> &mut Self {
        let mut line = CommandLine::default();
        build(&mut line);
        self.line("", line.as_str(), " {");
        self.depth += 1;
        body(self);
        self.depth -= 1;
        self.line("", "};", "");
        self
    }

    /// The definition of a key.
    pub(super) fn key(&mut self, key: &TsigKey) -> &mut Self {
        self.text.push_str(&statement(key));
        self
    }

    /// `listen-on` and `listen-on-v6`, for both protocols: what is not given is not listened on.
    pub(super) fn listen(&mut self, addresses: &[SocketAddr]) -> &mut Self {
        for (words, is_v6) in [("listen-on", false), ("listen-on-v6", true)] {
            let of_family: Vec<_> = addresses.iter().filter(|address| address.is_ipv6() == is_v6).collect();
            if of_family.is_empty() {
                self.statement(|line| {
                    line.word(words).word("{ none; }");
                });
            }
            for address in of_family {
                self.statement(|line| {
                    line.word(words).word("port").number(address.port().into()).word("{");
                    if address.ip().is_unspecified() {
                        line.word("any");
                    } else {
                        line.address(address.ip());
                    }
                    line.word("; }");
                });
            }
        }
        self
    }

    /// The options of a server that answers from its zones and does nothing else, primary or secondary.
    pub(super) fn authority(&mut self) -> &mut Self {
        self.comment("An authoritative server and nothing else.");
        self.fixed("recursion no").fixed("allow-query { any; }");
        self.fixed("minimal-responses yes").fixed("minimal-any yes").fixed("dnssec-validation no");
        self.because("Nothing is cached, and the default takes memory for a large cache.", "max-cache-size 2M");
        self.because("Zones such as 10.in-addr.arpa may be customers'.", "empty-zones-enable no");
        self.fixed("zone-statistics none").fixed("version none");
        self.because("Connections at the same time.", "tcp-clients 2000")
    }

    /// Keeps named from sending from the ports of these servers, where they are among those that it picks from.
    ///
    /// On one host, a message to `127.0.0.1` port N that leaves from `127.0.0.1` port N comes back to its sender. It is tried
    /// again from the same port, and in the end a question is lost. With servers on ports of their own (53) nothing is written: the
    /// statement is deprecated, and `named-checkconf` says so.
    pub(super) fn avoid(&mut self, servers: &[SocketAddr]) -> &mut Self {
        for (words, is_v6) in [("avoid-v4-udp-ports {", false), ("avoid-v6-udp-ports {", true)] {
            let is_concerned = |server: &&SocketAddr| server.is_ipv6() == is_v6 && server.port() >= FIRST_EPHEMERAL;
            let ports: BTreeSet<u16> = servers.iter().filter(is_concerned).map(SocketAddr::port).collect();
            if !ports.is_empty() {
                self.statement(|line| {
                    line.word(words);
                    for port in ports {
                        line.number(port.into()).word(";");
                    }
                    line.word("}");
                });
            }
        }
        self
    }

    /// The finished text.
    pub(super) fn finish(self) -> String {
        self.text
    }

    fn line(&mut self, before: &str, text: &str, after: &str) {
        for _ in 0..self.depth {
            self.text.push('\t');
        }
        for part in [before, text, after, "\n"] {
            self.text.push_str(part);
        }
    }
}

/// `ADDRESS port PORT key NAME`: a server that is spoken to with signatures.
pub(super) fn signed_server(line: &mut CommandLine, server: SocketAddr, key: &TsigKey) {
    line.address(server.ip()).word("port").number(server.port().into()).word("key").name(key.name());
}
