//! What a subscriber gets.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use super::output::Everywhere;

/// A span that was closed, or an event.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The name of the span; of an event, that of the span it is in.
    pub span: String,
    pub target: String,
    pub level: Level,
    pub fields: Fields,
}

/// The fields that have a value.
#[derive(Clone, Debug, Default)]
pub struct Fields(BTreeMap<&'static str, String>);

impl Fields {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A subscriber that writes lines would show a field as often as it is recorded.
    fn keep(&mut self, field: &Field, value: String) {
        let before = self.0.insert(field.name(), value);
        assert!(before.is_none(), "{field} is recorded twice");
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.keep(field, format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.keep(field, value.to_owned());
    }
}

/// Keeps what this thread traces, for as long as it lives.
pub struct Traces {
    kept: Arc<Mutex<Kept>>,
    _guard: DefaultGuard,
}

#[derive(Default)]
struct Kept {
    spans: Vec<Trace>,
    events: Vec<Trace>,
}

impl Traces {
    pub fn of_this_thread() -> Self {
        let kept = Arc::new(Mutex::new(Kept::default()));
        let subscriber =
            tracing_subscriber::registry().with(Keeper(Arc::clone(&kept))).with(layer().with_writer(Everywhere));
        Self { kept, _guard: tracing::subscriber::set_default(subscriber) }
    }

    /// Forgets everything so far.
    pub fn forget(&self) {
        *self.kept.lock().unwrap() = Kept::default();
    }

    /// The spans that were closed so far, and forgets them.
    pub fn spans(&self) -> Vec<Trace> {
        std::mem::take(&mut self.kept.lock().unwrap().spans)
    }

    /// The events of the crate so far, and forgets them.
    pub fn events(&self) -> Vec<Trace> {
        let mut events = std::mem::take(&mut self.kept.lock().unwrap().events);
        events.retain(|event| event.target == "grantor");
        events
    }
}

struct Keeper(Arc<Mutex<Kept>>);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Keeper {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        context.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        values.record(context.span(id).unwrap().extensions_mut().get_mut::<Fields>().unwrap());
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let span = context.lookup_current().map_or_else(String::new, |span| span.name().to_owned());
        let (target, level) = (event.metadata().target().to_owned(), *event.metadata().level());
        self.0.lock().unwrap().events.push(Trace { span, target, level, fields });
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let span = context.span(&id).unwrap();
        let fields = span.extensions().get::<Fields>().unwrap().clone();
        let (target, level) = (span.metadata().target().to_owned(), *span.metadata().level());
        self.0.lock().unwrap().spans.push(Trace { span: span.name().to_owned(), target, level, fields });
    }
}
