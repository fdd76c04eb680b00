# A PostgreSQL server for tests; sourced by tests/servers/run, which gives `fail` and `$scratch`.

# The directory of a started server's data; empty if none was started.
postgres_data=

# Prints where a program of PostgreSQL's is, the newest version first. Distributions keep them off the PATH.
postgres_program() {
    local program
    for program in $(ls -d /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin 2>/dev/null | sort -rV); do
        if [ -x "$program/$1" ]; then
            echo "$program/$1"
            return
        fi
    done
    command -v "$1"
}

# Runs a command as somebody whom the server accepts as its owner: it refuses to be started by root.
postgres_as_owner() {
    if [ "$(id -u)" -eq 0 ]; then
        (cd / && exec runuser -u postgres -- "$@")
    else
        "$@"
    fi
}

postgres_start() {
    local psql initdb pg_ctl user port
    psql=$(postgres_program psql) || fail "psql is not installed"

    for user in postgres "${USER:-$(id -un)}"; do
        if PGCONNECT_TIMEOUT=5 "$psql" -w -X -q -h 127.0.0.1 -p 5432 -U "$user" -d test -c 'SELECT 1' >/dev/null 2>&1; then
            export GRANTOR_TEST_POSTGRES="postgres://$user@127.0.0.1:5432/test"
            return
        fi
    done

    initdb=$(postgres_program initdb) || fail "initdb is not installed"
    pg_ctl=$(postgres_program pg_ctl) || fail "pg_ctl is not installed"
    if [ "$(id -u)" -eq 0 ]; then
        id postgres >/dev/null 2>&1 || fail "PostgreSQL does not run as root, and there is no user postgres"
    fi
    mkdir "$scratch/postgres"
    [ "$(id -u)" -ne 0 ] || chown postgres "$scratch/postgres"
    postgres_as_owner "$initdb" -D "$scratch/postgres/data" -U postgres -A trust -E UTF8 --no-locale >"$scratch/initdb.log" 2>&1 ||
        fail "initdb: $(cat "$scratch/initdb.log")"
    # A port can be taken between the choice and the start.
    for _ in 1 2 3 4 5; do
        port=$((20000 + RANDOM % 20000))
        if postgres_as_owner "$pg_ctl" -D "$scratch/postgres/data" -w -t 60 -l "$scratch/postgres/log" \
            -o "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories=" start >/dev/null 2>&1; then
            postgres_data=$scratch/postgres/data
            break
        fi
    done
    [ -n "$postgres_data" ] || fail "PostgreSQL does not start: $(cat "$scratch/postgres/log")"
    "$psql" -w -X -q -h 127.0.0.1 -p "$port" -U postgres -d postgres -c 'CREATE DATABASE test' ||
        fail "the database of the tests cannot be created"
    export GRANTOR_TEST_POSTGRES="postgres://postgres@127.0.0.1:$port/test"
}

postgres_stop() {
    [ -n "$postgres_data" ] || return 0
    postgres_as_owner "$(postgres_program pg_ctl)" -D "$postgres_data" -m immediate stop >/dev/null
    postgres_data=
}
