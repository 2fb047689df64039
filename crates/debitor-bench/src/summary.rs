//! The figures that are drawn from the rounds: medians, and ratios taken round by round.

use crate::admission::Admission;
use crate::operation::Operation;
use crate::results::{Results, Round, Sample};
use crate::server::{BARE, LIMITS, OURS};

/// A round whose limits are this far off the median was disturbed.
const TOLERANCE: f64 = 0.2;
/// The limits that tell, at most with so many clients.
pub(crate) const MANY: usize = 64;

/// Median, least and greatest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of any number of values but none.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let middle = values.len() / 2;
        let median = if values.len() % 2 == 1 {
            values[middle]
        } else {
            f64::midpoint(values[middle - 1], values[middle])
        };
        Some(Self { median, min, max })
    }
}

/// The rounds that were not disturbed.
pub(crate) fn kept(rounds: &[Round]) -> Vec<&Round> {
    let all: Vec<Vec<f64>> = rounds.iter().map(limits).collect();
    let median =
        |limit: usize| Spread::of(all.iter().filter_map(|limits| limits.get(limit).copied()));
    let near = |(limit, value): (usize, &f64)| {
        median(limit).is_none_or(|spread| (value / spread.median - 1.0).abs() <= TOLERANCE)
    };
    let kept = rounds.iter().zip(&all);
    let kept = kept.filter(|(_, limits)| limits.iter().enumerate().all(near));
    kept.map(|(round, _)| round).collect()
}

/// What the machine did in a round: the disk, and the server that keeps nothing.
fn limits(round: &Round) -> Vec<f64> {
    let own = |sample: &&Sample| sample.cell.server == LIMITS && sample.cell.clients <= MANY;
    let clients = round
        .samples
        .iter()
        .filter(own)
        .map(|sample| sample.cell.clients)
        .max();
    let told = |sample: &&Sample| own(sample) && Some(sample.cell.clients) == clients;
    let served = round.samples.iter().filter(told).map(|sample| sample.rate);
    std::iter::once(round.fdatasync).chain(served).collect()
}

impl Round {
    pub(crate) fn find(
        &self,
        server: &str,
        operation: Operation,
        clients: usize,
    ) -> Option<&Sample> {
        self.samples.iter().find(|Sample { cell, .. }| {
            (cell.server.as_str(), cell.operation, cell.clients) == (server, operation, clients)
        })
    }

    fn rate(&self, server: &str, operation: Operation, clients: usize) -> Option<f64> {
        Some(self.find(server, operation, clients)?.rate)
    }

    fn at_size(&self, operation: Operation, customers: u64) -> Option<f64> {
        let own = |Sample { cell, .. }: &&Sample| {
            (cell.server.as_str(), cell.operation, cell.customers) == (OURS, operation, customers)
        };
        Some(self.samples.iter().find(own)?.rate)
    }

    /// Our sample of what lists are asked for.
    fn list(&self, (operation, clients, customers): Asked) -> Option<&Sample> {
        let own = |Sample { cell, .. }: &&Sample| {
            let asked = (cell.operation, cell.clients, cell.customers);
            cell.server == OURS && asked == (operation, clients, customers)
        };
        self.samples.iter().find(own)
    }
}

/// An operation of lists, the clients that ask, and the customers of the company.
pub(crate) type Asked = (Operation, usize, u64);

impl Sample {
    /// Microseconds of an answer: what one client waits in half of all cases, and of many what the
    /// machine takes for each.
    pub(crate) fn cost(&self) -> f64 {
        if self.cell.clients == 1 {
            self.p50
        } else {
            1e6 / self.rate
        }
    }

    /// The processor time of the server and of its database.
    pub(crate) fn all_cpu(&self) -> f64 {
        self.cpu + self.database_cpu.unwrap_or_default()
    }
}

impl Results {
    /// The spread of something in the samples of one cell.
    pub(crate) fn spread(
        &self,
        (server, operation, clients): (&str, Operation, usize),
        value: impl Fn(&Sample) -> f64,
    ) -> Option<Spread> {
        let rounds = kept(&self.rounds);
        let samples = rounds
            .iter()
            .filter_map(|round| round.find(server, operation, clients));
        Spread::of(samples.map(value))
    }

