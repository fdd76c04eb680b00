# A Redis server and a Redis Cluster for tests; sourced by tests/servers/run, which gives `fail` and `$scratch`.

# The processes that were started.
redis_pid=
cluster_pids=()

# Starts a server on a free port, with the given settings; says where in redis_port, and its process in redis_started.
redis_server() {
    local server cli port attempt
    server=$(command -v redis-server || command -v valkey-server) || fail "redis-server is not installed"
    cli=$(redis_program)
    # A port can be taken between the choice and the start. A node of a cluster also listens 10000 ports above its own.
    for attempt in 1 2 3 4 5 6 7 8 9 10; do
        port=$((20000 + RANDOM % 20000))
        mkdir -p "$scratch/redis-$port"
        "$server" --port "$port" --bind 127.0.0.1 --dir "$scratch/redis-$port" --logfile log --daemonize no \
            --appendonly no --save '' --maxmemory-policy noeviction "$@" >/dev/null 2>&1 </dev/null &
        redis_started=$!
        disown "$redis_started"
        redis_port=$port
        while kill -0 "$redis_started" 2>/dev/null; do
            if [ "$("$cli" -h 127.0.0.1 -p "$port" INFO server 2>/dev/null | tr -d '\r' | sed -n 's/^process_id://p')" = "$redis_started" ]; then
                return
            fi
            sleep 0.05
        done
    done
    fail "Redis does not start: $(tail -n 3 "$scratch/redis-$port/log" 2>/dev/null)"
}

redis_program() {
    command -v redis-cli || command -v valkey-cli || fail "redis-cli is not installed"
}

redis_start() {
    local cli
    cli=$(redis_program)
    if [ "$(timeout 5 "$cli" -h 127.0.0.1 -p 6379 PING 2>/dev/null)" = PONG ]; then
        export GRANTOR_TEST_REDIS=redis://127.0.0.1:6379/
        return
    fi
    redis_server
    redis_pid=$redis_started
    export GRANTOR_TEST_REDIS="redis://127.0.0.1:$redis_port/"
}

redis_stop() {
    [ -n "$redis_pid" ] || return 0
    kill -9 "$redis_pid" 2>/dev/null || true
    redis_pid=
}

# Three masters with a replica each.
cluster_start() {
    local cli node nodes=() urls="" deadline
    cli=$(redis_program)
    for _ in 1 2 3 4 5 6; do
        redis_server --cluster-enabled yes --cluster-config-file nodes.conf --cluster-node-timeout 1500
        cluster_pids+=("$redis_started")
        nodes+=("127.0.0.1:$redis_port")
        urls="$urls,redis://127.0.0.1:$redis_port/"
    done
    "$cli" --cluster create "${nodes[@]}" --cluster-replicas 1 --cluster-yes >"$scratch/cluster.log" 2>&1 ||
        fail "the Redis Cluster cannot be made: $(tail -n 3 "$scratch/cluster.log")"
    deadline=$((SECONDS + 60))
    for node in "${nodes[@]}"; do
        until cluster_node_is_ready "$cli" "${node##*:}"; do
            [ "$SECONDS" -lt "$deadline" ] || fail "the Redis Cluster does not become ready"
            sleep 0.1
        done
    done
    export GRANTOR_TEST_REDIS_CLUSTER="${urls#,}"
}

# Whether a node sees the whole cluster at work, and is a master with its replica or a replica in step.
cluster_node_is_ready() {
    local info
    info=$("$1" -h 127.0.0.1 -p "$2" CLUSTER INFO 2>/dev/null | tr -d '\r')
    grep -qx cluster_state:ok <<<"$info" && grep -qx cluster_known_nodes:6 <<<"$info" || return 1
    info=$("$1" -h 127.0.0.1 -p "$2" INFO replication 2>/dev/null | tr -d '\r')
    grep -qx master_link_status:up <<<"$info" || grep -q '^slave0:.*state=online' <<<"$info"
}

cluster_stop() {
    local pid
    for pid in ${cluster_pids[@]+"${cluster_pids[@]}"}; do
        kill -9 "$pid" 2>/dev/null || true
    done
    cluster_pids=()
}
