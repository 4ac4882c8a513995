# RabbitMQ as the user who calls, not as Debian's service: own node name, own cookie, own port mapper (epmd).

RABBIT_SERVER=/usr/lib/rabbitmq/bin/rabbitmq-server

prepare_rabbit() { need "$RABBIT_SERVER" rabbitmq-server; }

start_rabbit() {
    local home="$STATE/rabbit/data" distribution=$((PORT + 20000)) mapper=$((PORT + 20001))
    printf '%s\n' \
        "listeners.tcp.local = 127.0.0.1:$PORT" \
        "disk_free_limit.absolute = 50MB" >"$home/rabbitmq.conf"
    echo '[].' >"$home/enabled_plugins"
    echo "$mapper" >"$STATE/rabbit/mapper_port"
    ERL_EPMD_PORT=$mapper epmd -daemon -address 127.0.0.1 || true
    launch rabbit env \
        HOME="$home" \
        ERL_EPMD_PORT="$mapper" \
        RABBITMQ_NODENAME=anystream@localhost \
        RABBITMQ_DIST_PORT="$distribution" \
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}' \
        RABBITMQ_CONFIG_FILE="$home/rabbitmq.conf" \
        RABBITMQ_CONF_ENV_FILE="$home/none" \
        RABBITMQ_ENABLED_PLUGINS_FILE="$home/enabled_plugins" \
        RABBITMQ_MNESIA_BASE="$home/mnesia" \
        RABBITMQ_LOG_BASE="$home/log" \
        RABBITMQ_PID_FILE="$home/vm.pid" \
        "$RABBIT_SERVER"
}

after_stop_rabbit() {
    local mapper
    mapper="$(cat "$STATE/rabbit/mapper_port" 2>/dev/null)" || return 0
    ERL_EPMD_PORT="$mapper" epmd -kill >/dev/null 2>&1 || true
}
