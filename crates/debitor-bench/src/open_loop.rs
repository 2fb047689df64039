//! The open loop: requests at a fixed rate, whether answers come or not.
//!
//! The time of an answer counts from when its request was due, so that a stall is seen by every
//! request that it delays; a closed loop sends none meanwhile. It runs as a process of its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use crate::process;
use crate::request::{Random, filled};

/// Connections, each on a thread: as many requests can be under way.
const CONNECTIONS: u64 = 128;
/// The quantiles that are kept reach from 0 to this many nines.
const NINES: f64 = 5.0;
const POINTS: u32 = 100;

/// What is sent: requests as they go over the wire, with holes for a name and an e-mail.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Schedule {
    pub(crate) server: String,
    pub(crate) host: String,
    pub(crate) request: String,
    pub(crate) rate: f64,
    pub(crate) seconds: f64,
}

/// Times of answers in microseconds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Latency {
    pub(crate) server: String,
    /// Requests a second that were due.
    pub(crate) rate: f64,
    pub(crate) requests: usize,
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) p999: u64,
    pub(crate) max: u64,
    /// Quantiles and their times, for the plot.
    pub(crate) points: Vec<(f64, u64)>,
}

impl Schedule {
    /// Runs it in a process with the priority of servers.
    pub(crate) fn run(&self) -> Result<Latency> {
        let output = process::command(std::env::current_exe()?)
            .args(["open-loop", &serde_json::to_string(self)?])
            .output()?;
        let said = || String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(output.status.success(), "{}", said());
        serde_json::from_slice(&output.stdout).with_context(said)
    }

    /// What the process does.
    pub(crate) fn measure(&self) -> Result<Latency> {
        let next = AtomicU64::new(0);
        let count = (self.rate * self.seconds) as u64;
        // All connections stand before the first request is due.
        let start = Instant::now() + Duration::from_millis(500);
        let mut times = Vec::new();
        thread::scope(|scope| {
            let client = |seed| {
                let next = &next;
                scope.spawn(move || self.client(seed, start, next, count))
            };
            let clients: Vec<_> = (0..CONNECTIONS).map(client).collect();
            for client in clients {
                times.extend(
                    client
                        .join()
                        .map_err(|_| anyhow::anyhow!("a client panicked"))??,
                );
            }
            anyhow::Ok(())
        })?;
        Ok(Latency::of(&self.server, times, self.rate))
    }

    fn client(&self, seed: u64, start: Instant, next: &AtomicU64, count: u64) -> Result<Vec<u64>> {
        let mut stream = TcpStream::connect(&self.host)?;
        stream.set_nodelay(true)?;
        let mut answers = BufReader::new(stream.try_clone()?);
        let mut random = Random::new(seed);
        let mut measured = Vec::new();
        loop {
            let request = filled(&self.request, &mut random);
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(measured);
            }
            let due = start + Duration::from_secs_f64(number as f64 / self.rate);
            thread::sleep(due.saturating_duration_since(Instant::now()));
            stream.write_all(request.as_bytes())?;
            read_answer(&mut answers)?;
            measured.push(u64::try_from(due.elapsed().as_micros())?);
        }
    }
}

/// Reads one answer, which must be a success and say its length.
fn read_answer(stream: &mut BufReader<TcpStream>) -> Result<()> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    ensure!(line.starts_with("HTTP/1.1 2"), "answered {line:?}");
    let mut length = None;
    while line != "\r\n" {
        line.clear();
        ensure!(
            stream.read_line(&mut line)? > 0,
            "an answer ends in its headers"
        );
        let found = line
            .split_once(':')
            .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        length = found.map_or(Ok(length), |(_, value)| value.trim().parse().map(Some))?;
    }
    let mut body = vec![0; length.context("an answer without Content-Length")?];
    Ok(stream.read_exact(&mut body)?)
}

impl Latency {
    fn of(server: &str, mut times: Vec<u64>, rate: f64) -> Self {
        times.sort_unstable();
        let last = times.len().saturating_sub(1);
        let at = |quantile: f64| {
            times
                .get((quantile * last as f64).round() as usize)
                .copied()
        };
        let at = |quantile| at(quantile).unwrap_or_default();
        let power = |point: u32| NINES * f64::from(point) / f64::from(POINTS);
        let quantiles = (0..=POINTS).map(|point| 1.0 - 10_f64.powf(-power(point)));
        // Beyond the number of requests there is nothing to see.
        let seen = quantiles.take_while(|quantile| (1.0 - quantile) * times.len() as f64 >= 1.0);
        Self {
            server: server.to_owned(),
            rate,
            requests: times.len(),
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: at(1.0),
            points: seen.map(|quantile| (quantile, at(quantile))).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_all_times() {
        let latency = Latency::of("s", (1..=1001).rev().collect(), 10.0);
        let found = [
            latency.p50,
            latency.p90,
            latency.p99,
            latency.p999,
            latency.max,
        ];
        assert_eq!(found, [501, 901, 991, 1000, 1001]);
        assert!(
            latency
                .points
                .iter()
                .all(|(quantile, _)| *quantile < 0.9991)
        );
    }

    #[test]
    fn a_stall_is_seen_by_every_request_that_it_delays() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        thread::spawn(move || {
            // Nobody is answered in the first 300 ms.
            thread::sleep(Duration::from_millis(800));
            while let Ok((mut stream, _)) = listener.accept() {
                thread::spawn(move || {
                    let mut request = [0; 1024];
                    while stream.read(&mut request).is_ok_and(|read| read > 0) {
                        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                        stream.write_all(answer).unwrap();
                    }
                });
            }
        });
        let schedule = Schedule {
            server: "s".to_owned(),
            host,
            request: "GET / HTTP/1.1\r\n\r\n".to_owned(),
            rate: 100.0,
            seconds: 0.5,
        };
        let latency = schedule.measure().unwrap();
        assert_eq!(latency.requests, 50);
        // Half of the requests were due while nobody was answered.
        assert!(latency.p50 > 20_000, "{latency:?}");
    }
}