    /// Our rate by the rate of the limit `of`.
    pub(crate) fn to_limit(&self, own: Operation, of: Operation, clients: usize) -> Option<Spread> {
        self.ratios(|round| {
            Some(round.rate(OURS, own, clients)? / round.rate(LIMITS, of, clients)?)
        })
    }

    /// Our rate by that of the best durable peer of the round.
    pub(crate) fn to_best_peer(&self, operation: Operation, clients: usize) -> Option<Spread> {
        let peers: Vec<&str> = self
            .durable_peers()
            .map(|peer| peer.server.as_str())
            .collect();
        self.ratios(|round| {
            let rates = peers
                .iter()
                .filter_map(|peer| round.rate(peer, operation, clients));
            let best = rates.max_by(f64::total_cmp)?;
            Some(round.rate(OURS, operation, clients)? / best)
        })
    }

    /// The name of the peer that is best most often.
    pub(crate) fn best_peer(&self, operation: Operation, clients: usize) -> Option<&str> {
        let median = |peer: &&Admission| {
            let cell = (peer.server.as_str(), operation, clients);
            self.spread(cell, |sample| sample.rate)
                .map_or(0.0, |spread| spread.median)
        };
        let best = self
            .durable_peers()
            .max_by(|a, b| median(a).total_cmp(&median(b)));
        best.map(|peer| peer.title.as_str())
    }

    /// Our rate in a company of this size.
    pub(crate) fn at_size(&self, operation: Operation, customers: u64) -> Option<Spread> {
        let rounds = kept(&self.growth);
        Spread::of(
            rounds
                .iter()
                .filter_map(|round| round.at_size(operation, customers)),
        )
    }

    /// How much more a request costs in the greatest company than in the least.
    pub(crate) fn growth(&self, operation: Operation) -> Option<Spread> {
        let (&few, &many) = (self.settings.sizes.first()?, self.settings.sizes.last()?);
        let rounds = kept(&self.growth);
        Spread::of(rounds.iter().filter_map(|round| {
            Some(round.at_size(operation, few)? / round.at_size(operation, many)?)
        }))
    }

    /// The least and the greatest company.
    pub(crate) fn ends(&self) -> Option<[u64; 2]> {
        let sizes = &self.settings.sizes;
        Some([*sizes.first()?, *sizes.last()?])
    }

    /// The spread of something in the samples of what lists are asked for.
    pub(crate) fn of_lists(&self, asked: Asked, value: impl Fn(&Sample) -> f64) -> Option<Spread> {
        let rounds = kept(&self.lists);
        let samples = rounds.iter().filter_map(|round| round.list(asked));
        Spread::of(samples.map(value))
    }

    /// The same, by that of a get by id among the same customers.
    pub(crate) fn to_get(
        &self,
        (operation, clients, customers): Asked,
        value: impl Fn(&Sample) -> f64,
    ) -> Option<Spread> {
        let ratio = |round: &&Round| {
            let get = value(round.list((Operation::ById, clients, customers))?);
            let own = value(round.list((operation, clients, customers))?);
            (get > 0.0).then_some(own / get)
        };
        Spread::of(kept(&self.lists).iter().filter_map(ratio))
    }

    /// How much more an answer costs in the greatest company than in the least.
    pub(crate) fn growth_of_lists(&self, operation: Operation, clients: usize) -> Option<Spread> {
        let [few, many] = self.ends()?;
        let ratio = |round: &&Round| {
            let few = round.list((operation, clients, few))?.cost();
            Some(round.list((operation, clients, many))?.cost() / few)
        };
        Spread::of(kept(&self.lists).iter().filter_map(ratio))
    }

    /// The rate of a server's creates in the rounds of creates.
    pub(crate) fn creates_of(&self, server: &str, clients: usize) -> Option<Spread> {
        let rounds = kept(&self.bare);
        let rates = rounds.iter();
        Spread::of(rates.filter_map(|round| round.rate(server, Operation::Create, clients)))
    }

    /// The rate of creates by that without what only lists need.
    pub(crate) fn creates_to_bare(&self, clients: usize) -> Option<Spread> {
        let ratio = |round: &&Round| {
            let rate = |server| round.rate(server, Operation::Create, clients);
            Some(rate(OURS)? / rate(BARE)?)
        };
        Spread::of(kept(&self.bare).iter().filter_map(ratio))
    }

