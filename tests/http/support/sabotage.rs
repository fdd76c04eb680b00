//! What can be done to a test's own database from the side.

use sqlx::{AssertSqlSafe, Connection as _, SqliteConnection};

use super::server::{Kind, OwnDatabase, block_on, run_sql};

impl OwnDatabase {
    /// Runs SQL from the side.
    pub fn run_sql(&self, sql: &str) {
        run_sql(&self.url, sql.to_owned());
    }

    /// Breaks every connection that anybody has to it.
    pub fn break_connections(&self) {
        match &self.kind {
            Kind::Postgres { server, name } => {
                let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname";
                run_sql(server, format!("{others} = '{name}'"));
            }
            Kind::Redis => self.break_redis_connections(),
        }
    }

    fn break_redis_connections(&self) {
        let number = format!(" db={} ", self.url.rsplit('/').next().unwrap());
        let mut connection = redis::Client::open(self.url.as_str()).unwrap().get_connection().unwrap();
        let own: u64 = redis::cmd("CLIENT").arg("ID").query(&mut connection).unwrap();
        let clients: String = redis::cmd("CLIENT").arg("LIST").query(&mut connection).unwrap();
        for client in clients.lines().filter(|client| client.contains(&number)) {
            let id = client.split(' ').find_map(|part| part.strip_prefix("id=")).unwrap();
            if id != own.to_string() {
                // It may have gone by itself.
                let _: u64 = redis::cmd("CLIENT").arg(&["KILL", "ID", id]).query(&mut connection).unwrap();
            }
        }
    }
}

/// Runs SQL in a file.
pub fn run_sqlite(url: &str, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    block_on(async move {
        let mut connection = SqliteConnection::connect(url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    });
}
