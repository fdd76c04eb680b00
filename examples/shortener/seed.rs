//! The two people who can sign in when the database is new, with their workspaces and first links.

use super::database::{Database, on_pool};
use super::{password, workspaces};

/// A demo user.
#[derive(Debug)]
pub struct DemoUser {
    /// What to type to sign in.
    pub username: &'static str,
    /// The password, which is no secret: it is printed at start-up.
    pub password: &'static str,
    name: &'static str,
    workspaces: &'static [DemoWorkspace],
}

/// A workspace that a demo user owns.
#[derive(Debug)]
struct DemoWorkspace {
    id: &'static str,
    name: &'static str,
    /// Slug, URL, visits.
    links: &'static [(&'static str, &'static str, i64)],
}

/// Everybody who can sign in.
pub const DEMO_USERS: [DemoUser; 2] = [
    DemoUser {
        username: "ada",
        password: "correct horse",
        name: "Ada Lovelace",
        workspaces: &[
            DemoWorkspace {
                id: "ada-personal",
                name: "Personal",
                links: &[
                    ("notes", "https://en.wikipedia.org/wiki/Note_G", 1843),
                    ("bernoulli", "https://en.wikipedia.org/wiki/Bernoulli_number", 36),
                ],
            },
            DemoWorkspace {
                id: "analytical-engines",
                name: "Analytical Engines",
                links: &[("engine", "https://en.wikipedia.org/wiki/Analytical_engine", 211)],
            },
        ],
    },
    DemoUser {
        username: "grace",
        password: "battery staple",
        name: "Grace Hopper",
        workspaces: &[DemoWorkspace {
            id: "compilers",
            name: "Compilers",
            links: &[
                ("moth", "https://en.wikipedia.org/wiki/Software_bug", 1947),
                ("nanosecond", "https://en.wikipedia.org/wiki/Grace_Hopper", 118),
            ],
        }],
    },
];

/// Adds the demo users that are not there yet, and the workspaces that they miss, each with its links. Another process
/// may be doing the same.
pub async fn add_demo_users(database: &Database) -> Result<(), sqlx::Error> {
    for user in &DEMO_USERS {
        let id = match known(database, user).await? {
            Some(id) => Some(id),
            None => {
                add(database, user).await?;
                known(database, user).await?
            }
        };
        if let Some(id) = id
            && workspaces::of(database, id).await?.is_empty()
        {
            add_workspaces(database, id, user.workspaces).await?;
        }
    }
    Ok(())
}

async fn known(database: &Database, user: &DemoUser) -> Result<Option<i64>, sqlx::Error> {
    on_pool!(database, pool => {
        sqlx::query_scalar("SELECT id FROM users WHERE username = $1").bind(user.username).fetch_optional(pool)
    })
}

async fn add(database: &Database, user: &DemoUser) -> Result<(), sqlx::Error> {
    let Some(hash) = password::hash(user.password.to_owned()).await else { return Ok(()) };
    on_pool!(database, pool => async {
        sqlx::query("INSERT INTO users (username, name, password_hash) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
            .bind(user.username)
            .bind(user.name)
            .bind(&hash)
            .execute(pool)
            .await
            .map(|_| ())
    })
}

/// Links that are older than workspaces are put where they would have been made.
async fn add_workspaces(database: &Database, user_id: i64, workspaces: &[DemoWorkspace]) -> Result<(), sqlx::Error> {
    on_pool!(database, pool => async {
        let mut transaction = pool.begin().await?;
        for (position, workspace) in (0_i64..).zip(workspaces) {
            sqlx::query("INSERT INTO workspaces (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(workspace.id)
                .bind(workspace.name)
                .execute(&mut *transaction)
                .await?;
            sqlx::query(
                "INSERT INTO memberships (user_id, workspace_id, role, position) VALUES ($1, $2, 'owner', $3) \
                 ON CONFLICT DO NOTHING",
            )
            .bind(user_id)
            .bind(workspace.id)
            .bind(position)
            .execute(&mut *transaction)
            .await?;
            for (slug, url, visits) in workspace.links {
                sqlx::query(
                    "INSERT INTO links (slug, user_id, url, visits, workspace_id) VALUES ($1, $2, $3, $4, $5) \
                     ON CONFLICT (slug) DO UPDATE SET workspace_id = excluded.workspace_id",
                )
                .bind(slug)
                .bind(user_id)
                .bind(url)
                .bind(visits)
                .bind(workspace.id)
                .execute(&mut *transaction)
                .await?;
            }
        }
        if let Some(first) = workspaces.first() {
            sqlx::query("UPDATE links SET workspace_id = $1 WHERE user_id = $2 AND workspace_id IS NULL")
                .bind(first.id)
                .bind(user_id)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await
    })
}
