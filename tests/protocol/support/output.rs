//! Everything that is written while a test runs, by whatever way: events and spans of every crate at their most
//! talkative, the names and labels of metrics, and what an observer could write.

use std::fmt::Write as _;
use std::io;
use std::sync::{Arc, Mutex, Once, PoisonError, Weak};

use grantor::observer::{Event, Observer};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

/// What is written from now on, by this test and by those beside it.
#[derive(Clone, Debug)]
pub struct Output(Arc<Mutex<Vec<u8>>>);

/// The outputs that somebody still looks at.
static OPEN: Mutex<Vec<Weak<Mutex<Vec<u8>>>>> = Mutex::new(Vec::new());

impl Output {
    pub fn listen() -> Self {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            tracing::subscriber::set_global_default(subscriber()).expect("the only global subscriber");
            metrics::set_global_recorder(Labels).expect("the only global recorder");
        });
        let output = Arc::default();
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|output| output.strong_count() > 0);
        open.push(Arc::downgrade(&output));
        Self(output)
    }

    /// What was written so far.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }
}

/// Adds to every output.
pub fn write(text: &[u8]) {
    let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    for output in open.iter().filter_map(Weak::upgrade) {
        output.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(text);
    }
}

/// Writes all that there is, and each span again when it closes, with what it learned.
fn subscriber() -> impl tracing::Subscriber + Send + Sync {
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(Everywhere)
        .finish()
}

/// Writes to every output.
#[derive(Clone, Copy, Debug)]
pub struct Everywhere;

impl io::Write for Everywhere {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Everywhere {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        *self
    }
}

/// Shows every event.
impl Observer for Everywhere {
    fn observe(&self, event: &Event<'_>) {
        write(format!("{event:?}\n{event:#?}\n").as_bytes());
    }
}

/// Writes what every metric is called.
struct Labels;

impl Labels {
    fn write(key: &Key) {
        let mut line = key.name().to_owned();
        for label in key.labels() {
            write!(line, " {}={}", label.key(), label.value()).expect("memory");
        }
        write(format!("{line}\n").as_bytes());
    }
}

impl Recorder for Labels {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Self::write(key);
        Counter::noop()
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Self::write(key);
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Self::write(key);
        Histogram::noop()
    }
}
