//! The tests, for whichever example the crate around them names in `EXAMPLE`.

mod api;
mod app_page;
mod app_store;
mod clients_file;
mod connected_apps;
mod consent_flow;
mod consent_forgery;
mod developer_page;
mod discovery;
mod kill;
mod large_bodies;
mod log;
mod lost_answers;
mod metrics;
mod oauth2_client;
mod pages;
mod redirects;
mod services;
mod sessions;
mod several_processes;
mod slow;
mod startup;
mod support;
mod trouble;
mod wire;
mod workspaces;
