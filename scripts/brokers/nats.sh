# NATS with JetStream; its monitoring pages are 4000 ports above (8222 for 4222).

prepare_nats() { need nats-server nats-server; }

start_nats() {
    launch nats nats-server --jetstream --store_dir "$STATE/nats/data" \
        --addr 127.0.0.1 --port "$PORT" --http_port $((PORT + 4000))
}
