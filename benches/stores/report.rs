//! Tables, to be pasted as they are.

use crate::arguments::StoreKind;
use crate::load::Samples;
use crate::operation::Operation;

/// Columns of text, the first two to the left and numbers to the right.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|&cell| cell.to_owned()).collect()] }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(crate) fn print(&self) {
        let columns = self.rows.first().map_or(0, Vec::len);
        let width = |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<_> = (0..columns).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let padding = " ".repeat(width - cell.chars().count());
                let cell = if column < 2 { format!("{cell}{padding}") } else { format!("{padding}{cell}") };
                line.push_str(&cell);
                line.push_str("  ");
            }
            println!("{}", line.trim_end());
        }
        println!();
    }
}

/// What one operation took.
pub(crate) struct Measured {
    pub(crate) operation: Operation,
    pub(crate) store: StoreKind,
    pub(crate) connections: u32,
    pub(crate) tokens: u64,
    pub(crate) samples: Samples,
    pub(crate) floor: Option<Samples>,
}

impl Measured {
    fn half(&self) -> f64 {
        self.samples.percentile(50)
    }

    fn floor_half(&self) -> Option<f64> {
        self.floor.as_ref().map(|floor| floor.percentile(50))
    }

    /// What a call costs, in microseconds, to be compared. One caller's median is not moved by what else the disk has to do;
    /// several callers wait for each other, so that their times say less than how many calls they make together.
    fn cost(&self, samples: &Samples) -> f64 {
        // No calls have a median that is not a number.
        if self.connections == 1 || samples.count() == 0 {
            samples.percentile(50)
        } else {
            1e6 * f64::from(self.connections) / samples.per_second()
        }
    }

    fn own_cost(&self) -> f64 {
        self.cost(&self.samples)
    }

    fn floor_cost(&self) -> Option<f64> {
        self.floor.as_ref().map(|floor| self.cost(floor))
    }
}

/// All operations, each beside its floor and beside itself at the smallest number of tokens.
pub(crate) fn operations(measured: &[Measured]) {
    let head = [
        "operation",
        "store",
        "connections",
        "tokens",
        "calls",
        "per second",
        "p50 µs",
        "p99 µs",
        "floor p50 µs",
        "per second",
    ];
    let mut table = Table::new(&[&head[..], &["to floor", "to smallest"]].concat());
    let order = |one: &Measured| (one.store as usize, one.operation as usize, one.connections, one.tokens);
    let mut rows: Vec<_> = measured.iter().collect();
    rows.sort_by_key(|one| order(one));
    for one in rows {
        let alike = |other: &&Measured| {
            (other.store, other.operation, other.connections) == (one.store, one.operation, one.connections)
        };
        let smallest = measured.iter().filter(alike).min_by_key(|other| other.tokens);
        let growth =
            smallest.filter(|smallest| smallest.tokens < one.tokens).map(|small| one.own_cost() / small.own_cost());
        table.row(vec![
            one.operation.name().to_owned(),
            one.store.name().to_owned(),
            one.connections.to_string(),
            grouped(one.tokens),
            one.samples.count().to_string(),
            format!("{:.0}", one.samples.per_second()),
            micros(one.half()),
            micros(one.samples.percentile(99)),
            one.floor_half().map_or_else(String::new, micros),
            one.floor.as_ref().map_or_else(String::new, |floor| format!("{:.0}", floor.per_second())),
            ratio(one.floor_cost().map(|floor| one.own_cost() / floor)),
            ratio(growth),
        ]);
    }
    table.print();
}

/// What a request costs: the read and the write of a token request together, as they follow each other.
pub(crate) fn requests(measured: &[Measured]) {
    let requests: [(&str, &[Operation]); 3] = [
        ("bearer check", &[Operation::FindAccessToken]),
        ("exchange: find_code, exchange", &[Operation::FindCode, Operation::Exchange]),
        ("refresh: find_refresh_token, rotate", &[Operation::FindRefreshToken, Operation::Rotate]),
    ];
    let mut table = Table::new(&["request", "store", "connections", "tokens", "cost µs", "floor µs", "to floor"]);
    for (name, operations) in requests {
        let first = measured.iter().filter(|one| Some(&one.operation) == operations.first());
        for one in first {
            let parts: Vec<_> = measured
                .iter()
                .filter(|other| {
                    let alike =
                        (other.store, other.connections, other.tokens) == (one.store, one.connections, one.tokens);
                    alike && operations.contains(&other.operation)
                })
                .collect();
            let ours: f64 = parts.iter().map(|part| part.own_cost()).sum();
            let floor: Option<f64> = parts.iter().map(|part| part.floor_cost()).sum();
            table.row(vec![
                name.to_owned(),
                one.store.name().to_owned(),
                one.connections.to_string(),
                grouped(one.tokens),
                micros(ours),
                floor.map_or_else(String::new, micros),
                ratio(floor.map(|floor| ours / floor)),
            ]);
        }
    }
    table.print();
}

/// Three digits that count.
pub(crate) fn micros(value: f64) -> String {
    if value.is_nan() {
        // Nothing was left to call it with, or nothing was purged.
        "-".to_owned()
    } else if value < 10.0 {
        format!("{value:.2}")
    } else if value < 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

fn ratio(value: Option<f64>) -> String {
    value.filter(|value| !value.is_nan()).map_or_else(String::new, |value| format!("{value:.2}x"))
}

/// With a comma behind each three digits.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