    /// The processor time of gets by that of gets without authentication.
    pub(crate) fn gets_to_bare(&self) -> Option<Spread> {
        let ratio = |round: &&Round| {
            let cpu = |server| Some(round.find(server, Operation::Get, MANY)?.cpu);
            Some(cpu(OURS)? / cpu(BARE)?)
        };
        Spread::of(kept(&self.bare).iter().filter_map(ratio))
    }

    fn ratios(&self, ratio: impl Fn(&Round) -> Option<f64>) -> Option<Spread> {
        Spread::of(kept(&self.rounds).into_iter().filter_map(ratio))
    }

    pub(crate) fn durable_peers(&self) -> impl Iterator<Item = &Admission> {
        let peers = self
            .admissions
            .iter()
            .filter(|admission| !admission.server.starts_with(OURS));
        peers.filter(|admission| admission.is_durable())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Operation::{ByEmail, ById};
    use crate::results::Cell;
    use crate::targets;

    #[test]
    fn the_middle_of_an_even_number_is_between_two() {
        let spread = Spread::of([4.0, 1.0, 3.0, 2.0]).unwrap();
        let expected = Spread {
            median: 2.5,
            min: 1.0,
            max: 4.0,
        };
        assert_eq!(spread, expected);
        assert!(Spread::of([]).is_none());
    }

    fn sample(server: &str, (operation, clients, customers): Asked, p50: f64) -> Sample {
        let cell = Cell {
            server: server.to_owned(),
            operation,
            clients,
            customers,
        };
        Sample {
            cell,
            rate: 1e6 / p50,
            cpu: p50 / 2.0,
            database_cpu: None,
            memory_mib: 1.0,
            p50,
            p90: p50,
            p99: p50,
            p999: p50,
            max: p50,
        }
    }

    fn round(samples: Vec<Sample>) -> Round {
        Round {
            fdatasync: 100.0,
            samples,
        }
    }

    #[test]
    fn lists_are_compared_with_the_get_of_their_round() {
        // The second round is slow, and slow for all.
        let rounds = [1.0, 4.0].map(|slow| {
            let of = |operation, customers, p50: f64| {
                sample(OURS, (operation, 1, customers), slow * p50)
            };
            round(vec![
                of(ById, 10, 100.0),
                of(ByEmail, 10, 120.0),
                of(ById, 1000, 110.0),
                of(ByEmail, 1000, 220.0),
            ])
        });
        let results = Results {
            lists: rounds.into(),
            ..Results::of_sizes(vec![10, 100, 1000])
        };
        let asked = (ByEmail, 1, 1000);
        assert_eq!(results.to_get(asked, Sample::cost), Spread::of([2.0]));
        assert_eq!(results.to_get(asked, Sample::all_cpu), Spread::of([2.0]));
        let growth = results.growth_of_lists(ByEmail, 1).unwrap().median;
        assert!((growth - 220.0 / 120.0).abs() < 1e-9);
        assert_eq!(results.growth_of_lists(ByEmail, 64), None);
        let target = targets::all(&results)
            .into_iter()
            .find(|target| target.what == "email / get by id, 1000 customers");
        assert_eq!(target.unwrap().is_met(), Some(true));
        let text = crate::report::markdown(&results);
        assert!(text.contains("## Lists"), "{text}");
        assert!(text.contains("| email"), "{text}");
    }

    #[test]
    fn creates_are_compared_with_those_of_the_bare_server() {
        let create = |server, p50| sample(server, (Operation::Create, MANY, 10), p50);
        let results = Results {
            bare: vec![round(vec![create(OURS, 50.0), create(BARE, 40.0)])],
            ..Results::of_sizes(vec![10])
        };
        let ratio = results.creates_to_bare(MANY).unwrap().median;
        assert!((ratio - 0.8).abs() < 1e-9);
        assert_eq!(results.creates_to_bare(1), None);
    }

    #[test]
    fn a_disturbed_round_is_dropped() {
        let rounds = [100.0, 101.0, 70.0, 99.0, 121.0].map(|fdatasync| Round {
            fdatasync,
            ..Round::default()
        });
        let kept = kept(&rounds).into_iter();
        let kept: Vec<String> = kept.map(|round| round.fdatasync.to_string()).collect();
        assert_eq!(kept, ["100", "101", "99"]);
    }
}
