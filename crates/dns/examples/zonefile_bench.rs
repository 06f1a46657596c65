//! What reading zone files costs on this machine: `cargo run --release -p dns --example zonefile_bench [RECORDS]`.
//!
//! Writes a zone file of a million records (or as many as are asked for), reads it, and has `named-compilezone` read the same
//! file. Prints the times, their ratio, and the most memory that this process had.

#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::time::Instant;

use dns::ZoneName;
use dns::zonefile::{Options, parse};

fn main() -> Result<(), Box<dyn Error>> {
    let count: usize = std::env::args().nth(1).map_or(Ok(1_000_000), |count| count.parse())?;
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("zone");
    for (layout, text) in [("sorted", file(count, |index| index)), ("shuffled", file(count, shuffled))] {
        fs::write(&path, &text)?;
        let zone = ZoneName::parse("example.com").map_err(|fault| fault.to_string())?;
        let started = Instant::now();
        let file = parse(text.as_bytes(), &zone, &Options::default()).map_err(|faults| faults[0].to_string())?;
        let ours = started.elapsed();
        let started = Instant::now();
        let compiled = Command::new("named-compilezone")
            .args(["-k", "ignore", "-i", "none", "-F", "raw", "-o", "/dev/null", "example.com"])
            .arg(&path)
            .output()?;
        let binds = started.elapsed();
        if !compiled.status.success() {
            return Err(String::from_utf8_lossy(&compiled.stderr).into_owned().into());
        }
        println!(
            "{layout}: {} records, {} octets: {:.2} s, {:.2} million records/s; named-compilezone {:.2} s, ratio {:.2}",
            file.records.len(),
            text.len(),
            ours.as_secs_f64(),
            file.records.len() as f64 / ours.as_secs_f64() / 1e6,
            binds.as_secs_f64(),
            ours.as_secs_f64() / binds.as_secs_f64()
        );
    }
    println!("peak memory of this process, both texts included: {}", peak_memory().unwrap_or_default());
    Ok(())
}

/// Records of five types, a few to each name.
fn file(count: usize, place: fn(usize) -> usize) -> String {
    let mut text =
        String::from("$TTL 1h\n@ SOA ns.example.net. host.example.net. 1 1h 15m 2w 5m\n  NS ns.example.net.\n");
    for index in 0..count {
        let index = place(index) % count;
        let (name, low) = (index / 5, index % 256);
        // Writing to a string cannot fail.
        let _ = match index % 5 {
            0 => writeln!(text, "host{name:07} A 192.0.2.{low}"),
            1 => writeln!(text, "host{name:07} 300 IN AAAA 2001:db8::{:x}:{:x}", index >> 16, index & 0xffff),
            2 => writeln!(text, "host{name:07} MX 10 mail{low}.example.net."),
            3 => writeln!(text, "host{name:07} TXT \"v=spf1 ip4:192.0.2.{low} -all\" ; policy"),
            _ => writeln!(text, "_sip._tcp.host{name:07} 1d SRV ( 10 20 5060\n   sip{low} )"),
        };
    }
    text
}

/// Another place for each, far from its neighbours'.
fn shuffled(index: usize) -> usize {
    index.wrapping_mul(7_368_787)
}

fn peak_memory() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    Some(line.trim_start_matches("VmHWM:").trim().to_owned())
}
